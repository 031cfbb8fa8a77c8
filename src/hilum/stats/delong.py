"""DeLong's test of two ROC areas on the same films, and Obuchowski's form where films come in clusters.

It compares one trained model with one other: chance in training is not in it (`secondary`). Structural components are found through
midranks (Sun & Xu 2014, IEEE Signal Process. Lett. 21:1389), so 8 296 films take milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from hilum.core.errors import InputError
from hilum.stats.confusion import Undefined
from hilum.stats.curves import NO_NEGATIVE, NO_POSITIVE


@dataclass(frozen=True)
class AreaTest:
    """ROC-AUCs of two scores, the standard error of their difference, and its two-sided p from the normal distribution."""

    area: float
    area_reference: float
    standard_error: float
    p: float


def delong(
    positive: ArrayLike, score: ArrayLike, score_reference: ArrayLike, clusters: ArrayLike | None = None
) -> AreaTest | Undefined:
    """Compare two ROC areas (DeLong, DeLong & Clarke-Pearson 1988, Biometrics 44:837).

    With clusters, the variance is Obuchowski's (1997, Biometrics 53:567, equations 2 to 5): components are added up within a cluster,
    and a cluster with films of both kinds gives a covariance of its own. Clusters of one film give DeLong's.

    Args:
        positive: bool (n_films,).
        score: Finite, (n_films,); higher means more like the class.
        score_reference: Finite, (n_films,).
        clusters: Label of each film's cluster, (n_films,); each film its own where None.

    Returns:
        The test, or why there is none: fewer than two clusters with a film of the class, or with another.

    Raises:
        InputError: Lengths differ, or a score is not finite.
    """
    y = np.asarray(positive, dtype=np.bool_)
    scores = np.stack([np.asarray(s, dtype=np.float64) for s in (score, score_reference)])
    number = (
        np.arange(len(y)) if clusters is None else np.unique(np.asarray(clusters), return_inverse=True)[1]
    )
    if scores.shape != (2, len(y)) or len(number) != len(y) or not np.isfinite(scores).all():
        raise InputError(
            f"expected two finite scores and a cluster a film; got {len(y)} films, scores {scores.shape}, {len(number)} labels"
        )
    n_positive, n_others = int(y.sum()), int((~y).sum())
    if not n_positive or not n_others:
        return Undefined(NO_NEGATIVE if n_positive else NO_POSITIVE)
    n_clusters = int(number.max()) + 1
    of_positive, of_others = (np.bincount(number[rows], minlength=n_clusters) for rows in (y, ~y))
    with_positive, with_others = int((of_positive > 0).sum()), int((of_others > 0).sum())
    if min(with_positive, with_others) < 2:
        return Undefined("fewer than two clusters with a film of the class, or with another film")
    (v10, v01), (of_reference, others) = (_components(y, s) for s in scores)
    areas = float(v10.mean()), float(of_reference.mean())
    # of the difference of the two scores: the variance of a difference is the variance of the components' differences
    v10, v01 = v10 - of_reference, v01 - others
    difference = areas[0] - areas[1]
    d10 = np.bincount(number[y], weights=v10, minlength=n_clusters) - of_positive * difference
    d01 = np.bincount(number[~y], weights=v01, minlength=n_clusters) - of_others * difference
    s10 = with_positive / ((with_positive - 1) * n_positive) * float((d10**2).sum())
    s01 = with_others / ((with_others - 1) * n_others) * float((d01**2).sum())
    s11 = n_clusters / (n_clusters - 1) * float((d10 * d01).sum())
    variance = s10 / n_positive + s01 / n_others + 2 * s11 / (n_positive * n_others)
    error = max(0.0, variance) ** 0.5
    p = float(2 * stats.norm.sf(abs(difference) / error)) if error else float(difference == 0)
    return AreaTest(*areas, error, p)


def _components(
    y: NDArray[np.bool_], score: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of each film of the class, the share of others it outranks; of each other, the share of films of the class above it."""
    x, o = score[y], score[~y]
    together = stats.rankdata(score)
    v10 = (together[y] - stats.rankdata(x)) / len(o)
    v01 = 1 - (together[~y] - stats.rankdata(o)) / len(x)
    return v10, v01
