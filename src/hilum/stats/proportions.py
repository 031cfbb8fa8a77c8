"""Intervals of a proportion that hold near 0 and 1, and the effective number of films.

A bootstrap of 60 films without an error answers [1, 1], which is wrong; with fewer than `FEW_EVENTS` errors (or successes) hilum gives
Clopper and Pearson's interval on the effective number of films (Korn & Graubard 1998, Survey Methodology 24:193). Counts need not be whole:
they may be means over trials.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from hilum.core.errors import InputError

FEW_EVENTS = 10
_ROUNDING = 1e-9  # films


def wilson(k: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval (1927) of k successes in n.

    >>> [round(v, 4) for v in wilson(59, 60)]
    [0.9114, 0.9971]
    """
    _check(k, n)
    z = float(stats.norm.ppf(0.5 + level / 2))
    p, z2 = k / n, z * z
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    reach = z / (1 + z2 / n) * (p * (1 - p) / n + z2 / (4 * n * n)) ** 0.5
    return (0.0 if k == 0 else max(0.0, centre - reach)), (1.0 if k == n else min(1.0, centre + reach))


def clopper_pearson(k: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Clopper and Pearson's exact interval (1934) of k successes in n, through the beta distribution.

    >>> [round(v, 4) for v in clopper_pearson(60, 60)]
    [0.9404, 1.0]
    """
    _check(k, n)
    tail = (1 - level) / 2
    # a mean over trials may miss a whole number by rounding; the beta distribution fails for tiny parameters
    low = 0.0 if k < _ROUNDING else float(stats.beta.ppf(tail, k, n - k + 1))
    high = 1.0 if n - k < _ROUNDING else float(stats.beta.ppf(1 - tail, k + 1, n - k))
    return low, high


def effective_n(films_of_cluster: ArrayLike) -> float:
    """Effective number of films when films of one cluster say the same: (sum m)^2 / sum m^2 (Kish 1965).

    The cautious end: with films that are independent within a cluster it would be the number of films. It is used where errors are too few
    to estimate how alike the films of a patient are.

    Args:
        films_of_cluster: Films of each cluster that count, not negative, (n_clusters,); without any the number is 0.

    >>> effective_n([1, 1, 1, 1]), effective_n([3, 1])
    (4.0, 1.6)
    """
    m = np.asarray(films_of_cluster, dtype=np.float64)
    total = float(m.sum())
    return 0.0 if total == 0 else total * total / float((m * m).sum())


def _check(k: float, n: float) -> None:
    if not (n > 0 and 0 <= k <= n):
        raise InputError(f"expected 0 <= k <= n and n > 0, got k = {k!r}, n = {n!r}")
