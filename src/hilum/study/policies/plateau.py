"""A rate that falls when the validation loss stops falling, torch's ``ReduceLROnPlateau``."""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from hilum.core.keys import Key
from hilum.study.policies.policy import OneRatePolicy
from hilum.study.policies.schedule import Schedule, StepSettings

PLATEAU_EPS = 1e-8
"""A reduction smaller than this is not made: torch's default."""


class PlateauPolicy(OneRatePolicy):
    """torch's ``ReduceLROnPlateau`` on the validation loss, after each epoch."""

    reads_losses: ClassVar[bool] = True
    key: ClassVar[Key] = OneRatePolicy.key.and_(
        patience=10, factor=0.1, threshold=1e-4, cooldown=0, min_rate=0.0
    )

    kind: Literal["plateau"]
    patience: Annotated[int, Field(ge=0)] = 10
    factor: Annotated[float, Field(gt=0, lt=1)] = 0.1
    threshold: Annotated[float, Field(ge=0)] = 1e-4
    cooldown: Annotated[int, Field(ge=0)] = 0
    min_rate: Annotated[float, Field(ge=0)] = 0.0

    def schedule(self, epochs: int, steps_per_epoch: int) -> Schedule:
        """At its rate until losses say otherwise."""
        del epochs, steps_per_epoch
        return PlateauSchedule(self)


class PlateauSchedule:
    """``ReduceLROnPlateau`` (mode min, threshold_mode rel): the rate falls when `patience` epochs in a row brought nothing."""

    def __init__(self, policy: PlateauPolicy) -> None:
        self._policy = policy
        self._rate = policy.rate
        self._best = math.inf
        self._bad_epochs = 0
        self._cooldown = 0

    def settings(self) -> StepSettings:
        """Settings of the next step."""
        return StepSettings(self._rate)

    def stepped(self) -> None:
        """A step makes no difference: losses do."""

    def epoch_ended(self, valid_loss: float) -> None:
        """Judge the epoch; in cooldown it does not count."""
        p = self._policy
        if valid_loss < self._best * (1.0 - p.threshold):
            self._best, self._bad_epochs = valid_loss, 0
        else:
            self._bad_epochs += 1
        if self._cooldown > 0:
            self._cooldown -= 1
            self._bad_epochs = 0
        if self._bad_epochs > p.patience:
            lower = max(self._rate * p.factor, p.min_rate)
            if self._rate - lower > PLATEAU_EPS:
                self._rate = lower
            self._cooldown, self._bad_epochs = p.cooldown, 0

    def state(self) -> dict[str, Any]:
        """Rate, best loss (None before the first), bad epochs, cooldown left."""
        return {
            "rate": self._rate,
            "best": None if math.isinf(self._best) else self._best,
            "bad_epochs": self._bad_epochs,
            "cooldown": self._cooldown,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state`."""
        self._rate, self._bad_epochs, self._cooldown = state["rate"], state["bad_epochs"], state["cooldown"]
        self._best = math.inf if state["best"] is None else state["best"]
