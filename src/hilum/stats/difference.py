"""The difference of two cells: one distribution of its error, from which interval and p-value both follow.

Trials are paired by number: trial t of both cells has the same split and seeds (and where it has not, pairing independent trials is
valid still, it only costs degrees of freedom). With d_t the difference in trial t, s their standard deviation (ddof 1), and d*_tb the
difference in resample b of the films, drawn once for both cells,

    variance of the mean = s^2 / T  +  cov

cov being the mean over pairs t != t' of the covariance over b of d*_tb and d*_t'b: Obuchowski & Rockette's model (1995, Commun. Stat.
Simul. 24:285) for a difference, trials as readers. The error is taken as sqrt(cov) Z + s / sqrt(T) t(T - 1), Z normal: the sum that
`intervals` uses for one cell. p is the chance that it lies farther from 0 than the difference; an interval holds all differences
whose p would not be smaller, so the two agree. Neither is ever surer than the films alone (their resampled standard deviation, normal).

Why not one Student's t with the degrees of freedom of Satterthwaite (Hillis 2007, Statist. Med. 26:596)? With two or three trials it says
"different" too often: of equal cells up to .13 (T = 2) and .08 (T = 3) at the level .05, and .03 (T = 3) at .05 / 9, since trials that
happen to agree also raise the degrees of freedom. The sum stays at or below its level (tests/properties/test_comparison_coverage.py).

Cells with other numbers of trials are not paired by trial: s^2 / T is then the sum of the two, with Welch's degrees of freedom. With
one trial there is no trial part: p and interval are then of these films and these trained models (`trainings`). Too few discordant films
to resample: `discordance`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from hilum.stats.trials import film_variances

ONE_TRIAL = "one trial: films only, chance in training is not in it, so no verdict"
SHARED_WEIGHTS = "both sides have the same trained weights: films are the only chance"
_FAR = 12.0  # standard errors; beyond, a normal density adds nothing
_NOTHING = 1e-9  # of the other part: too little to change a digit
_PIECES = np.array([-_FAR, -6.0, -3.0, -1.0, 1.0, 3.0, 6.0, _FAR])
_TURNS = np.array([-100.0, -10.0, -3.0, -1.0, 0.0, 1.0, 3.0, 10.0, 100.0])
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)


class DifferenceTest(Protocol):
    """What a difference's error allows to be said."""

    def p(self) -> float:
        """Two-sided p-value of no difference."""
        ...

    def interval(self, level: float) -> tuple[float, float]:
        """Lower and upper end at a level, within -1 .. 1."""
        ...


@dataclass(frozen=True)
class TrialPart:
    """What trials say of the error of the mean difference.

    Attributes:
        error: s / sqrt(T).
        df: Degrees of freedom of Student's t.
    """

    error: float
    df: float


@dataclass(frozen=True)
class FilmPart:
    """What resampled films say of the error of the mean difference.

    Attributes:
        common: Standard error from the part common to trials, sqrt(cov).
        alone: Standard deviation of the mean over trials, over resamples: what there is if trials did not vary by themselves.
    """

    common: float
    alone: float


def trial_part(points: NDArray[np.float64], reference: NDArray[np.float64]) -> TrialPart | None:
    """The trials' part, paired by trial where both have as many; None where a cell has one trial.

    Args:
        points: Finite, (n_trials,).
        reference: Finite, (n_trials of the reference,).

    >>> part = trial_part(np.array([0.90, 0.92, 0.94]), np.array([0.89, 0.90, 0.91]))
    >>> round(part.error, 5), part.df
    (0.00577, 2)
    """
    n, m = len(points), len(reference)
    if min(n, m) == 1:
        return None
    if n == m:
        return TrialPart(float((points - reference).std(ddof=1)) / n**0.5, n - 1)
    a, b = float(points.var(ddof=1)) / n, float(reference.var(ddof=1)) / m
    df = (a + b) ** 2 / (a * a / (n - 1) + b * b / (m - 1)) if a + b > 0 else float(min(n, m) - 1)
    return TrialPart((a + b) ** 0.5, df)


def film_part(draws: NDArray[np.float64], reference: NDArray[np.float64]) -> FilmPart:
    """The films' part, from resamples that are the same for both cells.

    Args:
        draws: Finite, (n_trials, n_resamples).
        reference: Likewise; its number of trials may be another.
    """
    if len(draws) == len(reference):
        common, alone = film_variances(draws - reference)
        return FilmPart(max(0.0, common) ** 0.5, alone**0.5)
    one, other = draws.mean(axis=0), reference.mean(axis=0)
    shared = float(np.cov(one, other, ddof=0)[0, 1])
    common = film_variances(draws)[0] + film_variances(reference)[0] - 2 * shared
    return FilmPart(max(0.0, common) ** 0.5, float((one - other).std()))


def correlation(draws: NDArray[np.float64], reference: NDArray[np.float64]) -> float:
    """Of two cells' means over trials over the resamples where both are defined, 0 .. 1; 0 where one does not vary.

    Args:
        draws: (n_trials, n_resamples).
        reference: Likewise; its number of trials may be another.
    """
    one, other = draws.mean(axis=0), reference.mean(axis=0)
    both = np.isfinite(one) & np.isfinite(other)
    one, other = one[both], other[both]
    if one.std() == 0 or other.std() == 0:
        return 0.0
    return float(np.clip(np.corrcoef(one, other)[0, 1], 0.0, 1.0))


@dataclass(frozen=True)
class ResampledTest:
    """A test of a difference from the sum of a normal film part and a Student trial part, None for one trial (module docstring)."""

    estimate: float
    films: FilmPart
    trials: TrialPart | None

    def p(self) -> float:
        return farther(abs(self.estimate), self.films, self.trials)

    def interval(self, level: float) -> tuple[float, float]:
        reach = reach_at(level, self.films, self.trials)
        return max(-1.0, self.estimate - reach), min(1.0, self.estimate + reach)


def farther(x: float, films: FilmPart, trials: TrialPart | None) -> float:
    """Chance that the error lies farther from 0 than x >= 0."""
    if x == 0:
        return 1.0
    alone = 2 * float(special.ndtr(-x / films.alone)) if films.alone > 0 else 0.0
    return alone if trials is None else max(alone, _sum_farther(x, films.common, trials))


def reach_at(level: float, films: FilmPart, trials: TrialPart | None) -> float:
    """Half the interval: where `farther` is 1 - level."""
    z = -float(special.ndtri((1 - level) / 2))
    least = z * films.alone
    if trials is None or trials.error == 0:
        return max(least, z * films.common)
    t = -float(special.stdtrit(trials.df, (1 - level) / 2))
    part = trials
    # the sum's quantile is above the larger and below the sum of the two quantiles
    low, high = max(z * films.common, t * trials.error) * (1 - 1e-9), z * films.common + t * trials.error
    if films.common == 0:
        return max(least, high)
    return max(least, solve(lambda x: _sum_farther(x, films.common, part) - (1 - level), low, high))


def solve(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a falling function crosses 0 between two places."""
    return float(optimize.brentq(function, low, high, xtol=1e-10, rtol=1e-9))


def _sum_farther(x: float, a: float, trials: TrialPart) -> float:
    """P(|a Z + b T| > x): twice the integral over z of the normal density and T's tail."""
    b, df = trials.error, trials.df
    if b <= _NOTHING * a:
        return 2 * float(special.ndtr(-x / a)) if a > 0 else 0.0
    if a <= _NOTHING * b:
        return 2 * float(special.stdtr(df, -x / b))
    # T's tail turns at z = x / a within b / a; pieces around it make a fixed rule right to six digits wherever it is
    turns = x / a + b / a * _TURNS
    edges = np.unique(np.clip(np.concatenate([_PIECES, turns]), -_FAR, _FAR))
    half = np.diff(edges)[:, None] / 2
    z = edges[:-1, None] + half * (1 + _NODES)
    density = np.exp(-0.5 * z * z) * special.stdtr(df, (a * z - x) / b)
    tail = 2 * float((density * _WEIGHTS * half).sum()) / float(2 * np.pi) ** 0.5
    return float(min(1.0, tail))
