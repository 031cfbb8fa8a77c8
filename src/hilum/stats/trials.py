"""Trials of one cell: mean, standard error and Student's t interval over trials only.

Each trial is one number here (its sensitivity, its seconds). ddof is 1 throughout; one trial has no standard
error and says so. Films are not resampled here: see `resampling`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from hilum.core.errors import InputError

NOT_ESTIMABLE = "not estimable"


@dataclass(frozen=True)
class TrialSummary:
    """Mean over trials and what the trials say of its error.

    Attributes:
        mean: Mean over trials.
        standard_deviation: Between trials, ddof 1; None for one trial.
        standard_error: Of the mean; None for one trial.
        low: Lower end of the t interval with n - 1 degrees of freedom; None for one trial.
        high: Upper end.
        n: Number of trials.
        note: ``"not estimable: one trial"`` for one trial, else empty.
    """

    mean: float
    standard_deviation: float | None
    standard_error: float | None
    low: float | None
    high: float | None
    n: int
    note: str = ""


def summarise_trials(values: ArrayLike, level: float = 0.95) -> TrialSummary:
    """Mean, standard error (ddof 1) and t interval of one number a trial. The interval is not clipped.

    Args:
        values: Finite, (n_trials,), n_trials >= 1.
        level: Nominal coverage.

    Raises:
        InputError: No trial, or a value that is not finite.

    >>> s = summarise_trials([0.90, 0.92, 0.94])
    >>> round(s.mean, 4), round(s.standard_error, 4), round(s.low, 4), round(s.high, 4)
    (0.92, 0.0115, 0.8703, 0.9697)
    >>> summarise_trials([0.9]).note
    'not estimable: one trial'
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or not array.size or not np.isfinite(array).all():
        raise InputError(f"expected one finite number a trial, got {array.tolist()!r}")
    mean, n = float(array.mean()), len(array)
    if n == 1:
        return TrialSummary(mean, None, None, None, None, 1, f"{NOT_ESTIMABLE}: one trial")
    deviation = float(array.std(ddof=1))
    error = deviation / n**0.5
    reach = float(stats.t.ppf(0.5 + level / 2, n - 1)) * error
    return TrialSummary(mean, deviation, error, mean - reach, mean + reach, n)
