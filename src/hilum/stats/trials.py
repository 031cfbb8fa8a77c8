"""What the trials of a cell, and the resamples of their films, say of the error of the mean over trials.

Each trial is one number here (its sensitivity, its seconds). ddof is 1 throughout; one trial has no standard error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from hilum.core.errors import InputError


@dataclass(frozen=True)
class TrialSummary:
    """Mean over trials, and what the trials alone say of its error; None for one trial.

    Attributes:
        mean: Mean over trials.
        standard_error: Of the mean.
        low: Lower end of the t interval with one degree of freedom less than there are trials.
        high: Upper end.
        note: Why there is none.
    """

    mean: float
    standard_error: float | None = None
    low: float | None = None
    high: float | None = None
    note: str = ""


def summarise_trials(values: ArrayLike, level: float = 0.95) -> TrialSummary:
    """Mean, standard error and t interval of one number a trial. The interval is not clipped.

    Args:
        values: Finite, (n_trials,), n_trials >= 1.
        level: Nominal coverage.

    Raises:
        InputError: No trial, or a value that is not finite.

    >>> s = summarise_trials([0.90, 0.92, 0.94])
    >>> round(s.mean, 4), round(s.standard_error, 4), round(s.low, 4), round(s.high, 4)
    (0.92, 0.0115, 0.8703, 0.9697)
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or not array.size or not np.isfinite(array).all():
        raise InputError(f"expected one finite number a trial, got {array.tolist()!r}")
    mean, n = float(array.mean()), len(array)
    if n == 1:
        return TrialSummary(mean, note="not estimable: one trial")
    error = float(array.std(ddof=1)) / n**0.5
    reach = float(stats.t.ppf(0.5 + level / 2, n - 1)) * error
    return TrialSummary(mean, error, mean - reach, mean + reach)


def film_variances(draws: NDArray[np.float64]) -> tuple[float, float]:
    """Mean covariance between trials (the variance itself for one trial), and the variance of the mean over trials.

    Args:
        draws: A figure of each trial in each resample of the films, finite, (n_trials, n_resamples).
    """
    n, of_mean = len(draws), float(draws.mean(axis=0).var())
    if n == 1:
        return of_mean, of_mean
    return (n * of_mean - float(draws.var(axis=1).mean())) / (n - 1), of_mean
