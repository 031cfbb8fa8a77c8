"""A rate that falls by a factor every so many epochs, torch's ``StepLR``."""

from __future__ import annotations

from itertools import accumulate, repeat
from operator import mul
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from hilum.core.keys import Key
from hilum.study.policies.policy import OneRatePolicy
from hilum.study.policies.schedule import Schedule, StepSettings, StepwiseSchedule


class StepPolicy(OneRatePolicy):
    """torch's ``StepLR`` stepped after each epoch: every `step_size` epochs the rate is multiplied by `gamma`.

    >>> steps = StepPolicy(kind="step", learning_rate=1.0, step_size=2, gamma=0.5).schedule(epochs=3, steps_per_epoch=1)
    >>> steps.restore({"step": 2})
    >>> steps.settings().learning_rate
    0.5
    """

    key: ClassVar[Key] = OneRatePolicy.key.and_(step_size=7, gamma=0.1)

    kind: Literal["step"]
    step_size: Annotated[int, Field(ge=1)] = 7
    gamma: Annotated[float, Field(gt=0, le=1)] = 0.1

    def schedule(self, epochs: int, steps_per_epoch: int) -> Schedule:
        """Multiplied once a stair, in torch's order, so that the rates are torch's to the last bit."""
        n_stairs = -(-epochs // self.step_size)
        rates = list(accumulate(repeat(self.gamma, n_stairs - 1), mul, initial=self.rate))
        settings = [StepSettings(rate) for rate in rates]
        each = self.step_size * steps_per_epoch
        return StepwiseSchedule(epochs * steps_per_epoch, lambda step: settings[step // each])
