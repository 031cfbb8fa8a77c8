"""Mean ROC and precision-recall curves over the trials of a cell, each with a pointwise band.

A curve is averaged vertically: the true positive rate at fixed false positive rates (Fawcett 2006, Pattern Recogn. Lett. 27:861), precision
at fixed recalls. Between two thresholds false positives grow in proportion to true ones, so a ROC curve is interpolated linearly and
precision is TP / (TP + FP), which is no straight line (Davis & Goadrich 2006, ICML, 233). At a rate where a curve rises upright its upper
end counts. The area under the mean ROC curve is the mean of the trials' areas, but for the grid.

The band holds at each point by itself, not for the curve as a whole. It is made as the interval of any figure (`intervals`): the same
draws of units, never narrower than Wilson's interval on the effective number of films where fewer than `FEW_EVENTS` events are behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.evaluation import Band, CellCurves
from hilum.core.engine import available_cores
from hilum.stats.intervals import bootstrap_interval, few_events_interval, never_narrower
from hilum.stats.proportions import FEW_EVENTS, effective_n, wilson
from hilum.stats.resampling import BLOCK, cluster_numbers, draw_counts
from hilum.stats.scored_films import ScoredFilms
from hilum.stats.walks import SortedRanking

FPR: Final = np.concatenate([np.linspace(0, 0.1, 41), np.linspace(0.11, 1, 90)])
"""False positive rates of a mean ROC curve, closer where it rises."""
RECALL: Final = np.linspace(0.01, 1, 100)
"""Recalls of a mean precision-recall curve."""
MOST_RESAMPLES = 500
"""Of a band: a drawn line needs fewer than a printed number."""
_DIGITS = 9  # a rate times its films, so that a whole number of films is one


def mean_curves(trials: Sequence[ScoredFilms], positive: int, n_resamples: int, seed: int) -> CellCurves:
    """The curves of a cell; None of a kind that is not defined in every trial.

    Args:
        trials: At least one.
        positive: Number of the positive class.
        n_resamples: Of the cell's intervals; a band has `MOST_RESAMPLES` at most.
        seed: Of the intervals.
    """
    clusters, n_clusters = cluster_numbers([t.clusters for t in trials])
    is_positive = [np.asarray(t.y_true) == positive for t in trials]
    if not all(p.any() for p in is_positive):
        return CellCurves(None, None)
    ranked = [
        SortedRanking.of(p, np.asarray(t.y_score)[:, positive], c)
        for p, t, c in zip(is_positive, trials, clusters, strict=True)
    ]
    as_is = np.ones((n_clusters, 1), dtype=np.uint16)
    points = [curves_of_resamples(r, as_is) for r in ranked]
    n_resamples = min(n_resamples, MOST_RESAMPLES)
    firsts = range(0, n_resamples, BLOCK)

    def block(first: int) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        counts = draw_counts(n_clusters, min(BLOCK, n_resamples - first), seed, first // BLOCK)
        return [curves_of_resamples(r, counts) for r in ranked]

    with ThreadPoolExecutor(max_workers=available_cores()) as pool:
        blocks = list(pool.map(block, firsts))
    films = float(
        np.mean([effective_n(np.bincount(c[p])) for c, p in zip(clusters, is_positive, strict=True)])
    )
    bands = []
    for kind, x in enumerate((FPR, RECALL)):
        of_trials = np.stack([p[kind][0] for p in points])
        draws = np.stack([np.concatenate([b[t][kind] for b in blocks]) for t in range(len(trials))])
        behind = np.full(len(x), films) if kind == 0 else np.maximum(1, films * x / of_trials.mean(axis=0))
        defined = bool(np.isfinite(of_trials).all())
        bands.append(_band(x, of_trials, draws, behind, n_clusters, seed) if defined else None)
    return CellCurves(*bands)


def curves_of_resamples(
    ranking: SortedRanking, counts: NDArray[np.uint16]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """True positive rate at `FPR` and precision at `RECALL` of each resample.

    Args:
        ranking: Films by falling score.
        counts: (n_clusters, n_resamples): how often each cluster was drawn.

    Returns:
        (n_resamples, 131) and (n_resamples, 100); NaN where a resample has no film of the class, or, of the first, none of another.
    """
    weights = counts[ranking.cluster]
    of_class = ranking.positive[:, None]
    tp, fp = (
        np.pad(
            np.cumsum(np.where(side, weights, 0), axis=0, dtype=np.float64)[ranking.ends - 1],
            ((1, 0), (0, 0)),
        ).T.copy()
        for side in (of_class, ~of_class)
    )
    roc, pr = np.full((len(tp), len(FPR)), np.nan), np.full((len(tp), len(RECALL)), np.nan)
    for r, (t, f) in enumerate(zip(tp, fp, strict=True)):
        if t[-1] > 0 and f[-1] > 0:
            roc[r] = np.interp(np.round(FPR * f[-1], _DIGITS), f, t) / t[-1]
        if t[-1] > 0:
            found = np.round(RECALL * t[-1], _DIGITS)
            # from the end, so that of several points of one recall the one with the fewest false positives counts
            pr[r] = found / (found + np.interp(-found, -t[::-1], f[::-1]))
    return roc, pr


def _band(
    x: NDArray[np.float64],
    points: NDArray[np.float64],
    draws: NDArray[np.float64],
    behind: NDArray[np.float64],
    n_clusters: int,
    seed: int,
) -> Band:
    """Mean and interval at each point; without an interval the band is the mean.

    Args:
        x: (n_points,).
        points: Of the trials, (n_trials, n_points).
        draws: (n_trials, n_resamples, n_points).
        behind: Effective number of films behind each point.
        n_clusters: Units that were drawn from.
        seed: Of the draws.
    """
    mean = points.mean(axis=0)
    low, high = mean.copy(), mean.copy()
    for k, (value, n) in enumerate(zip(mean, behind, strict=True)):
        interval = bootstrap_interval(points[:, k], draws[:, :, k], n_clusters, seed)
        if min(value, 1 - value) * n < FEW_EVENTS:
            limits = partial(wilson, float(np.clip(value, 0, 1) * n), float(n))
            interval = never_narrower(interval, few_events_interval(points[:, k], limits))
        if interval.low is not None and interval.high is not None:
            low[k], high[k] = interval.low, interval.high
    return Band(x, mean, low, high)
