"""A policy's optimiser in torch: how it is built, how a step's settings reach it, how gradients are clipped.

Parameters come in groups, each with a factor on the learning rate, so that a head alone (one group, factor 1) and a network with
a rate a stage are the same thing here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch.nn import Parameter
from torch.nn.utils import clip_grad_norm_, clip_grad_value_
from torch.optim import Optimizer

from hilum.study.policies import Policy
from hilum.study.policies.schedule import StepSettings

SGD_MOMENTUM = 0.9


def build_optimizer(
    policy: Policy, groups: Iterable[Iterable[Parameter]], fused: bool | None = None
) -> Optimizer:
    """A new optimiser. Its rates are 0 until `apply` sets those of the first step.

    Args:
        policy: Names the optimiser and its weight decay; all else is torch's default.
        groups: Parameters that share a factor on the rate.
        fused: Update each weight in one pass, without tensors in between as large as the weights (last bits differ); None: torch's default.
    """
    tables = [{"params": list(parameters)} for parameters in groups]
    if policy.optimizer == "sgd":
        return torch.optim.SGD(
            tables, lr=0.0, momentum=SGD_MOMENTUM, weight_decay=policy.weight_decay, fused=fused
        )
    kind = torch.optim.AdamW if policy.optimizer == "adamw" else torch.optim.Adam
    return kind(tables, lr=0.0, weight_decay=policy.weight_decay, fused=fused)


def apply(settings: StepSettings, optimizer: Optimizer, factors: Sequence[float]) -> None:
    """Set the rate, and the momentum where the policy moves it, for the next step.

    Args:
        settings: Of the step.
        optimizer: Of `build_optimizer`.
        factors: On the rate, one for each group.
    """
    for group, factor in zip(optimizer.param_groups, factors, strict=True):
        group["lr"] = settings.learning_rate * factor
        if settings.beta1 is None:
            continue
        if "betas" in group:
            group["betas"] = (settings.beta1, group["betas"][1])
        else:
            group["momentum"] = settings.beta1


def clip(policy: Policy, parameters: Iterable[Parameter]) -> None:
    """Clip the gradients as the policy says; where it says both, by value first and then by the norm of what is left."""
    parameters = list(parameters)
    if policy.clip_value is not None:
        clip_grad_value_(parameters, policy.clip_value)
    if policy.clip_norm is not None:
        clip_grad_norm_(parameters, policy.clip_norm)
