"""McNemar's test of two decisions on the same films, and Obuchowski's form where films come in clusters.

It compares one trained model with one other: chance in training is not in it (`secondary`). Only discordant films count: `gained` are right
in the first and wrong in the second, `lost` the other way round.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from hilum.core.errors import InputError


@dataclass(frozen=True)
class McNemar:
    """What the discordant films say.

    Attributes:
        gained: Films.
        lost: Films.
        p_exact: Two-sided, exact: twice the smaller tail of Binomial(gained + lost, 1/2), at most 1.
        p_mid: The mid-p version: the observed point counts half (Fagerland, Lydersen & Laake 2013, BMC Med. Res. Methodol. 13:91).
    """

    gained: int
    lost: int
    p_exact: float
    p_mid: float


def mcnemar(right: ArrayLike, right_reference: ArrayLike) -> McNemar:
    """McNemar's exact test and its mid-p version (1947, Psychometrika 12:153).

    Args:
        right: bool (n_films,), whether the first decides rightly.
        right_reference: bool (n_films,), whether the second does.

    Raises:
        InputError: Lengths differ.

    >>> found = mcnemar([1, 1, 1, 0, 1], [0, 0, 0, 1, 1])
    >>> found.gained, found.lost, found.p_exact, found.p_mid
    (3, 1, 0.625, 0.375)
    """
    a, b = np.asarray(right, dtype=np.bool_), np.asarray(right_reference, dtype=np.bool_)
    if a.ndim != 1 or a.shape != b.shape:
        raise InputError(f"expected decisions on the same films, got shapes {a.shape} and {b.shape}")
    gained, lost = int((a & ~b).sum()), int((~a & b).sum())
    n, k = gained + lost, min(gained, lost)
    if n == 0:
        return McNemar(0, 0, 1.0, 1.0)
    tail, point = float(stats.binom.cdf(k, n, 0.5)), float(stats.binom.pmf(k, n, 0.5))
    return McNemar(gained, lost, min(1.0, 2 * tail), 1.0 if gained == lost else 2 * tail - point)


def clustered_mcnemar(right: ArrayLike, right_reference: ArrayLike, clusters: ArrayLike) -> float:
    """Obuchowski's test of two correlated proportions from clustered films (1998, Statist. Med. 17:1495).

    With D_k the films of cluster k gained less those lost, and K clusters, chi2 = (K - 1) / K * (sum D_k)^2 / sum D_k^2 with one degree
    of freedom: her pooled variances and covariance add up to that sum. Clusters of one film give McNemar's chi2 times (K - 1) / K.

    Args:
        right: bool (n_films,).
        right_reference: bool (n_films,).
        clusters: Label of each film's cluster, (n_films,).

    Returns:
        Two-sided p; 1 where no cluster tips either way.

    Raises:
        InputError: Lengths differ, or fewer than two clusters.
    """
    a, b = np.asarray(right, dtype=np.int64), np.asarray(right_reference, dtype=np.int64)
    labels, number = np.unique(np.asarray(clusters), return_inverse=True)
    if a.ndim != 1 or a.shape != b.shape or len(number) != len(a) or len(labels) < 2:
        raise InputError(
            f"expected decisions on the same films in two or more clusters, got shapes {a.shape}, {b.shape}, "
            f"{len(number)} labels and {len(labels)} clusters"
        )
    tipped = np.bincount(number, weights=a - b)
    spread = float((tipped**2).sum())
    if spread == 0:
        return 1.0
    chi2 = (len(labels) - 1) / len(labels) * float(tipped.sum()) ** 2 / spread
    return float(stats.chi2.sf(chi2, 1))
