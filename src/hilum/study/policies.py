"""Learning-rate policies as data: a table ``[policy.NAME]`` of a study file. What a policy does is `hilum.training.schedules`.

Rates are per optimiser step; epochs are passes over the training films. Names and meanings are torch's.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Rate = Annotated[float, Field(gt=0)]


class _Policy(BaseModel):
    """What every policy has.

    Attributes:
        optimizer: ``adam``, ``adamw`` or ``sgd`` (momentum .9).
        weight_decay: As the optimiser of that name takes it.
        clip_value: Gradients are cut to +- this value before the step; None for not.
        clip_norm: Gradients are scaled to at most this norm (all weights together); None for not.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    optimizer: Literal["adam", "adamw", "sgd"] = "adam"
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    clip_value: Rate | None = None
    clip_norm: Rate | None = None


class ConstantPolicy(_Policy):
    """One rate throughout. None stands for ``training.learning_rate`` (likewise below), filled in when the study is read."""

    kind: Literal["constant"] = "constant"
    learning_rate: Rate | None = None


class Phase(BaseModel):
    """One cycle: `epochs` long, up to `max_rate` and down again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    epochs: Annotated[int, Field(ge=1)]
    max_rate: Rate


class OneCyclePolicy(_Policy):
    """Consecutive cycles, each exactly torch's ``OneCycleLR`` stepped every batch, momentum (Adam's first beta) cycled too.

    Attributes:
        phases: Their epochs add up to the length of the training, which stands above ``training.epochs``.
        optimizer_per_phase: ``fresh`` begins each phase with an optimiser without memory, as the paper does; ``kept`` uses one throughout.
        pct_start: Share of a phase in which the rate rises.
        div_factor: First rate = max_rate / div_factor.
        final_div_factor: Last rate = first rate / final_div_factor.
    """

    kind: Literal["one_cycle"]
    phases: Annotated[list[Phase], Field(min_length=1)]
    optimizer_per_phase: Literal["fresh", "kept"] = "fresh"
    pct_start: Annotated[float, Field(gt=0, lt=1)] = 0.3
    div_factor: Annotated[float, Field(ge=1)] = 25.0
    final_div_factor: Annotated[float, Field(ge=1)] = 1e4


class PlateauPolicy(_Policy):
    """torch's ``ReduceLROnPlateau`` on the validation loss, after each epoch."""

    kind: Literal["plateau"]
    learning_rate: Rate | None = None
    patience: Annotated[int, Field(ge=0)] = 10
    factor: Annotated[float, Field(gt=0, lt=1)] = 0.1
    threshold: Annotated[float, Field(ge=0)] = 1e-4
    cooldown: Annotated[int, Field(ge=0)] = 0
    min_rate: Annotated[float, Field(ge=0)] = 0.0


class CosinePolicy(_Policy):
    """torch's ``CosineAnnealingLR`` stepped every batch, down to `min_rate` at the last step."""

    kind: Literal["cosine"]
    learning_rate: Rate | None = None
    min_rate: Annotated[float, Field(ge=0)] = 0.0


class WarmupPolicy(_Policy):
    """Linear from `start_factor` of the rate in `warmup_epochs` epochs (torch's ``LinearLR``, each batch); then constant or a cosine."""

    kind: Literal["warmup"]
    learning_rate: Rate | None = None
    warmup_epochs: Annotated[int, Field(ge=1)] = 1
    start_factor: Annotated[float, Field(gt=0, le=1)] = 1 / 25
    then: Literal["constant", "cosine"] = "cosine"


Policy = Annotated[
    ConstantPolicy | OneCyclePolicy | PlateauPolicy | CosinePolicy | WarmupPolicy, Field(discriminator="kind")
]


def policy_epochs(policy: Policy, epochs: int) -> int:
    """How many epochs a training under this policy has: the phases' sum, else `epochs`."""
    return sum(p.epochs for p in policy.phases) if isinstance(policy, OneCyclePolicy) else epochs


def highest_rate(policy: Policy) -> float | None:
    """The highest learning rate of a policy; None where it has none filled in."""
    return (
        max(p.max_rate for p in policy.phases) if isinstance(policy, OneCyclePolicy) else policy.learning_rate
    )
