"""Precision-recall and ROC curves of a score, their areas, and point lists thin enough to draw.

Conventions, all scikit-learn's: films with equal scores enter together; a precision-recall curve starts at (recall 0, precision 1).
`pr_auc` is the trapezoid under that curve, as in the paper; it is a little optimistic between points (Davis & Goadrich 2006), which is why
`average_precision` (a sum of steps) stands beside it.
"""

from __future__ import annotations

import heapq

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilum.artifacts.evaluation import Points
from hilum.core.errors import InputError
from hilum.stats.confusion import Ratio, Undefined, confusion, predicted_class, rates

MAX_POINTS = 400  # of a drawn curve

NO_POSITIVE = "no film of the class"
NO_NEGATIVE = "no film of another class"


def why_undefined(ratio: Ratio | None, n_positive: int) -> str:
    """Why a figure is undefined where it is.

    Args:
        ratio: What it counts; None for an area.
        n_positive: Films of the class.
    """
    if ratio is not None:
        return ratio.metric.undefined
    return NO_NEGATIVE if n_positive else NO_POSITIVE


def cumulative_counts(
    y_true: ArrayLike, y_score: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """True and false positives at each distinct score, from the highest down.

    Args:
        y_true: Boolean, or 0 and 1, (n_films,).
        y_score: Finite, (n_films,); higher means more like the class.

    Returns:
        (thresholds, true positives, false positives), each float64 (n_distinct,).

    Raises:
        InputError: Lengths differ, a score is not finite, or a label is neither 0 nor 1.
    """
    true, score = np.asarray(y_true), np.asarray(y_score, dtype=np.float64)
    if true.ndim != 1 or true.shape != score.shape:
        raise InputError(f"expected as many labels as scores: {true.shape} {score.shape}")
    if not np.isfinite(score).all():
        raise InputError(f"position {int(np.flatnonzero(~np.isfinite(score))[0])}: a score is not finite")
    if not np.isin(true, (0, 1)).all():
        raise InputError("expected labels 0 and 1 (or booleans)")
    order = np.argsort(-score, kind="stable")
    true, score = true[order].astype(np.float64), score[order]
    ends = np.append(np.flatnonzero(np.diff(score)), len(score) - 1) if len(score) else np.zeros(0, np.int64)
    return score[ends], np.cumsum(true)[ends], np.cumsum(1 - true)[ends]


def pr_curve(y_true: ArrayLike, y_score: ArrayLike) -> Points | Undefined:
    """Precision (y) over recall (x), from the highest threshold to the lowest, starting at (0, 1); arguments as in `cumulative_counts`."""
    _, tp, fp = cumulative_counts(y_true, y_score)
    if not tp.size or tp[-1] == 0:
        return Undefined(NO_POSITIVE)
    return Points(np.append(0.0, tp / tp[-1]), np.append(1.0, tp / (tp + fp)))


def roc_curve(y_true: ArrayLike, y_score: ArrayLike) -> Points | Undefined:
    """True positive rate (y) over false positive rate (x), a point a threshold, starting at (0, 0)."""
    _, tp, fp = cumulative_counts(y_true, y_score)
    if not tp.size or tp[-1] == 0:
        return Undefined(NO_POSITIVE)
    if fp[-1] == 0:
        return Undefined(NO_NEGATIVE)
    return Points(np.append(0.0, fp / fp[-1]), np.append(0.0, tp / tp[-1]))


def pr_auc(y_true: ArrayLike, y_score: ArrayLike) -> float | Undefined:
    """Area under the precision-recall curve by the trapezoid rule, as the paper has it.

    >>> round(pr_auc([0, 0, 1, 1], [.1, .4, .35, .8]), 4)
    0.7917
    """
    curve = pr_curve(y_true, y_score)
    return curve if isinstance(curve, Undefined) else float(np.trapezoid(curve.y, curve.x))


def average_precision(y_true: ArrayLike, y_score: ArrayLike) -> float | Undefined:
    """Sum over thresholds of precision times the gain in recall.

    >>> round(average_precision([0, 0, 1, 1], [.1, .4, .35, .8]), 4)
    0.8333
    """
    curve = pr_curve(y_true, y_score)
    return curve if isinstance(curve, Undefined) else float(np.dot(np.diff(curve.x), curve.y[1:]))


def roc_auc(y_true: ArrayLike, y_score: ArrayLike) -> float | Undefined:
    """Area under the ROC curve: the Mann-Whitney share of rightly ranked pairs, ties counting half.

    >>> roc_auc([0, 0, 1, 1], [.1, .4, .35, .8])
    0.75
    """
    curve = roc_curve(y_true, y_score)
    return curve if isinstance(curve, Undefined) else float(np.trapezoid(curve.y, curve.x))


AREA_OF = {area.__name__: area for area in (pr_auc, average_precision, roc_auc)}
"""Metric -> its area, from labels (1 for the class) and scores."""


def point_figures(y_true: ArrayLike, y_score: ArrayLike, positive: int) -> dict[str, float]:
    """Every metric of one class of some films, without its interval; one that is undefined is left out.

    Args:
        y_true: Class numbers, (n_films,).
        y_score: Probabilities, (n_films, n_classes).
        positive: Number of the class.
    """
    true, score = np.asarray(y_true), np.asarray(y_score)
    found = rates(confusion(true, predicted_class(score), score.shape[1]), positive)
    found |= {m: area(true == positive, score[:, positive]) for m, area in AREA_OF.items()}
    return {m: v for m, v in found.items() if not isinstance(v, Undefined)}


def thin(curve: Points, max_points: int = MAX_POINTS) -> Points:
    """Keep at most `max_points` points of a curve, the ends always, so that its drawing does not change.

    Points are taken greedily, always the one farthest from the line drawn so far (Douglas & Peucker 1973, with a budget in place of a
    tolerance).

    Raises:
        InputError: `max_points` is less than 2.
    """
    if max_points < 2:
        raise InputError(f"a curve has at least its two ends; max_points is {max_points!r}")
    x, y = curve.x, curve.y
    if len(x) <= 2:
        return curve
    kept = [0, len(x) - 1]
    heap: list[tuple[float, int, int, int]] = []

    def propose(first: int, last: int) -> None:
        if last - first < 2:
            return
        distance = _distance_to_chord(x[first : last + 1], y[first : last + 1])
        at = int(distance.argmax())
        if distance[at] > 0:
            heapq.heappush(heap, (-float(distance[at]), first, first + at, last))

    propose(0, len(x) - 1)
    while heap and len(kept) < max_points:
        _, first, at, last = heapq.heappop(heap)
        kept.append(at)
        propose(first, at)
        propose(at, last)
    rows = np.sort(np.array(kept))
    return Points(x[rows], y[rows])


def _distance_to_chord(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance of each point to the segment between the first and the last."""
    dx, dy = x[-1] - x[0], y[-1] - y[0]
    length = dx * dx + dy * dy
    along = np.zeros_like(x) if length == 0 else np.clip(((x - x[0]) * dx + (y - y[0]) * dy) / length, 0, 1)
    distance: NDArray[np.float64] = np.hypot(x - x[0] - along * dx, y - y[0] - along * dy)
    return distance
