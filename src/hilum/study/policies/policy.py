"""What every learning-rate policy has: its table's keys, and what is asked of it.

Rates are per optimiser step; epochs are passes over the training films. Names and meanings are torch's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field

from hilum.core.errors import InputError
from hilum.core.keys import Key
from hilum.study.policies.schedule import Schedule
from hilum.study.tables import StrictTable

Rate = Annotated[float, Field(gt=0)]


class AnyPolicy(StrictTable, ABC):
    """A policy, whatever its kind.

    Attributes:
        optimizer: ``adam``, ``adamw`` or ``sgd`` (momentum .9).
        weight_decay: As the optimiser of that name takes it.
        clip_value: Gradients are cut to +- this value before the step; None for not.
        clip_norm: Gradients are scaled to at most this norm (all weights together); None for not.
        kind: What the study file calls it.
        reads_losses: Whether the rate depends on the validation loss.
        key: What a training under it depends on; a kind that has more options adds them (`hilum.core.keys`).
    """

    reads_losses: ClassVar[bool] = False
    key: ClassVar[Key] = Key(optimizer="adam", weight_decay=0.0, clip_value=None, clip_norm=None)

    optimizer: Literal["adam", "adamw", "sgd"] = "adam"
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    clip_value: Rate | None = None
    clip_norm: Rate | None = None
    kind: str

    def n_epochs(self, epochs: int) -> int:
        """How many epochs a training under this policy has, where the study says `epochs`."""
        return epochs

    @property
    @abstractmethod
    def max_rates(self) -> tuple[float, ...]:
        """The highest rate of each of its phases; empty where it has none filled in."""

    def filled(self, rate: float) -> Self:
        """The same with `rate` where its own is left out."""
        del rate
        return self

    @abstractmethod
    def schedule(self, epochs: int, steps_per_epoch: int) -> Schedule:
        """The policy at work, before its first step.

        Args:
            epochs: Of the training, as the study says.
            steps_per_epoch: Updates of the weights an epoch.

        Raises:
            InputError: The policy has no rate, or does not fit the length of the training.
        """


class OneRatePolicy(AnyPolicy):
    """A policy that begins with, or rises to, one rate; None stands for ``training.learning_rate``, filled in when the study is read."""

    key: ClassVar[Key] = AnyPolicy.key.and_(learning_rate=None)

    learning_rate: Rate | None = None

    @property
    def max_rates(self) -> tuple[float, ...]:
        """The highest rates: the one rate that there is."""
        return () if self.learning_rate is None else (self.learning_rate,)

    def filled(self, rate: float) -> Self:
        """With `rate` where `learning_rate` is left out."""
        return self.model_copy(update={"learning_rate": rate}) if self.learning_rate is None else self

    @property
    def rate(self) -> float:
        """The rate, which must be filled in.

        Raises:
            InputError: It is not.
        """
        if self.learning_rate is None:
            raise InputError(
                f"the {self.kind} policy has no learning rate; name one in [policy.NAME], or take it from "
                "the study (Study.policy_of), which fills in training.learning_rate"
            )
        return self.learning_rate
