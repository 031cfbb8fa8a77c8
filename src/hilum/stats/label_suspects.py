"""Films whose label a plain model doubts: out-of-fold probabilities, and cleanlab's filter over them.

Each film is judged by a logistic regression that saw neither it nor any film of its group (patient, copies). Which of the films where it
disagrees are named is decided by confident learning (Northcutt, Jiang & Chuang 2021, J. Artif. Intell. Res. 70:1373), as cleanlab's filter
has it ("both": a film is named where pruning by class and pruning by noise rate both name it). They are suspects to be looked at: where
class follows source, a film of the other source is one too.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

N_FOLDS = 5
_LEAST_GROUPS = 2 * N_FOLDS  # of each class
_COMPONENTS = 100
LEAST_MARGIN = 0.8
"""Between the probabilities of the suggested class and of the given one; with less, a list grows long and hardly better."""


@dataclass(frozen=True)
class Suspect:
    """A film that looks as if it were of another class.

    Attributes:
        row: Of the film.
        given: Its label.
        suggested: The class of the highest probability.
        p_given: Probability of its label.
        p_suggested: Probability of the suggested class.
    """

    row: int
    given: str
    suggested: str
    p_given: float
    p_suggested: float


def too_few(labels: NDArray[np.str_], groups: NDArray[np.str_]) -> str:
    """Why labels cannot be judged; empty where they can."""
    n = {c: len(np.unique(groups[labels == c])) for c in np.unique(labels)}
    few = [f"{k} of {c}" for c, k in n.items() if k < _LEAST_GROUPS]
    return f"needs {_LEAST_GROUPS} patients (or films) of each class, has {', '.join(few)}" if few else ""


def out_of_fold(
    features: NDArray[np.float32], labels: NDArray[np.str_], groups: NDArray[np.str_], seed: int
) -> NDArray[np.float64]:
    """Probability of each class (sorted) for each film, (n, classes), by models that saw no film of its group.

    Args:
        features: Finite, (n, d); reduced to 100 principal components of equal variance.
        labels: (n,).
        groups: Names of what may not be divided between folds, (n,).
        seed: Of the folds and of the components.
    """
    from sklearn.decomposition import PCA
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold
    from sklearn.preprocessing import StandardScaler

    scaled = StandardScaler().fit_transform(features)
    n = min(_COMPONENTS, *scaled.shape)
    reduced = PCA(
        n, svd_solver="randomized" if n < min(scaled.shape) else "full", random_state=seed % 2**32
    ).fit_transform(scaled)
    reduced /= reduced.std() + 1e-9
    found = np.zeros((len(labels), len(np.unique(labels))))
    folds = StratifiedGroupKFold(N_FOLDS, shuffle=True, random_state=seed % 2**32)
    with (
        threadpool_limits(1),
        warnings.catch_warnings(),
    ):  # as `hilum.stats.probe`: more threads wait for each other
        warnings.simplefilter("ignore", ConvergenceWarning)
        for train, test in folds.split(reduced, labels, groups):
            model = LogisticRegression(C=0.1, max_iter=200).fit(reduced[train], labels[train])
            found[test] = model.predict_proba(reduced[test])
    return found


def suspects(probabilities: NDArray[np.float64], labels: NDArray[np.str_]) -> list[Suspect]:
    """The films that cleanlab's filter names and that have `LEAST_MARGIN`, the largest margin first."""
    from cleanlab.filter import find_label_issues

    classes, given = np.unique(labels, return_inverse=True)
    rows: Sequence[int] = find_label_issues(
        given, probabilities, filter_by="both", return_indices_ranked_by="normalized_margin", n_jobs=1
    )
    best = probabilities.argmax(1)
    named = [
        Suspect(
            int(k),
            str(labels[k]),
            str(classes[best[k]]),
            float(probabilities[k, given[k]]),
            float(probabilities[k, best[k]]),
        )
        for k in rows
        if probabilities[k, best[k]] - probabilities[k, given[k]] >= LEAST_MARGIN
    ]
    return sorted(named, key=lambda s: (s.p_given - s.p_suggested, s.row))
