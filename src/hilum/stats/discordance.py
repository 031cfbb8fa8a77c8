"""The difference of two proportions on the same films when few films are discordant.

What is rare for a paired difference is not the error but the discordant film: two cells with three errors each may differ by six
films or none. With fewer than `FEW_EVENTS` discordant clusters, counted as (sum |D|)^2 / sum D^2 with D a cluster's part of the difference,
a resample hardly knows what the next film would do, and with none at all its error is 0. Then the films gained and the films lost are taken
as two rare counts:

- a cluster's weight is its part of the difference: films gained less films lost, averaged over trials, over the films below the line;
- gains and losses each get Fay & Feuer's limits of a weighted sum of Poisson counts (1997, Statist. Med. 16:791), which are the exact
  ones where all weights are equal;
- the limits of their difference, and Student's over trials, join in squares (Zou & Donner 2008, Statist. Med. 27:1693), as in
  `intervals.few_events_interval`;
- p is 1 less the highest level at which the interval leaves 0 out.

Where the films of the two cells are not the same there are no discordant films, and areas, F1, PPV and NPV have none either; with few
events in one of the cells the limits of both (`hilum.stats.limits`) join in the same way, with the correlation of their resampled errors
where both vary, and the difference is never surer than its resamples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from hilum.stats.difference import DifferenceTest, TrialPart, solve
from hilum.stats.limits import Limits

Distances = Callable[[float], tuple[float, float]]
"""Level -> how far the interval from the films reaches below and above the difference."""

_SUREST = 1 - 1e-12


@dataclass(frozen=True)
class JoinedTest:
    """A test of a difference whose limits, what the films allow and the trials' part (None for one trial), are joined in squares."""

    estimate: float
    films: Distances
    trials: TrialPart | None

    def p(self) -> float:
        if self.estimate == 0:
            return 1.0

        def room(level: float) -> float:
            below, above = self._reach(level)
            return abs(self.estimate) - (below if self.estimate > 0 else above)

        least = 1e-6
        if room(least) <= 0:
            return 1.0
        return 1.0 - _SUREST if room(_SUREST) > 0 else 1 - solve(room, least, _SUREST)

    def interval(self, level: float) -> tuple[float, float]:
        below, above = self._reach(level)
        return max(-1.0, self.estimate - below), min(1.0, self.estimate + above)

    def _reach(self, level: float) -> tuple[float, float]:
        below, above = self.films(level)
        if self.trials is None:
            return below, above
        t = -float(special.stdtrit(self.trials.df, (1 - level) / 2)) * self.trials.error
        return float(np.hypot(below, t)), float(np.hypot(above, t))


def discordant_distances(tipped: NDArray[np.float64], one_film: float) -> Distances:
    """Limits from the clusters' parts of the difference.

    Args:
        tipped: Each cluster's part, (n_clusters,); they add up to the difference.
        one_film: What one film weighs: 1 / films below the line.
    """
    gains, losses = tipped[tipped > 0], -tipped[tipped < 0]
    gain, loss = float(gains.sum()), float(losses.sum())
    largest = max(one_film, float(np.abs(tipped).max(initial=0.0)))

    def distances(level: float) -> tuple[float, float]:
        gain_low, gain_high = _fay_feuer(gains, largest, level)
        loss_low, loss_high = _fay_feuer(losses, largest, level)
        below, above = np.hypot([gain - gain_low, gain_high - gain], [loss_high - loss, loss - loss_low])
        return float(below), float(above)

    return distances


def separate_distances(
    value: float, limits: Limits, reference: float, of_reference: Limits, correlation: float = 0.0
) -> Distances:
    """Limits from those of two figures (Zou 2007, Psychol. Methods 12:399; for proportions Newcombe 1998, Statist. Med. 17:2635).

    Args:
        value: The figure.
        limits: Its limits.
        reference: Of the reference.
        of_reference: Likewise.
        correlation: Of the two figures' errors, 0 where films are not the same or too few to say.
    """

    def joined(one: float, other: float) -> float:
        return float(max(0.0, one * one - 2 * correlation * one * other + other * other) ** 0.5)

    def distances(level: float) -> tuple[float, float]:
        (low, high), (other_low, other_high) = limits(level), of_reference(level)
        return joined(value - low, other_high - reference), joined(high - value, reference - other_low)

    return distances


@dataclass(frozen=True)
class WidestTest:
    """The more cautious of two tests of one difference."""

    tests: tuple[DifferenceTest, DifferenceTest]

    def p(self) -> float:
        return max(t.p() for t in self.tests)

    def interval(self, level: float) -> tuple[float, float]:
        ends = [t.interval(level) for t in self.tests]
        return min(low for low, _ in ends), max(high for _, high in ends)


def _fay_feuer(weights: NDArray[np.float64], largest: float, level: float) -> tuple[float, float]:
    """Fay & Feuer's limits of a sum of weighted Poisson counts of 1; `largest` is the largest weight that may come."""
    tail = (1 - level) / 2
    y, v = float(weights.sum()), float((weights**2).sum())
    low = 0.0 if y == 0 else v / y * float(special.gammaincinv(y * y / v, tail))
    up_y, up_v = y + largest, v + largest**2
    high = up_v / up_y * float(special.gammaincinv(up_y * up_y / up_v, 1 - tail))
    return low, max(high, y)
