"""What is drawn of one set of predictions: confusion matrix and curves of the positive class."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.evaluation import Points, TrialEvaluation
from hilum.artifacts.predictions import Predictions
from hilum.stats.confusion import Undefined, confusion, predicted_class
from hilum.stats.curves import Curve, pr_curve, roc_curve, thin


def trial_curves(predictions: Predictions, positive: str) -> TrialEvaluation:
    """Confusion matrix and thinned curves.

    Raises:
        InputError: A film has a label that is no class.
    """
    y_true, k = predictions.y_index(), predictions.classes.index(positive)
    counts = confusion(y_true, predicted_class(predictions.probabilities), len(predictions.classes))
    is_positive: NDArray[np.bool_] = y_true == k
    score = predictions.probabilities[:, k]
    return TrialEvaluation(
        counts, _points(pr_curve(is_positive, score)), _points(roc_curve(is_positive, score))
    )


def _points(curve: Curve | Undefined) -> Points | None:
    if isinstance(curve, Undefined):
        return None
    thinned = thin(curve)
    return Points(thinned.x, thinned.y)
