"""Secondary tests of a comparison: McNemar and DeLong, one trained model against one other, a trial at a time.

Convention: for rates whose films below the line are the same for both cells McNemar's exact test of the films that one gets right and
the other wrong; for ROC-AUC DeLong's. Where a unit has several films, Obuchowski's form of each stands beside it. Other figures have
none. They know nothing of chance in training, are not adjusted, and decide nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.comparisons import Secondary
from hilum.stats.confusion import Ratio, Undefined, predicted_class
from hilum.stats.delong import delong
from hilum.stats.mcnemar import clustered_mcnemar, mcnemar
from hilum.stats.scored_films import SortedTrial
from hilum.study.metrics import METRIC


def decisions(trial: SortedTrial, ratio: Ratio) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Whether each film counts above the line (1.0 or 0.0), and whether below it; both (n_films,)."""
    said = predicted_class(trial.score)
    return ratio.above[trial.true, said], ratio.below[trial.true, said] > 0


def tipped_clusters(
    trials: Sequence[SortedTrial], reference: Sequence[SortedTrial], ratio: Ratio
) -> NDArray[np.float64]:
    """Each cluster's part of the difference of a rate of fixed films, (n_clusters,); they add up to the difference."""
    labels, parts = [], []
    for a, b in zip(trials, reference, strict=True):
        right, rows = decisions(a, ratio)
        right_reference, _ = decisions(b, ratio)
        labels.append(a.clusters[rows])
        parts.append((right[rows] - right_reference[rows]) / (rows.sum() * len(trials)))
    number = np.unique(np.concatenate(labels), return_inverse=True)[1]
    return np.bincount(number, weights=np.concatenate(parts)).astype(np.float64)


def secondary_tests(
    metric: str,
    ratio: Ratio | None,
    positive: int,
    trials: Sequence[SortedTrial],
    reference: Sequence[SortedTrial],
) -> list[Secondary]:
    """The tests of one metric, in the order of the trials.

    Args:
        metric: As in `statistics.json`.
        ratio: Its definition where it is a ratio, else None.
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


def _mcnemar(number: int, a: SortedTrial, b: SortedTrial, ratio: Ratio) -> list[Secondary]:
    right, rows = decisions(a, ratio)
    right_reference, _ = decisions(b, ratio)
    one, other, clusters = right[rows], right_reference[rows], a.clusters[rows]
    exact = mcnemar(one, other)
    note = f"{exact.gained} {'film' if exact.gained == 1 else 'films'} gained, {exact.lost} lost; mid-p {exact.p_mid:.3g}"
    found = [Secondary(test="McNemar (exact)", trial=number, p=exact.p_exact, note=note)]
    n = len(np.unique(clusters))
    if 2 <= n < len(clusters):
        p = clustered_mcnemar(one, other, clusters)
        note = f"{len(clusters)} films in {n} units"
        found.append(Secondary(test="McNemar, Obuchowski's clusters", trial=number, p=p, note=note))
    return found


def _delong(number: int, a: SortedTrial, b: SortedTrial, k: int) -> list[Secondary]:
    n = len(np.unique(a.clusters))
    kinds: list[tuple[str, NDArray[np.str_] | None, str]] = [("DeLong", None, "")]
    if n < len(a.clusters):
        kinds.append(("DeLong, Obuchowski's clusters", a.clusters, f"{len(a.clusters)} films in {n} units"))
    found = []
    for test, clusters, note in kinds:
        result = delong(a.true == k, a.score[:, k], b.score[:, k], clusters)
        if isinstance(result, Undefined):
            found.append(Secondary(test=test, trial=number, p=None, note=result.reason))
        else:
            found.append(Secondary(test=test, trial=number, p=result.p, note=note))
    return found
