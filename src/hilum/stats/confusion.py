"""Figures of a confusion matrix, each with its formula.

Convention: rows are the truth, columns the prediction. Every figure is one weighted sum of the matrix's cells over another (`Ratio`): the
point estimate, the resamples and the printed formula have one definition. The prediction is the class of the highest probability (the first
such class on an exact tie) unless a threshold is named. Figures that need a ranking, not a decision, are in `curves`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilum.core.errors import InputError
from hilum.study.metrics import EXACT_ACCURACY, METRICS, Kind, Metric


@dataclass(frozen=True)
class Undefined:
    """A figure that is 0/0, and why. It is never a number."""

    reason: str


@dataclass(frozen=True)
class Ratio:
    """A figure as one weighted sum of cells over another.

    Attributes:
        metric: What it is.
        above: float64 (n_classes, n_classes), weight of each cell above the line.
        below: The same, below the line.
    """

    metric: Metric
    above: NDArray[np.float64]
    below: NDArray[np.float64]

    @property
    def name(self) -> str:
        """Name of the metric."""
        return self.metric.name

    def of(self, matrix: NDArray[Any]) -> float | Undefined:
        """The figure of one matrix."""
        below = float((self.below * matrix).sum())
        return float((self.above * matrix).sum()) / below if below > 0 else Undefined(self.metric.undefined)


def predicted_class(y_score: ArrayLike) -> NDArray[np.int64]:
    """Class of the highest probability; on an exact tie the first class.

    Args:
        y_score: (n_films, n_classes).

    >>> predicted_class([[.2, .8], [.5, .5]]).tolist()
    [1, 0]
    """
    predicted: NDArray[np.int64] = np.asarray(y_score).argmax(axis=1).astype(np.int64)
    return predicted


def confusion(y_true: ArrayLike, y_pred: ArrayLike, n_classes: int) -> NDArray[np.int64]:
    """Confusion matrix, rows the truth, columns the prediction.

    Args:
        y_true: Class numbers, (n_films,), each in 0 .. n_classes - 1.
        y_pred: Likewise.
        n_classes: The matrix is (n_classes, n_classes).

    Raises:
        InputError: Lengths differ, or a class number is out of range (says at which position).

    >>> confusion([0, 0, 1], [0, 1, 1], 2).tolist()
    [[1, 1], [0, 1]]
    """
    true, pred = class_numbers(y_true, n_classes, "y_true"), class_numbers(y_pred, n_classes, "y_pred")
    if len(true) != len(pred):
        raise InputError(f"y_true has {len(true)} films and y_pred {len(pred)}; they must be the same films")
    counts: NDArray[np.int64] = np.bincount(true * n_classes + pred, minlength=n_classes * n_classes)
    return counts.reshape(n_classes, n_classes)


def class_numbers(values: ArrayLike, n_classes: int, name: str) -> NDArray[np.int64]:
    """Check that values are class numbers and give them as int64 (n_films,).

    Raises:
        InputError: Not one-dimensional, not integer, or out of range.
    """
    array = np.asarray(values)
    if array.ndim != 1 or (array.dtype.kind not in "iub" and array.size):
        raise InputError(
            f"{name}: expected integer class numbers of shape (n_films,), got {array.dtype} {array.shape}"
        )
    array = array.astype(np.int64)
    wrong = np.flatnonzero((array < 0) | (array >= n_classes))
    if wrong.size:
        raise InputError(
            f"{name}: position {wrong[0]} holds {int(array[wrong[0]])!r}; expected 0 .. {n_classes - 1}"
            f" ({wrong.size} such)"
        )
    return array


def ratios(n_classes: int, positive: int) -> list[Ratio]:
    """The figures that count films (`hilum.study.metrics.METRICS`, in its order) of class number `positive` against the rest."""
    return [_ratio(m, n_classes, positive) for m in METRICS if not m.is_area]


def exact_accuracy(n_classes: int) -> Ratio:
    """The share of films given their own exact class."""
    return _ratio(EXACT_ACCURACY, n_classes, 0)


def _ratio(metric: Metric, n_classes: int, positive: int) -> Ratio:
    if n_classes < 2 or not 0 <= positive < n_classes:
        raise InputError(f"expected a class in 0 .. {n_classes - 1} of at least two, got {positive!r}")
    truth = np.zeros((n_classes, n_classes))
    truth[positive] = 1
    said, exact = truth.T, np.eye(n_classes)
    cells: dict[Kind, NDArray[np.float64]] = {
        "TP": truth * said,
        "FN": truth * (1 - said),
        "FP": (1 - truth) * said,
        "TN exact": (1 - truth) * exact,
        "TN other": (1 - truth) * (1 - said) * (1 - exact),
    }

    def weights(of: Mapping[Kind, int]) -> NDArray[np.float64]:
        return np.asarray(sum((w * cells[kind] for kind, w in of.items()), np.zeros_like(truth)))

    return Ratio(metric, weights(metric.above), weights(metric.below))


def rates(matrix: ArrayLike, positive: int) -> dict[str, float | Undefined]:
    """All figures of one class of one matrix, and `exact_accuracy`.

    Args:
        matrix: Counts (n_classes, n_classes), rows the truth.
        positive: Number of the class.

    >>> table_6 = [[636, 4, 10, 69], [0, 1742, 65, 1], [0, 275, 4790, 31], [6, 13, 29, 625]]
    >>> found = rates(table_6, positive=1)
    >>> [round(found[name], 4) for name in ("sensitivity", "specificity", "strict_rate", "ppv")]
    [0.9635, 0.955, 0.9326, 0.8564]
    >>> rates([[5, 0], [0, 0]], positive=1)["sensitivity"]
    Undefined(reason='no film of the class')
    """
    cells = np.asarray(matrix, dtype=np.float64)
    if cells.ndim != 2 or cells.shape[0] != cells.shape[1] or (cells < 0).any():
        raise InputError(f"expected a square matrix of counts, got shape {cells.shape}")
    n = len(cells)
    return {ratio.name: ratio.of(cells) for ratio in [*ratios(n, positive), exact_accuracy(n)]}
