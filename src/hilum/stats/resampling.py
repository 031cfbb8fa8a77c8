"""Many resamples of every figure of a cell: clusters of films drawn with replacement, for all trials at once.

The unit that is drawn is the cluster (patient, else confirmed duplicate group, else film): Davison & Hinkley 1997, section 3.8; Field &
Welsh 2007, J. R. Statist. Soc. B 69:369. A resample draws as many clusters as there are, out of the union over trials, and applies that one
draw to every trial, so films common to trials stay common (Owen 2007, Ann. Appl. Stat. 1:386, the crossed bootstrap) and two cells on the
same films can be compared pair by pair. A draw follows from the seed, its block's number and the number of clusters: neither threads nor
the figures asked for change it.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from hilum.core.engine import available_cores
from hilum.core.errors import InputError
from hilum.core.seeding import generator
from hilum.stats.confusion import Ratio
from hilum.stats.proportions import effective_n
from hilum.stats.walks import SortedRanking, areas_of_resamples

BLOCK = 64  # resamples walked side by side: as many as keep the counts of a walk in the cache


@dataclass(frozen=True)
class DecisionTable:
    """Figures that count decisions.

    Attributes:
        cells: int64 (n_films,), the film's cell of a confusion matrix (truth * n_classes + prediction); -1 leaves the film out.
        n_classes: Size of that matrix.
        ratios: The figures.
    """

    cells: NDArray[np.int64]
    n_classes: int
    ratios: Sequence[Ratio]


@dataclass(frozen=True)
class Ranking:
    """The three areas of one score (`hilum.study.metrics.AREAS`).

    Attributes:
        positive: bool (n_films,).
        score: float64 (n_films,), finite.
        rows: bool (n_films,), the films that take part.
    """

    positive: NDArray[np.bool_]
    score: NDArray[np.float64]
    rows: NDArray[np.bool_]


@dataclass(frozen=True)
class TrialFigures:
    """What to count in one trial. All trials of a cell ask for the same figures in the same order.

    Attributes:
        clusters: Label of each film's cluster, (n_films,); equal labels are one cluster, across trials too.
        tables: Figures of decisions.
        rankings: Figures of rankings.
    """

    clusters: ArrayLike
    tables: Sequence[DecisionTable] = field(default_factory=tuple)
    rankings: Sequence[Ranking] = field(default_factory=tuple)


@dataclass(frozen=True)
class Resamples:
    """Figures of a cell. Columns: the ratios of every table in order, then three areas a ranking.

    Attributes:
        points: float64 (n_trials, n_figures), on the films as they are; NaN where undefined.
        draws: float64 (n_trials, n_resamples, n_figures); NaN where a resample leaves the figure undefined.
        below: float64 (n_trials, n_ratios), films below the line of each ratio.
        effective: float64 (n_trials, n_ratios), effective number of films below the line (`effective_n`).
        events: float64 (n_trials, n_ratios), effective number of films above the line, or below but not above, whichever is less: what a
            resample of the ratio rests on.
        ranked: float64 (n_trials, n_rankings, 2), effective number of films of the class, and of the others.
        n_clusters: Clusters in the union over trials.
        seed: Seed of the draws.
    """

    points: NDArray[np.float64]
    draws: NDArray[np.float64]
    below: NDArray[np.float64]
    effective: NDArray[np.float64]
    events: NDArray[np.float64]
    ranked: NDArray[np.float64]
    n_clusters: int
    seed: int


def cluster_numbers(clusters_of_trials: Sequence[ArrayLike]) -> tuple[list[NDArray[np.int32]], int]:
    """Number the clusters of all trials together, by sorted label, so that the order of rows does not matter.

    >>> numbers, n = cluster_numbers([["b", "a"], ["c", "b"]])
    >>> [v.tolist() for v in numbers], n
    ([[1, 0], [2, 1]], 3)
    """
    arrays = [np.asarray(c) for c in clusters_of_trials]
    labels, inverse = np.unique(np.concatenate(arrays), return_inverse=True)
    ends = np.cumsum([len(a) for a in arrays])[:-1]
    return [part.astype(np.int32) for part in np.split(inverse, ends)], len(labels)


def draw_counts(n_clusters: int, n_resamples: int, seed: int, block: int) -> NDArray[np.uint16]:
    """How often each cluster is drawn in one block of resamples.

    Args:
        n_clusters: Clusters to draw from, and the number of draws of a resample.
        n_resamples: Resamples of this block.
        seed: Of all draws.
        block: Its number; each block has a generator of its own.

    Returns:
        uint16 (n_clusters, n_resamples), C order; each column sums to `n_clusters`.
    """
    rng = generator(seed, "bootstrap", n_clusters, block)
    counts = np.empty((n_resamples, n_clusters), dtype=np.uint16)
    for row in counts:
        row[:] = np.bincount(rng.integers(0, n_clusters, n_clusters, dtype=np.int32), minlength=n_clusters)
    return np.ascontiguousarray(counts.T)


def resample(trials: Sequence[TrialFigures], n_resamples: int, seed: int) -> Resamples:
    """Count every figure of every trial in each resample of the clusters.

    Args:
        trials: The trials of one cell; films may be the same in each (Set 2) or differ (Set 1).
        n_resamples: At least one.
        seed: Cells with the same clusters and seed get the same draws.

    Raises:
        InputError: No trial, trials that ask for different figures, lengths that differ, or no film.
    """
    _check(trials, n_resamples)
    numbers, n_clusters = cluster_numbers([t.clusters for t in trials])
    counted = [
        _CountedTrial(trial, cluster, n_clusters) for trial, cluster in zip(trials, numbers, strict=True)
    ]
    as_is = np.ones((n_clusters, 1), dtype=np.uint16)
    points = np.stack([trial.figures(as_is)[0] for trial in counted])
    draws = np.empty((len(trials), n_resamples, points.shape[1]))

    def count(block: int) -> None:
        first = block * BLOCK
        last = min(first + BLOCK, n_resamples)
        counts = draw_counts(n_clusters, last - first, seed, block)
        for t, trial in enumerate(counted):
            draws[t, first:last] = trial.figures(counts)

    with ThreadPoolExecutor(max_workers=available_cores()) as pool:
        list(pool.map(count, range(-(-n_resamples // BLOCK))))
    return Resamples(
        points,
        draws,
        np.stack([t.below for t in counted]),
        np.stack([t.effective for t in counted]),
        np.stack([t.events for t in counted]),
        np.stack([t.ranked for t in counted]),
        n_clusters,
        seed,
    )


class _CountedTrial:
    """One trial, sorted and numbered once, so that a resample is only walked. Arrays are those of `Resamples`, without its trials."""

    def __init__(self, trial: TrialFigures, cluster: NDArray[np.int32], n_clusters: int) -> None:
        cells = [np.zeros((0, n_clusters), np.int64)]
        self._weights: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []
        below: list[float] = []
        effective: list[float] = []
        events: list[float] = []
        for table in trial.tables:
            n_cells, rows = table.n_classes**2, table.cells >= 0
            flat = cluster[rows].astype(np.int64) * n_cells + table.cells[rows]
            films = np.bincount(flat, minlength=n_clusters * n_cells).reshape(n_clusters, n_cells)
            upper, lower = (
                np.stack([weights.ravel() for weights in side], axis=1)
                for side in ([r.above for r in table.ratios], [r.below for r in table.ratios])
            )
            cells.append(films.T)
            self._weights.append((upper, lower))
            below += (films.sum(axis=0) @ lower).tolist()
            for up, low in zip(upper.T, lower.T, strict=True):
                effective.append(effective_n(films @ (low > 0)))
                events.append(min(effective_n(films @ (up > 0)), effective_n(films @ (low > up))))
        # films of each cluster in each cell, the tables below one another: the draws of a block are multiplied once
        self._films = csr_array(np.concatenate(cells).astype(np.int32))
        self.below, self.effective, self.events = np.array(below), np.array(effective), np.array(events)
        self._rankings = [
            SortedRanking.of(r.positive[r.rows], r.score[r.rows], cluster[r.rows]) for r in trial.rankings
        ]
        self.ranked = np.array(
            [
                [effective_n(np.bincount(cluster[r.rows & side])) for side in (r.positive, ~r.positive)]
                for r in trial.rankings
            ]
        ).reshape(-1, 2)

    def figures(self, counts: NDArray[np.uint16]) -> NDArray[np.float64]:
        """All figures of each resample: (n_resamples, n_figures)."""
        drawn = np.asarray((self._films @ counts).T, np.float64)  # whole numbers, a resample a row
        columns, at = [], 0
        for upper, lower in self._weights:
            cells = drawn[:, at : at + len(upper)]
            at += len(upper)
            above, below = cells @ upper, cells @ lower
            columns.append(np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0))
        columns += [areas_of_resamples(ranking, counts) for ranking in self._rankings]
        return np.concatenate(columns, axis=1)


def _check(trials: Sequence[TrialFigures], n_resamples: int) -> None:
    if not trials or n_resamples < 1:
        raise InputError(f"expected trials and resamples, got {len(trials)} and {n_resamples!r}")
    shapes = {(tuple(len(table.ratios) for table in t.tables), len(t.rankings)) for t in trials}
    if len(shapes) > 1 or shapes == {((), 0)}:
        raise InputError(f"expected the same figures (at least one) of every trial, got {sorted(shapes)}")
    for number, trial in enumerate(trials):
        n = len(np.asarray(trial.clusters))
        lengths = [len(t.cells) for t in trial.tables] + [len(r.score) for r in trial.rankings]
        if n == 0 or any(length != n for length in lengths):
            raise InputError(f"trial {number}: {n} clusters for films numbering {lengths}")
