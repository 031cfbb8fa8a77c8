"""One rate throughout."""

from __future__ import annotations

from typing import Literal

from hilum.study.policies.policy import OneRatePolicy
from hilum.study.policies.schedule import Schedule, StepSettings, StepwiseSchedule


class ConstantPolicy(OneRatePolicy):
    """One rate throughout.

    >>> ConstantPolicy(learning_rate=5e-4).schedule(epochs=2, steps_per_epoch=10).settings().learning_rate
    0.0005
    """

    kind: Literal["constant"] = "constant"

    def schedule(self, epochs: int, steps_per_epoch: int) -> Schedule:
        """The same settings for every step."""
        fixed = StepSettings(self.rate)
        return StepwiseSchedule(epochs * steps_per_epoch, lambda _step: fixed)
