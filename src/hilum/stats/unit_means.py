"""The mean over films of a number from 0 to 1, with an interval that resamples patients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from hilum.stats.proportions import FEW_EVENTS, clopper_pearson, effective_n
from hilum.stats.resampling import cluster_numbers, draw_counts


class UnitMean(NamedTuple):
    """A mean with its 95 % interval, and the films and units that it is of; no ends of a single unit."""

    mean: float
    low: float | None
    high: float | None
    films: int
    units: int


def unit_mean(values: ArrayLike, units: Sequence[str], seed: int, n_resamples: int = 2000) -> UnitMean:
    """The mean over films, and the percentile interval of resampled units (`hilum.stats.resampling.draw_counts`).

    Where the mean is worth fewer than `FEW_EVENTS` films from 0 or 1, the interval is Clopper and Pearson's on the effective number of
    films (`hilum.stats.proportions`) where that is wider.

    Args:
        values: Each 0 to 1, (n_films,), at least one.
        units: Of each film.
        seed: Of the resamples.
        n_resamples: How many.

    >>> unit_mean([1, 1, 0, 1], ["a", "b", "c", "d"], seed=0).mean
    0.75
    """
    v = np.asarray(values, dtype=np.float64)
    (of,), n_units = cluster_numbers([units])
    mean = float(v.mean())
    if n_units < 2:
        return UnitMean(mean, None, None, len(v), n_units)
    films, sums = np.bincount(of, minlength=n_units), np.bincount(of, v, n_units)
    counts = draw_counts(n_units, n_resamples, seed, 0).astype(np.float64)
    draws = (sums @ counts) / (films @ counts)
    low, high = (float(q) for q in np.quantile(draws, [0.025, 0.975]))
    n = effective_n(films)
    if min(mean, 1 - mean) * n < FEW_EVENTS:
        exact = clopper_pearson(mean * n, n)
        low, high = min(low, exact[0]), max(high, exact[1])
    return UnitMean(mean, low, high, len(v), n_units)
