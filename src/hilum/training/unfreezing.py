"""Which stages of a network train in an epoch, and by what factor on the learning rate. Nothing here needs torch.

Stages are counted from the input to the head. ``fine_tune`` is fastai's method of that name: the head alone first, then everything at half
the rate, the first stage at 1/`rate_divisor` of the head's rate and the stages between evenly in the logarithm. The head's own epochs have
one rate, that of the policy (of a one-cycle policy: its first phase's highest), and the policy's schedule begins after them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hilum.study.policies import Policy
from hilum.study.policies.constant import ConstantPolicy
from hilum.study.tables import FinetuneTable


@dataclass(frozen=True)
class EpochPlan:
    """What trains in an epoch.

    Attributes:
        trained: Number of stages that train, counted from the head down.
        factors: On the rate, one for each stage from the input to the head; those of frozen stages do nothing.
    """

    trained: int
    factors: tuple[float, ...]


def head_epochs(options: FinetuneTable) -> int:
    """Epochs of the head alone, before the policy's own."""
    return 0 if options.train == "head" or options.unfreeze == "at_once" else options.head_epochs


def epoch_plan(options: FinetuneTable, n_stages: int, epoch: int) -> EpochPlan:
    """The plan of an epoch, counted from 1.

    >>> options = FinetuneTable(unfreeze="gradual", rate_divisor=100)
    >>> [epoch_plan(options, 3, epoch).trained for epoch in (1, 2, 3, 4)]
    [1, 2, 3, 3]
    >>> [round(f, 4) for f in epoch_plan(options, 3, epoch=2).factors]
    [0.005, 0.05, 0.5]
    """
    alone = head_epochs(options)
    if options.train == "head" or epoch <= alone:
        return EpochPlan(1, (1.0,) * n_stages)
    if options.unfreeze == "at_once":
        return EpochPlan(n_stages, (1.0,) * n_stages)
    trained = n_stages if options.unfreeze == "fine_tune" else min(1 + epoch - alone, n_stages)
    factors = 0.5 * np.geomspace(1.0 / options.rate_divisor, 1.0, n_stages)
    return EpochPlan(trained, tuple(factors.tolist()))


def head_policy(policy: Policy) -> ConstantPolicy:
    """What the head's own epochs are trained with: the policy's optimiser and clipping, at the highest rate of its first phase."""
    return ConstantPolicy(
        optimizer=policy.optimizer, weight_decay=policy.weight_decay, clip_value=policy.clip_value,
        clip_norm=policy.clip_norm, learning_rate=next(iter(policy.max_rates), None),
    )  # fmt: skip
