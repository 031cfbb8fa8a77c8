"""Secondary tests of a comparison: McNemar and DeLong, one trained model against one other, a trial at a time.

Convention: for rates whose films below the line are the same for both cells McNemar's exact test of the films that one gets right and
the other wrong; for ROC-AUC DeLong's. Where a unit has several films, Obuchowski's form of each stands beside it. Other figures have
none. They know nothing of chance in training, are not adjusted, and decide nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.comparisons import Secondary
from hilum.stats.confusion import Ratio, Undefined, predicted_class
from hilum.stats.delong import delong
from hilum.stats.mcnemar import clustered_mcnemar, mcnemar
from hilum.stats.scored_films import ScoredFilms
from hilum.study.metrics import METRIC


def decisions(
    a: ScoredFilms, b: ScoredFilms, ratio: Ratio
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[Any]]:
    """Of the films below the line of a ratio, the same for both: whether each counts above it (1.0 or 0.0) for `a` and `b`; its cluster."""
    said, of_other = predicted_class(a.y_score), predicted_class(b.y_score)
    rows = ratio.below[a.y_true, said] > 0
    return ratio.above[a.y_true, said][rows], ratio.above[b.y_true, of_other][rows], a.clusters[rows]


def tipped_clusters(
    trials: Sequence[ScoredFilms], reference: Sequence[ScoredFilms], ratio: Ratio
) -> NDArray[np.float64]:
    """Each cluster's part of the difference of a rate of fixed films, (n_clusters,); they add up to the difference."""
    labels, parts = [], []
    for a, b in zip(trials, reference, strict=True):
        one, other, clusters = decisions(a, b, ratio)
        labels.append(clusters)
        parts.append((one - other) / (len(one) * len(trials)))
    number = np.unique(np.concatenate(labels), return_inverse=True)[1]
    return np.bincount(number, weights=np.concatenate(parts)).astype(np.float64)


def secondary_tests(
    metric: str,
    ratio: Ratio | None,
    positive: int,
    trials: Sequence[ScoredFilms],
    reference: Sequence[ScoredFilms],
) -> list[Secondary]:
    """The tests of one metric, in the order of the trials.

    Args:
        metric: Its name.
        ratio: What it counts; None for an area.
        positive: Number of the positive class.
        trials: Of the cell.
        reference: Of the reference, with the same films in each trial.
    """
    found: list[Secondary] = []
    for number, (a, b) in enumerate(zip(trials, reference, strict=True), start=1):
        if ratio is not None and METRIC[metric].share_of != "predicted":
            found += _mcnemar(number, a, b, ratio)
        elif metric == "roc_auc":
            found += _delong(number, a, b, positive)
    return found


def _mcnemar(number: int, a: ScoredFilms, b: ScoredFilms, ratio: Ratio) -> list[Secondary]:
    one, other, clusters = decisions(a, b, ratio)
    exact = mcnemar(one, other)
    note = f"{exact.gained} {'film' if exact.gained == 1 else 'films'} gained, {exact.lost} lost; mid-p {exact.p_mid:.3g}"
    found = [Secondary(test="McNemar (exact)", trial=number, p=exact.p_exact, note=note)]
    n = len(np.unique(clusters))
    if 2 <= n < len(clusters):
        p = clustered_mcnemar(one, other, clusters)
        note = f"{len(clusters)} films in {n} units"
        found.append(Secondary(test="McNemar, Obuchowski's clusters", trial=number, p=p, note=note))
    return found


def _delong(number: int, a: ScoredFilms, b: ScoredFilms, k: int) -> list[Secondary]:
    n = len(np.unique(a.clusters))
    kinds: list[tuple[str, NDArray[Any] | None, str]] = [("DeLong", None, "")]
    if n < len(a.clusters):
        kinds.append(("DeLong, Obuchowski's clusters", a.clusters, f"{len(a.clusters)} films in {n} units"))
    found = []
    for test, clusters, note in kinds:
        result = delong(a.y_true == k, a.y_score[:, k], b.y_score[:, k], clusters)
        if isinstance(result, Undefined):
            found.append(Secondary(test=test, trial=number, p=None, note=result.reason))
        else:
            found.append(Secondary(test=test, trial=number, p=result.p, note=note))
    return found
