"""How many units, or trials, a difference would need to be told from none with .8 power.

Convention: the observed difference is taken for the true one, the test is two-sided at the level that the first of a family has to pass
(.05 / size), and the films' variance falls as 1 / units. A difference is found with power .8 when it is the test's reach plus .84 standard
errors. Such a number says how far a study was from an answer; it is no plan for the next one, since an observed difference is itself
uncertain.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

from scipy import special

from hilum.stats.difference import FilmPart, TrialPart, reach_at

POWER = 0.8
_MOST_UNITS = 10**9
_MOST_TRIALS = 10_000


@dataclass(frozen=True)
class Needed:
    """Test units that would be needed; where no number is enough with the trials there are, the fewest trials of each cell with which it
    would be, were films without end."""

    units: int | None = None
    trials: int | None = None


def needed(
    estimate: float, films: FilmPart, trials: TrialPart | None, n_units: int, n_trials: int, alpha: float
) -> Needed:
    """Units that would be needed for `POWER` at the observed difference.

    Args:
        estimate: The difference; nothing is enough to find one of 0.
        films: Its films' part, from `n_units`.
        trials: Its trials' part; None for none.
        n_units: Units that the films' part was resampled from.
        n_trials: Trials of each cell.
        alpha: Level of the test.

    >>> one = needed(0.02, FilmPart(0.01, 0.01), None, 1000, 1, 0.05)
    >>> one.units  # 1000 * ((1.96 + 0.84) * 0.01 / 0.02)^2
    1963
    """
    if estimate == 0 or films.alone == 0:
        return Needed(None)
    z, size = float(special.ndtri(POWER)), abs(estimate)
    # s holds the part of film chance that differs between trials; what is left is the trials' own
    own = max(0.0, films.alone**2 - films.common**2)
    of_trials = max(0.0, trials.error**2 - own) ** 0.5 if trials else 0.0

    def missing(units: float) -> float:
        error = films.alone * (n_units / units) ** 0.5
        part = TrialPart(of_trials, trials.df) if trials and of_trials > 0 else None
        reach = reach_at(1 - alpha, FilmPart(error, error), part)
        return reach + z * float((error**2 + of_trials**2) ** 0.5) - size

    if missing(_MOST_UNITS) <= 0:
        return Needed(1 + bisect_left(range(1, _MOST_UNITS), True, key=lambda units: missing(units) <= 0))
    deviation = of_trials * n_trials**0.5

    def enough(trials: int) -> bool:
        error = deviation / trials**0.5
        return bool((z - float(special.stdtrit(trials - 1, alpha / 2))) * error <= size)

    fewest = 2 + bisect_left(range(2, _MOST_TRIALS), True, key=enough)
    return Needed(None, fewest if fewest < _MOST_TRIALS else None)
