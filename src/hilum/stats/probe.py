"""Probes: how well does a plain model tell one class from features that should not tell it?

Convention: a probe is scored on films that it has not seen, in folds that keep a patient's films and copies together and the classes
balanced; the ROC-AUCs of the folds are averaged. .5 is chance.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from hilum.stats.multiplicity import holm

N_FOLDS = 5
ALARM_AUC, ALARM_P = 0.65, 0.01
_LEAST_GROUPS = 2 * N_FOLDS  # of each of the two classes


@dataclass(frozen=True)
class Probe:
    """What a probe found.

    Attributes:
        auc: Mean ROC-AUC over folds; None when there are too few films to say.
        spread: Standard deviation of the folds' AUC (ddof 1): how much it depends on the fold, no interval.
        n_images: Films.
        n_positive: Films of the positive class.
        reason: Why `auc` is None, else empty.
        p: One-sided, of an AUC as high by chance (Mann & Whitney's variance, 1947, Ann. Math. Stat. 18:50, for groups of films).
    """

    auc: float | None
    spread: float | None
    n_images: int
    n_positive: int
    reason: str = ""
    p: float | None = None


def alarms(found: Mapping[str, Probe]) -> set[str]:
    """The probes that tell the classes apart although they see no disease: an AUC of `ALARM_AUC` that chance does not give, with p
    adjusted over all of them (Holm) below `ALARM_P`.

    A plain model understates what a network makes of the same shortcut, so the limit is far below the AUC of a useful model.
    """
    adjusted = holm([f.p for f in found.values()])
    return {
        name
        for (name, f), p in zip(found.items(), adjusted, strict=True)
        if f.auc is not None and f.auc >= ALARM_AUC and p is not None and p < ALARM_P
    }


@dataclass(frozen=True, eq=False)
class Asked:
    """What probes are asked of some films.

    Attributes:
        positive: Whether a film is of the class, (n,).
        groups: Names of what may not be divided between folds, (n,).
        seed: Of the folds.
    """

    positive: NDArray[np.bool_]
    groups: NDArray[np.str_]
    seed: int

    @cached_property
    def folds(self) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Rows that a probe learns from, and rows that it is scored on; finding them takes longer than most probes, which share them."""
        from sklearn.model_selection import StratifiedGroupKFold

        folds = StratifiedGroupKFold(N_FOLDS, shuffle=True, random_state=self.seed % 2**32)
        return list(folds.split(self.positive, self.positive, self.groups))


def probe(features: NDArray[np.float32], asked: Asked, tree: bool = False) -> Probe:
    """Cross-validated AUC of a plain model.

    Args:
        features: Finite, (n, d).
        asked: The classes and the groups of the films.
        tree: Of a decision tree of depth 4, for few features with thresholds, such as sizes in pixels; else of a logistic regression on
            standardised features.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.tree import DecisionTreeClassifier

    model = (
        DecisionTreeClassifier(max_depth=4, min_samples_leaf=5, class_weight="balanced", random_state=0)
        if tree
        else make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=300, class_weight="balanced"))
    )
    positive, groups = asked.positive, asked.groups
    n, n_positive = len(positive), int(positive.sum())
    few = min(len(np.unique(groups[positive])), len(np.unique(groups[~positive])))
    if few < _LEAST_GROUPS:
        reason = f"needs {_LEAST_GROUPS} patients (or films) of each side, has {few}"
        return Probe(None, None, n, n_positive, reason)
    aucs = []
    # on one thread: sums are taken in one order whatever the cores, and on vectors as short as these threads only wait for each other
    # (beside another program, two took ten times as long as one)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a probe need not be at its optimum
        for train, test in asked.folds:
            if positive[test].all() or not positive[test].any():
                continue
            model.fit(features[train], positive[train])
            aucs.append(float(roc_auc_score(positive[test], model.predict_proba(features[test])[:, 1])))
    if len(aucs) < 2:
        return Probe(None, None, n, n_positive, "films of one class are in one patient or group of copies")
    auc, n_with = float(np.mean(aucs)), len(np.unique(groups[positive]))
    n_without = len(np.unique(groups[~positive]))
    by_chance = math.sqrt((n_with + n_without + 1) / (12 * n_with * n_without))
    p = 0.5 * math.erfc((auc - 0.5) / by_chance / math.sqrt(2))
    return Probe(auc, float(np.std(aucs, ddof=1)), n, n_positive, p=p)
