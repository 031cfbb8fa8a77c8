"""``history.jsonl`` of a trial: losses and learning rate by epoch, a line each."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hilum.artifacts.header import as_written, checked
from hilum.artifacts.json_parts import members
from hilum.core.errors import DivergedError
from hilum.core.files import write_text

HISTORY = "history.jsonl"


@dataclass(frozen=True)
class EpochRecord:
    """One line of the history.

    Attributes:
        epoch: From 1.
        train_loss: Mean over films of their batches' losses, taken while the weights move.
        valid_loss: Of all validation films after the epoch.
        learning_rate: Of the epoch's last step.
        best: Whether its weights were kept, where the epoch was chosen.

    Raises:
        DivergedError: A loss is not finite.
    """

    epoch: int
    train_loss: float
    valid_loss: float
    learning_rate: float
    best: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.train_loss) and math.isfinite(self.valid_loss)):
            raise DivergedError(
                f"the loss is not finite after epoch {self.epoch}: {self}; a lower learning rate may help"
            )


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
        records = read_history(folder)
        best = [r.epoch for r in records if r.best]
        return cls(
            [r.train_loss for r in records],
            [r.valid_loss for r in records],
            best[-1] if best else None,
            [r.learning_rate for r in records],
        )


def write_history(folder: Path, records: Iterable[EpochRecord]) -> None:
    """Write a trial's history; only the line of a chosen epoch says whether it is the best."""
    lines = ({k: v for k, v in members(r).items() if v is not False} for r in records)
    write_text(folder / HISTORY, "".join(json.dumps(line) + "\n" for line in lines))


def read_history(folder: Path) -> list[EpochRecord]:
    """Each line of a trial's history; none where it keeps no history.

    Raises:
        InputError: A line that is not as hilum writes it.
    """
    path = folder / HISTORY
    if not path.is_file():
        return []
    with as_written(path):
        lines = [json.loads(text) for text in path.read_text("utf-8").splitlines() if text.strip()]
    return checked(lines, list[EpochRecord], path)
