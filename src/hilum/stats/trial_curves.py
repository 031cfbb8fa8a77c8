"""What is shown of one set of predictions: confusion matrix, curves of the positive class, calibration, errors by share of films kept."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from hilum.artifacts.evaluation import TrialEvaluation
from hilum.artifacts.predictions import Predictions
from hilum.artifacts.probabilities import Calibration
from hilum.stats.calibration import apply_temperature
from hilum.stats.confusion import Undefined, confusion, predicted_class
from hilum.stats.curves import pr_curve, roc_curve, thin
from hilum.stats.judged_films import selective
from hilum.stats.recalibration import probability_figures
from hilum.stats.resampling_unit import resampling_unit


def trial_curves(
    predictions: Predictions, positive: str, temperature: float | None = None
) -> TrialEvaluation:
    """Confusion matrix and thinned curves; calibration where the bundle has a temperature.

    Raises:
        InputError: A film has a label that is no class.
    """
    y_true, k = predictions.y_index(), predictions.classes.index(positive)
    counts = confusion(y_true, predicted_class(predictions.probabilities), len(predictions.classes))
    curves = (curve(y_true == k, predictions.probabilities[:, k]) for curve in (pr_curve, roc_curve))
    pr, roc = (None if isinstance(c, Undefined) else thin(c) for c in curves)
    found = None
    if temperature:
        clusters = resampling_unit(predictions).labels
        found = calibration(y_true, predictions.probabilities, temperature, clusters, k)
    kept = selective(y_true, predictions.probabilities, predictions.judged.get("stranger", ()))
    return TrialEvaluation(counts, pr, roc, found, kept)


def calibration(
    y_true: ArrayLike, probabilities: ArrayLike, temperature: float, clusters: ArrayLike, positive: int
) -> Calibration:
    """How good probabilities are, as predicted and at a temperature.

    Args:
        y_true: Class numbers, (n_films,).
        probabilities: (n_films, n_classes).
        clusters: Label of each film's patient, (n_films,).
        positive: Number of the positive class.
        temperature: The logits' divisor, above 0. The logarithm of a probability is its logit but for a term that a film's classes share.
    """
    found = np.asarray(probabilities, dtype=np.float64)
    with np.errstate(divide="ignore"):  # a probability of 0 stays 0 at any temperature
        scaled = apply_temperature(np.log(found), temperature)
    return Calibration(
        temperature, *(probability_figures(y_true, p, clusters, positive) for p in (found, scaled))
    )
