"""Checkpoints of a training: where it was, so that a killed one goes on as if nothing had happened.

A checkpoint is one file beside the result, written whole by one process and replaced by the next; the best epoch's weights are another.
Chance is keyed by (seed, epoch), so a checkpoint holds no generator. Both files are removed when the result is whole.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hilum.core.files import writing
from hilum.core.mirror import at_hand, removed

EVERY_S = 300.0
"""A checkpoint is written after every epoch, and in the middle of one when the last is older than this."""


class Checkpoints:
    """The checkpoint of one training: a file, with the best epoch's weights beside it, that all processes read and one writes.

    Within an epoch it is written every so many seconds.
    """

    def __init__(self, path: Path, writes: bool = True, every_s: float = EVERY_S) -> None:
        self._path, self._best_path = path, path.with_name(path.name + ".best")
        self._writes, self._every_s = writes, every_s
        self._began = self._saved = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds of this training so far, those before a kill included."""
        return time.perf_counter() - self._began

    def load(self) -> dict[str, Any] | None:
        """The last checkpoint, or None."""
        if not at_hand(self._path, fresh=True).is_file():
            return None
        state: dict[str, Any] = torch.load(self._path, map_location="cpu", weights_only=True)
        self._began = time.perf_counter() - state.pop("seconds")
        return state

    def save(self, state: Callable[[], dict[str, Any]], only_if_due: bool = False) -> None:
        """Write a checkpoint.

        Args:
            state: Gives tensors, numbers and words, nested; asked only if something is written.
            only_if_due: Do nothing when the last checkpoint is young.
        """
        if not self._writes or (only_if_due and time.perf_counter() - self._saved < self._every_s):
            return
        with writing(self._path) as beside:
            torch.save({**state(), "seconds": self.seconds}, beside)
        self._saved = time.perf_counter()

    def save_best(self, network: dict[str, Tensor]) -> None:
        """Keep the weights of the best epoch so far."""
        if self._writes:
            with writing(self._best_path) as beside:
                torch.save(network, beside)

    def best(self) -> dict[str, Tensor]:
        """The weights of the best epoch."""
        found: dict[str, Tensor] = torch.load(at_hand(self._best_path), map_location="cpu", weights_only=True)
        return found

    def remove(self) -> None:
        """Remove the checkpoint: the result is whole."""
        if self._writes:
            removed(self._path)
            removed(self._best_path)
