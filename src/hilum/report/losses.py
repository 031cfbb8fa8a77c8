"""Losses of a trial by epoch, as the run's folder gives them and a figure draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class LossCurve:
    """Losses of one trial, an epoch each.

    Attributes:
        train: Mean cross-entropy over the epoch's batches, in nats, (n_epochs,).
        valid: Cross-entropy on the validation part after the epoch, in nats, (n_epochs,); may be empty.
    """

    train: Sequence[float]
    valid: Sequence[float]
