"""A warm-up (torch's ``LinearLR``), then a constant rate or a cosine."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from hilum.core.errors import InputError
from hilum.core.keys import Key
from hilum.study.policies.cosine import annealing
from hilum.study.policies.policy import OneRatePolicy
from hilum.study.policies.schedule import Schedule, StepSettings, StepwiseSchedule


class WarmupPolicy(OneRatePolicy):
    """Linear from `start_factor` of the rate in `warmup_epochs` epochs (torch's ``LinearLR``, each batch); then constant or a cosine."""

    key: ClassVar[Key] = OneRatePolicy.key.and_(warmup_epochs=1, start_factor=1 / 25, then="cosine")

    kind: Literal["warmup"]
    warmup_epochs: Annotated[int, Field(ge=1)] = 1
    start_factor: Annotated[float, Field(gt=0, le=1)] = 1 / 25
    then: Literal["constant", "cosine"] = "cosine"

    def schedule(self, epochs: int, steps_per_epoch: int) -> Schedule:
        """The step after the warm-up's last is the first at the full rate.

        Raises:
            InputError: No rate, or a warm-up longer than the training.
        """
        if self.warmup_epochs > epochs:
            raise InputError(
                f"a warm-up of {self.warmup_epochs} epochs is longer than the training of {epochs}; "
                "make warmup_epochs smaller or training.epochs larger"
            )
        rate, start = self.rate, self.start_factor
        n_warm = self.warmup_epochs * steps_per_epoch
        rest = annealing(rate, 0.0, epochs * steps_per_epoch - n_warm)

        def at(step: int) -> StepSettings:
            if step < n_warm:
                return StepSettings(rate * (start + (1 - start) * step / n_warm))
            return StepSettings(rate) if self.then == "constant" else rest(step - n_warm)

        return StepwiseSchedule(epochs * steps_per_epoch, at)
