"""Models of several studies on the same films: each as a judge of the positive class against the rest, and all in one family of tests.

Convention: whatever classes a model has, its score of a film is its probability of the positive class, and its decision is whether that
reaches the operating point that the trial chose on validation. Areas are compared by the scores, sensitivity and specificity by the
decisions; each metric is adjusted over all systems but the reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from hilum.artifacts.comparisons import ComparisonRow, Pair
from hilum.artifacts.statistics import AT_OPERATING_POINT, StudyRow
from hilum.stats.comparison import Cells
from hilum.stats.outside import RATES, at_operating_point
from hilum.stats.scored_films import ScoredFilms
from hilum.stats.summary import cell_statistics

RANKED = ("roc_auc", "pr_auc")
FIGURES = (*RANKED, *(m + AT_OPERATING_POINT for m in RATES))
"""What is shown of a system."""


def against_the_rest(films: ScoredFilms, k: int, threshold: float | None) -> ScoredFilms:
    """The films as a model of two classes scored them, the rest and class `k`, with the trial's operating point.

    >>> films = ScoredFilms(np.array([0, 2]), np.array([[0.5, 0.2, 0.3], [0.1, 0.2, 0.7]]), np.array(["a", "b"]))
    >>> of_two = against_the_rest(films, 2, 0.4)
    >>> of_two.y_true.tolist(), of_two.y_score.round(1).tolist(), of_two.threshold
    ([0, 1], [[0.7, 0.3], [0.3, 0.7]], 0.4)
    """
    score = np.asarray(films.y_score)[:, k]
    two = np.stack([1 - score, score], axis=1)
    true = (np.asarray(films.y_true) == k).astype(np.int64)
    return replace(films, y_true=true, y_score=two, threshold=threshold, contrasts=())


def system_figures(
    name: str, trials: Sequence[ScoredFilms], positive: str, unit: str, seed: int, n_resamples: int
) -> list[StudyRow]:
    """A system's `FIGURES` with intervals, means over trials; those at the operating point where every trial has one.

    Args:
        name: The system's.
        trials: As `against_the_rest` makes them.
        positive: The positive class.
        unit: What the clusters are.
        seed: Of the resamples.
        n_resamples: Their number.
    """
    rows = cell_statistics(trials, _classes(positive), positive, unit, seed, n_resamples)
    found = (r for r in rows if r.class_ == positive and r.metric in FIGURES)
    return [StudyRow(cell=name, **r.model_dump(by_alias=True)) for r in found]


def systems_compared(
    trials_of: Mapping[str, Sequence[ScoredFilms]], reference: str, positive: str, unit: str, seed: int, n_resamples: int
) -> list[ComparisonRow]:  # fmt: skip
    """Every system against the reference: areas, then sensitivity and specificity of those that have operating points.

    Raises:
        InputError: As `Cells`.
    """
    family, classes = f"systems against {reference}", _classes(positive)
    rows: list[ComparisonRow] = []
    decided = {n: d for n, t in trials_of.items() if (d := at_operating_point(t, 1)) is not None}
    for films_of, metrics in ((trials_of, RANKED), (decided, RATES)):
        pairs = [Pair(n, reference, f"{n} against {reference}") for n in films_of if n != reference]
        if reference in films_of and pairs:
            cells = Cells(films_of, classes, positive, metrics, unit, seed, n_resamples)
            rows += cells.compare(family, pairs, metrics)
    return rows


def _classes(positive: str) -> tuple[str, str]:
    return f"not {positive}", positive
