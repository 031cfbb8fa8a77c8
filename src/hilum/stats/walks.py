"""The areas of `curves` under many resamples at once, compiled.

Resamples walk over the films side by side: branches depend on the film only, the arithmetic runs along the resamples and becomes vector
instructions. A ranking is sorted once, and no resample is ever built. Exact: counts are whole numbers, equal scores enter together, films
drawn 0 times do not exist. numba is imported and compiles on first use, then its code is kept on disk. How clusters are drawn is
`resampling`'s.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from hilum.study.metrics import AREAS


@dataclass(frozen=True)
class SortedRanking:
    """Films by falling score.

    Attributes:
        cluster: Number of each film's cluster, (n_films,).
        positive: (n_films,).
        ends: One past the last film of each score, (n_distinct_scores,).
    """

    cluster: NDArray[np.int32]
    positive: NDArray[np.bool_]
    ends: NDArray[np.int32]

    @classmethod
    def of(cls, positive: NDArray[np.bool_], score: NDArray[np.float64], cluster: NDArray[np.int32]) -> Self:
        """Sort films by score, highest first."""
        order = np.argsort(-score, kind="stable")
        changes = np.flatnonzero(np.diff(score[order])) + 1
        ends = np.append(changes, len(order)) if len(order) else changes
        return cls(
            np.ascontiguousarray(cluster[order]), np.ascontiguousarray(positive[order]), ends.astype(np.int32)
        )


def areas_of_resamples(ranking: SortedRanking, counts: NDArray[np.uint16]) -> NDArray[np.float64]:
    """PR-AUC (trapezoid), average precision and ROC-AUC of each resample.

    Args:
        ranking: Films by falling score.
        counts: (n_clusters, n_resamples), C order: how often each cluster was drawn.

    Returns:
        (n_resamples, 3) in the order of `AREAS`; NaN where a resample has no film of the class (all three) or none of another (ROC-AUC).
    """
    out = np.empty((counts.shape[1], len(AREAS)))
    _compiled(_walk_ranking)(counts, ranking.cluster, ranking.positive, ranking.ends, out)
    return out


@functools.cache
def _compiled(function: Callable[..., None]) -> Callable[..., None]:
    import numba

    compiled: Callable[..., None] = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    return compiled


def _walk_ranking(
    counts: Any, cluster: Any, positive: Any, ends: Any, out: Any
) -> None:  # pragma: no cover (compiled)
    n = counts.shape[1]
    tp, fp, gained, lost = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)
    under, steps, pairs = np.zeros(n), np.zeros(n), np.zeros(n)
    start = 0
    for end in ends:
        if end - start == 1 and not positive[start]:  # the commonest case: recall stands still
            weight = counts[cluster[start]]
            for r in range(n):
                pairs[r] += 2.0 * tp[r] * weight[r]
                fp[r] += weight[r]
        else:
            gained[:] = 0.0
            lost[:] = 0.0
            for i in range(start, end):
                weight = counts[cluster[i]]
                if positive[i]:
                    for r in range(n):
                        gained[r] += weight[r]
                else:
                    for r in range(n):
                        lost[r] += weight[r]
            for r in range(n):
                said = tp[r] + fp[r]
                before = (tp[r] if said > 0.0 else 1.0) / max(said, 1.0)  # the curve starts at precision 1
                after = (tp[r] + gained[r]) / max(said + gained[r] + lost[r], 1.0)
                under[r] += 0.5 * (before + after) * gained[r]
                steps[r] += after * gained[r]
                pairs[r] += lost[r] * (2.0 * tp[r] + gained[r])
                tp[r] += gained[r]
                fp[r] += lost[r]
        start = end
    for r in range(n):
        out[r, 0] = under[r] / tp[r] if tp[r] > 0.0 else np.nan
        out[r, 1] = steps[r] / tp[r] if tp[r] > 0.0 else np.nan
        out[r, 2] = pairs[r] / (2.0 * tp[r] * fp[r]) if tp[r] > 0.0 and fp[r] > 0.0 else np.nan
