"""A policy at work: what rate and momentum each optimiser step has. Nothing here needs torch.

Steps are counted from 0 and each is one update of the weights. All policies but plateau are functions of the step alone. Formulas and
order of rounding are those of ``torch.optim.lr_scheduler`` (2.9 and later), stepped after every batch (plateau: after every epoch).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from hilum.core.errors import HilumError


@dataclass(frozen=True)
class StepSettings:
    """What an optimiser step is taken with.

    Attributes:
        learning_rate: Of parameters whose factor is 1.
        beta1: Adam's first beta, or the momentum of sgd; None leaves what the optimiser has.
        fresh: A new optimiser, without memory, begins with this step. The very first step has one anyhow and says False.
    """

    learning_rate: float
    beta1: float | None = None
    fresh: bool = False


class Schedule(Protocol):
    """A policy at work. Its state is plain numbers, so that a checkpoint can hold it."""

    def settings(self) -> StepSettings:
        """Settings of the step that comes next.

        Raises:
            HilumError: All steps have been taken.
        """

    def stepped(self) -> None:
        """A step was taken."""

    def epoch_ended(self, valid_loss: float) -> None:
        """An epoch is over, and this is its validation loss."""

    def state(self) -> dict[str, Any]:
        """What `restore` needs, JSON-able."""

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from where `state` was taken."""


class StepwiseSchedule:
    """A policy that is a function of the step."""

    def __init__(self, n_steps: int, settings_at: Callable[[int], StepSettings]) -> None:
        self._n_steps, self._settings_at, self._step = n_steps, settings_at, 0

    def settings(self) -> StepSettings:
        """Settings of the next step."""
        if self._step >= self._n_steps:
            raise HilumError(f"a schedule of {self._n_steps} steps was asked for step {self._step + 1}")
        return self._settings_at(self._step)

    def stepped(self) -> None:
        """Count a step that was taken."""
        self._step += 1

    def epoch_ended(self, valid_loss: float) -> None:
        """An epoch's end makes no difference to a function of the step."""

    def state(self) -> dict[str, Any]:
        """The number of steps taken."""
        return {"step": self._step}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state`."""
        self._step = state["step"]
