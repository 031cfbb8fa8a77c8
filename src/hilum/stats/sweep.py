"""Sensitivity and specificity at thresholds that are named beforehand, and histograms of the scores on either side.

A film is called positive where its probability of the positive class is at least the threshold, as at an operating point. Rows and
intervals are those of every other figure (`hilum.stats.summary`): means over trials, with units of the test films and trials resampled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hilum.artifacts.header import Header
from hilum.artifacts.sweep import Scores, Sweep, SweepRow
from hilum.stats.cell_figures import Figure
from hilum.stats.confusion import ratios
from hilum.stats.resampling import DecisionTable, TrialFigures
from hilum.stats.scored_films import ScoredFilms
from hilum.stats.summary import figure_rows

RATES = ("sensitivity", "specificity")
EDGES = tuple(round(k / 20, 2) for k in range(21))


def sweep(
    scored: Mapping[str, Sequence[ScoredFilms]],
    classes: Sequence[str],
    positive: str,
    unit: str,
    header: Header,
) -> Sweep:
    """The sweep of every cell.

    Args:
        scored: Cell -> its trials.
        classes: Names, in the order of the scores' columns.
        positive: The class that is asked about.
        unit: What the clusters are.
        header: Of the artefact; its seed, ``n_resamples``, ``thresholds`` and ``part`` are those of the rows.
    """
    k, of = classes.index(positive), header.options
    rows = []
    for cell, trials in scored.items():
        counted = [_at_thresholds(t, k, positive, of["thresholds"]) for t in trials]
        found = figure_rows(counted, unit, header.seed or 0, int(of["n_resamples"]), of["part"])
        named = [t for t in of["thresholds"] for _ in RATES]
        rows += [
            SweepRow(cell=cell, threshold=t, **r.model_dump(by_alias=True))
            for t, r in zip(named, found, strict=True)
        ]
    return Sweep(header, rows, EDGES, {cell: histograms(trials, k) for cell, trials in scored.items()})


def _at_thresholds(
    films: ScoredFilms, k: int, positive: str, thresholds: Sequence[float]
) -> tuple[TrialFigures, list[Figure]]:
    """What to count in one trial: a table of decisions a threshold, with both rates."""
    true, score = np.asarray(films.y_true) == k, np.asarray(films.y_score)[:, k]
    wanted = [r for r in ratios(2, 1) if r.name in RATES]
    tables = [DecisionTable(true * 2 + (score >= t), 2, wanted) for t in thresholds]
    counts = len(true), int(true.sum())
    figures = [
        Figure(r.name, positive, r.metric.formula, r, *counts, note=f"threshold {t:.6g}")
        for t in thresholds
        for r in wanted
    ]
    return TrialFigures(films.clusters, tables), figures


def histograms(trials: Sequence[ScoredFilms], k: int) -> Scores:
    """Films a bin of `EDGES` by the probability of class `k`, of the class and of the others; mean over trials."""
    sides: tuple[list[float], ...] = ([], [])
    for side, found in zip((True, False), sides, strict=True):
        counts = [
            np.histogram(np.asarray(t.y_score)[(np.asarray(t.y_true) == k) == side, k], EDGES)[0]
            for t in trials
        ]
        found += np.mean(counts, axis=0).tolist()
    return Scores(*sides)
