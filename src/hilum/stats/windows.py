"""Windows of films against a reference, one after the other: how large a statistic has to be so that false alarms stay rare.

Convention: a stream of `WINDOWS` windows in which nothing drifted raises any alarm with probability `ALARM_PROBABILITY` at most. That is
shared out evenly over windows and statistics (Bonferroni), which holds however the windows overlap and the statistics hang together; they
are all held against one reference, so they do hang together. Films are taken as independent draws: one a patient, no outbreak.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from hilum.core.errors import InputError

WINDOWS = 50
ALARM_PROBABILITY = 0.05


def level_of_each(n_statistics: int, windows: int = WINDOWS, any_alarm: float = ALARM_PROBABILITY) -> float:
    """The probability with which each statistic may raise a false alarm in each window.

    Raises:
        InputError: No statistic.

    >>> level_of_each(10)
    0.0001
    """
    if n_statistics < 1 or windows < 1:
        raise InputError(f"expected a statistic and a window, got {n_statistics!r} and {windows!r}")
    return any_alarm / (windows * n_statistics)


def ks_distance(window: ArrayLike, reference: ArrayLike) -> float:
    """Kolmogorov and Smirnov's distance: the largest difference of the two distribution functions, 0 to 1.

    >>> ks_distance([1, 2, 3], [2, 3, 4, 5])
    0.5
    """
    a, b = (np.sort(np.asarray(side, np.float64)) for side in (window, reference))
    if not len(a) or not len(b):
        raise InputError(f"expected films on both sides, got {len(a)} and {len(b)}")
    at = np.concatenate([a, b])
    apart = np.searchsorted(a, at, "right") / len(a) - np.searchsorted(b, at, "right") / len(b)
    return float(np.abs(apart).max())


def ks_limit(n_window: int, n_reference: int, alpha: float) -> float:
    """The distance that films of one population exceed with probability `alpha`, by Kolmogorov's limit; ties only lower that.

    >>> round(ks_limit(100, 400, 0.05), 4)
    0.1518
    """
    return float(stats.kstwobign.isf(alpha) * np.sqrt(1 / n_window + 1 / n_reference))
