"""``history.jsonl`` of a trial: losses and learning rate by epoch, a line each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hilum.artifacts.header import as_written, checked

NAME = "history.jsonl"


@dataclass(frozen=True)
class Epoch:
    """A line of the history.

    Attributes:
        epoch: From 1.
        train_loss: As `LossCurve` has it.
        valid_loss: None where it was not recorded, as the next.
        learning_rate: Of the epoch's last step.
        best: Whether its weights were kept, where the epoch was chosen.
    """

    epoch: int
    train_loss: float
    valid_loss: float | None = None
    learning_rate: float | None = None
    best: bool = False


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

    @classmethod
    def of_trial(cls, folder: Path) -> LossCurve:
        """Of a trial's folder; empty where it keeps no history."""
        epochs = read_epochs(folder)
        best = [e.epoch for e in epochs if e.best]
        valid = [e.valid_loss for e in epochs if e.valid_loss is not None]
        rates = [e.learning_rate for e in epochs if e.learning_rate is not None]
        return cls([e.train_loss for e in epochs], valid, best[-1] if best else None, rates)


def read_epochs(folder: Path) -> list[Epoch]:
    """Each line of a trial's history; none where it keeps no history.

    Raises:
        InputError: A line that is not as hilum writes it.
    """
    path = folder / NAME
    if not path.is_file():
        return []
    with as_written(path):
        lines = [json.loads(text) for text in path.read_text("utf-8").splitlines() if text.strip()]
    return checked(lines, list[Epoch], path)
