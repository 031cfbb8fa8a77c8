"""Means over films of a number from 0 to 1, and the paired difference of two of them, with intervals that resample patients.

Convention: the interval is the expanded percentile interval of resampled units (Hesterberg 2015, Am. Stat. 69:371): a percentile interval
of few units is too narrow by Student's t and by n / (n - 1), so its ends are taken so much farther out. It stays within the range and
follows a skewed figure, and of shares, whose spread is far below that of hits and misses, an exact binomial interval would be far too wide.
Films that are hit or missed are counts: where few are, the limits of counts are given where those are wider.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from hilum.stats.discordance import JoinedTest, discordant_distances
from hilum.stats.proportions import FEW_EVENTS, clopper_pearson, effective_n
from hilum.stats.resampling import cluster_numbers, draw_counts

_LEVEL = 0.95


class UnitMean(NamedTuple):
    """A mean (or a difference of two) with its 95 % interval, and the films and units that it is of; no ends of a single unit."""

    mean: float
    low: float | None
    high: float | None
    films: int
    units: int


def unit_mean(values: ArrayLike, units: Sequence[str], seed: int, n_resamples: int = 2000) -> UnitMean:
    """The mean over films.

    Of hits and misses that are worth fewer than `FEW_EVENTS` films on either side, and of numbers that are all the same, the interval is
    Clopper and Pearson's on the effective number of films (`hilum.stats.proportions`) where that is wider.

    Args:
        values: Each 0 to 1, (n_films,), at least one.
        units: Of each film.
        seed: Of the resamples.
        n_resamples: How many.

    >>> unit_mean([1, 1, 0, 1], ["a", "b", "c", "d"], seed=0).mean
    0.75
    """
    v = np.asarray(values, dtype=np.float64)
    found, films, _ = _resampled(v, units, seed, n_resamples)
    n = effective_n(films)
    if (_counts(v) and min(found.mean, 1 - found.mean) * n < FEW_EVENTS) or np.ptp(v) == 0:
        return _widened(found, *clopper_pearson(found.mean * n, n))
    return found


def unit_difference(
    values: ArrayLike, reference: ArrayLike, units: Sequence[str], seed: int, n_resamples: int = 2000
) -> UnitMean:
    """The mean difference of two numbers of the same films.

    Of hits and misses of which fewer than `FEW_EVENTS` units' worth are discordant, the interval is that of `hilum.stats.discordance` where
    that is wider. Arguments are as for `unit_mean`.

    >>> unit_difference([1, 1, 0, 1], [0, 1, 0, 0], ["a", "b", "c", "d"], seed=0).mean
    0.5
    """
    v, r = np.asarray(values, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    found, films, sums = _resampled(v - r, units, seed, n_resamples)
    if _counts(v) and _counts(r) and effective_n(np.abs(sums)) < FEW_EVENTS:
        films_apart = discordant_distances(sums / films.sum(), 1 / float(films.sum()))
        return _widened(found, *JoinedTest(found.mean, films_apart, None).interval(_LEVEL))
    return found


def _counts(values: NDArray[np.float64]) -> bool:
    return bool(np.isin(values, (0, 1)).all())


def _resampled(
    values: NDArray[np.float64], units: Sequence[str], seed: int, n_resamples: int
) -> tuple[UnitMean, NDArray[Any], NDArray[Any]]:
    """The mean with its expanded percentile interval; the films of each unit, and their sum."""
    (of,), n = cluster_numbers([units])
    films, sums = np.bincount(of, minlength=n), np.bincount(of, values, n)
    mean = float(values.mean())
    if n < 2:
        return UnitMean(mean, None, None, len(values), n), films, sums
    counts = draw_counts(n, n_resamples, seed, 0).astype(np.float64)
    tail = (1 - _LEVEL) / 2
    out = float(special.ndtr((n / (n - 1)) ** 0.5 * special.stdtrit(n - 1, tail)))
    low, high = (float(q) for q in np.quantile((sums @ counts) / (films @ counts), [out, 1 - out]))
    return UnitMean(mean, low, high, len(values), n), films, sums


def _widened(found: UnitMean, low: float, high: float) -> UnitMean:
    if found.low is None or found.high is None:
        return found
    return found._replace(low=min(found.low, low), high=max(found.high, high))
