"""Sets of classes that hold a film's own as often as they say: split conformal prediction, a threshold a class, chosen on validation films.

The score of a film is 1 - the probability of its class (crepes' "hinge"; Sadinle, Lei & Wasserman 2019), and each class has a threshold of
its own, from validation films of that class (class-conditional, "Mondrian": Vovk, Gammerman & Shafer 2005; Angelopoulos & Bates 2023).

Films of one patient are no independent draws. The rule: every patient weighs the same, each of the n films of a patient 1 / n, and the
patient to come weighs as one more whose score is infinite. The threshold is the smallest score that holds a share `level` of that weight
(Lee, Barber & Willett 2023, "Distribution-free inference with hierarchical data"; Dunn, Wasserman & Ramdas 2023 draw one film a patient
instead, which throws films away and depends on a seed). Guarantee: if patients are exchangeable, the set of a film drawn from a new
patient's films of class k holds k with probability >= level, whatever the model is worth. With one film a patient it is the usual rule, the
ceil((n + 1) level)-th smallest score. It says nothing of films of another kind, of another hospital above all.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilum.core.errors import InputError
from hilum.stats.confusion import class_numbers

LEVELS = (90, 95)
"""Nominal coverage of the sets, in per cent."""
RULE = "1 - probability of the class, a threshold a class, every patient weighs the same"
NO_CLASS = "(none)"
"""In the place of the names, of a film whose set is empty: no class fits it."""
_ROUNDING = 1e-9  # of a sum of weights, in patients


def patients_needed(level: int) -> int:
    """Patients below which a threshold at `level` per cent is infinite.

    >>> patients_needed(90), patients_needed(95)
    (9, 19)
    """
    return math.ceil(level / (100 - level))


def patient_weights(clusters: ArrayLike) -> NDArray[np.float64]:
    """Weight of each film, (n_films,): 1 over the films of its patient, so that every patient weighs 1.

    >>> patient_weights(["a", "b", "a"]).tolist()
    [0.5, 1.0, 0.5]
    """
    _, of, n = np.unique(np.asarray(clusters), return_inverse=True, return_counts=True)
    weights: NDArray[np.float64] = 1.0 / n[of]
    return weights


def upper_limit(scores: ArrayLike, clusters: ArrayLike, level: int) -> float:
    """The smallest score that holds `level` per cent of all patients' weight, the one to come included; infinite where they are too few.

    Args:
        scores: Higher is less usual; finite, (n_films,).
        clusters: Label of each film's patient, (n_films,).
        level: Per cent, above 0 and below 100.

    >>> upper_limit([.1, .2, .3, .4, .5, .6, .7, .8, .9], list("abcdefghi"), 90)
    0.9
    >>> upper_limit([.1, .2, .3, .4, .5, .6, .7, .8, .9], list("abcdefghh"), 90)
    inf
    """
    s = np.asarray(scores, dtype=np.float64)
    weights = patient_weights(clusters)
    if s.ndim != 1 or s.shape != weights.shape or not np.isfinite(s).all():
        raise InputError(
            f"expected a finite score and a patient a film, got shapes {s.shape} and {weights.shape}"
        )
    order = np.argsort(s, kind="stable")
    wanted = level / 100 * (len(np.unique(np.asarray(clusters))) + 1) - _ROUNDING
    reached = np.cumsum(weights[order]) >= wanted
    return float(s[order][reached.argmax()]) if reached.any() else math.inf


def class_limits(
    y_true: ArrayLike, y_score: ArrayLike, clusters: ArrayLike, level: int
) -> list[float | None]:
    """Lowest probability at which each class is in a film's set; None for a class of too few patients, which is in every set.

    Args:
        y_true: Class numbers of validation films, (n_films,).
        y_score: Their probabilities, (n_films, n_classes).
        clusters: Label of each film's patient, (n_films,).
        level: Nominal coverage in per cent.
    """
    score, patients = np.asarray(y_score, dtype=np.float64), np.asarray(clusters)
    true = class_numbers(y_true, score.shape[1], "y_true")
    found: list[float | None] = []
    for k in range(score.shape[1]):
        own = true == k
        # of -p, not of 1 - p: the threshold is then the very probability of a film
        limit = upper_limit(-score[own, k], patients[own], level) if own.any() else math.inf
        found.append(None if math.isinf(limit) else -limit)
    return found


def sets_of(y_score: ArrayLike, limits: Sequence[float | None]) -> NDArray[np.bool_]:
    """Whether each class is in each film's set, (n_films, n_classes); a set may be empty.

    >>> sets_of([[.9, .1], [.4, .6]], [.5, None]).tolist()
    [[True, True], [False, True]]
    """
    least = np.array([-np.inf if v is None else v for v in limits])
    return np.asarray(y_score, dtype=np.float64) >= least


def set_text(members: Sequence[bool] | NDArray[np.bool_], classes: Sequence[str]) -> str:
    """The names of a set's classes, joined by ``|``; ``(none)`` of an empty one.

    >>> set_text([True, False, True], ["covid", "normal", "viral"]), set_text([False], ["covid"])
    ('covid|viral', '(none)')
    """
    return "|".join(c for c, there in zip(classes, members, strict=True) if there) or NO_CLASS


def set_classes(text: str, classes: Sequence[str]) -> tuple[str, ...]:
    """The classes of a set as `set_text` writes it.

    >>> set_classes("covid|viral", ["covid", "normal", "viral"]), set_classes("(none)", ["covid"])
    (('covid', 'viral'), ())
    """
    names = text.split("|")
    return tuple(c for c in classes if c in names)


def chosen_limits(
    y_true: ArrayLike, y_score: ArrayLike, clusters: ArrayLike, classes: Sequence[str]
) -> dict[str, object]:
    """What a bundle keeps of its sets: the rule, validation patients by class, and per level and class the lowest probability."""
    patients = np.asarray(clusters)
    true = class_numbers(y_true, len(classes), "y_true")
    limits: Mapping[str, object] = {
        str(level): dict(zip(classes, class_limits(true, y_score, patients, level), strict=True))
        for level in LEVELS
    }
    counts = {c: len(np.unique(patients[true == k])) for k, c in enumerate(classes)}
    return {"rule": RULE, "chosen_on": "valid", "n_patients": counts, "least": limits}
