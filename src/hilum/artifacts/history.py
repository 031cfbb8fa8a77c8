"""``history.jsonl`` of a trial: losses and learning rate by epoch, a line each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hilum.artifacts.header import as_written

NAME = "history.jsonl"


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
        lines = history_lines(folder)
        with as_written(folder / NAME):
            valid = [float(r["valid_loss"]) for r in lines if r.get("valid_loss") is not None]
            best = [int(r["epoch"]) for r in lines if r.get("best")]
            rates = [float(r["learning_rate"]) for r in lines if r.get("learning_rate") is not None]
            return cls([float(r["train_loss"]) for r in lines], valid, best[-1] if best else None, rates)


def history_lines(folder: Path) -> list[dict[str, Any]]:
    """Each line of a trial's history; none where it keeps no history."""
    path = folder / NAME
    if not path.is_file():
        return []
    with as_written(path):
        return [json.loads(text) for text in path.read_text("utf-8").splitlines() if text.strip()]
