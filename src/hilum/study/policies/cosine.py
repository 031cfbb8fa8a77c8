"""Half a cosine from the rate down, torch's ``CosineAnnealingLR``."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from hilum.core.keys import Key
from hilum.study.policies.policy import OneRatePolicy
from hilum.study.policies.schedule import Schedule, StepSettings, StepwiseSchedule


class CosinePolicy(OneRatePolicy):
    """torch's ``CosineAnnealingLR`` stepped every batch, down to `min_rate` at the last step."""

    key: ClassVar[Key] = OneRatePolicy.key.and_(min_rate=0.0)

    kind: Literal["cosine"]
    min_rate: Annotated[float, Field(ge=0)] = 0.0

    def schedule(self, epochs: int, steps_per_epoch: int) -> Schedule:
        """One fall over the whole training."""
        n_steps = epochs * steps_per_epoch
        return StepwiseSchedule(n_steps, annealing(self.rate, self.min_rate, n_steps))


def annealing(rate: float, min_rate: float, n_steps: int) -> Callable[[int], StepSettings]:
    """``CosineAnnealingLR(T_max=n_steps - 1, eta_min=min_rate)``: the last step, not the one after it, has `min_rate`."""
    last = max(n_steps - 1, 1)  # a single step is taken at `rate`
    return lambda step: StepSettings(min_rate + (rate - min_rate) * (1 + math.cos(math.pi * step / last)) / 2)
