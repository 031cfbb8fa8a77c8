"""Losses of a trial by epoch, as the run's folder gives them and a figure draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class LossCurve:
    """Losses of one trial, an epoch each.

    Attributes:
        train: Mean loss over the epoch's batches, (n_epochs,); cross-entropy in nats unless the study names another.
        valid: The same loss on the validation part after the epoch, (n_epochs,); may be empty.
        best: Number of the epoch, from 1, whose weights were kept; None for the last.
        rates: Learning rate of each epoch's last step, (n_epochs,).
    """

    train: Sequence[float]
    valid: Sequence[float]
    best: int | None = None
    rates: Sequence[float] = ()

    @property
    def kept(self) -> float | None:
        """Validation loss of the weights that were kept; None where it was not recorded."""
        at = len(self.valid) if self.best is None else self.best
        return self.valid[at - 1] if 0 < at <= len(self.valid) else None
