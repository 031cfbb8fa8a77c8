"""Planted label flips are found; folds keep groups whole; probabilities are scikit-learn's own cross-validation, suspects cleanlab's."""

from __future__ import annotations

import numpy as np
import pytest
from cleanlab.filter import find_label_issues
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.preprocessing import StandardScaler

from hilum.stats.label_suspects import LEAST_MARGIN, out_of_fold, suspects, too_few

CLASSES = np.array(["covid", "normal", "viral"])


def planted(
    spread: float, share: float
) -> tuple[NDArray[np.float32], NDArray[np.str_], NDArray[np.str_], NDArray[np.bool_]]:
    """600 films of three classes, two a patient; a share of them with another label."""
    rng = np.random.default_rng(5)
    truth = np.arange(600) // 2 % 3
    x = (rng.normal(size=(3, 20))[truth] * 2 + rng.normal(size=(600, 20)) * spread).astype(np.float32)
    flipped = np.zeros(600, bool)
    flipped[rng.choice(600, round(share * 600), replace=False)] = True
    given = np.where(flipped, (truth + rng.integers(1, 3, 600)) % 3, truth)
    return x, CLASSES[given], np.array([f"p{k // 2}" for k in range(600)]), flipped


def test_planted_flips_are_the_suspects() -> None:
    x, labels, groups, flipped = planted(1.0, 0.02)
    found = suspects(out_of_fold(x, labels, groups, 1), labels)
    rows = {s.row for s in found}
    assert len(rows & set(np.flatnonzero(flipped))) == 12  # all
    assert len(rows) <= 14
    margins = [s.p_suggested - s.p_given for s in found]
    assert margins == sorted(margins, reverse=True)
    assert all(s.given == labels[s.row] != s.suggested for s in found)


def test_clean_labels_have_next_to_no_suspects() -> None:
    x, labels, groups, _ = planted(1.0, 0.0)
    assert len(suspects(out_of_fold(x, labels, groups, 1), labels)) <= 2


def test_probabilities_are_scikit_learns_cross_validation() -> None:
    x, labels, groups, _ = planted(2.0, 0.02)
    reduced = PCA(20, svd_solver="full").fit_transform(StandardScaler().fit_transform(x))
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=3)
    model = LogisticRegression(C=0.1, max_iter=200)
    wanted = cross_val_predict(
        model, reduced / reduced.std(), labels, groups=groups, cv=folds, method="predict_proba"
    )
    p = out_of_fold(x, labels, groups, 3)
    assert p == pytest.approx(wanted, abs=1e-5)
    assert p.sum(1) == pytest.approx(1)
    _, given = np.unique(labels, return_inverse=True)
    named = {int(k) for k in np.flatnonzero(find_label_issues(given, p, filter_by="both", n_jobs=1))}
    assert {s.row for s in suspects(p, labels)} == {
        k for k in named if p[k].max() - p[k, given[k]] >= LEAST_MARGIN
    }


def test_a_group_tells_nothing_of_its_own_films() -> None:
    rng = np.random.default_rng(0)
    own = rng.normal(size=(60, 10)).astype(np.float32)  # of a patient, and of no class
    x = own.repeat(5, axis=0)
    groups = np.array([f"p{k // 5}" for k in range(300)])
    labels = CLASSES[rng.integers(0, 2, 60).repeat(5)]
    right = (np.unique(labels)[out_of_fold(x, labels, groups, 1).argmax(1)] == labels).mean()
    assert right == pytest.approx(0.5, abs=0.2)


def test_too_few_are_said_to_be_too_few() -> None:
    labels = np.array(["a"] * 30 + ["b"] * 12)
    assert too_few(labels, np.arange(42).astype(str)) == ""
    groups = np.array([f"p{k}" for k in range(30)] + ["q"] * 12)
    assert too_few(labels, groups) == "needs 10 patients (or films) of each class, has 1 of b"
