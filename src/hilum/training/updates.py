"""A policy's optimiser on the flat weights of a head: what `hilum.training.optimizers` is for whole networks, in a pass instead of a dozen.

Decay, clipping and torch's defaults (betas .9 and .999, eps 1e-8) are as there; a test holds the two equal.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from hilum.study.policies import Policy
from hilum.study.policies.schedule import StepSettings
from hilum.training.optimizers import SGD_MOMENTUM

_BETAS, _EPS = (0.9, 0.999), 1e-8


class Update:
    """An optimiser with its memory.

    Args:
        policy: Names the optimiser, its weight decay and how gradients are clipped.
        n: Weights.
    """

    def __init__(self, policy: Policy, n: int) -> None:
        self.policy = policy
        self._memory = np.zeros((1 if policy.optimizer == "sgd" else 2, n), np.float32)
        self._beta1 = SGD_MOMENTUM if policy.optimizer == "sgd" else _BETAS[0]
        self._steps = 0

    def step(self, settings: StepSettings, weights: Tensor, gradient: Tensor) -> None:
        """Move weights in place.

        Args:
            settings: Of the step; a beta1 (momentum of sgd) stays for later steps that name none.
            weights: float32 (n,).
            gradient: float32 (n,); clipping by norm changes it.
        """
        policy, rate = self.policy, settings.learning_rate
        self._steps += 1
        self._beta1 = self._beta1 if settings.beta1 is None else settings.beta1
        limit = math.inf if policy.clip_value is None else policy.clip_value
        if policy.clip_norm is not None:
            gradient.clamp_(-limit, limit)
            norm = float(torch.linalg.vector_norm(gradient))
            gradient.mul_(min(policy.clip_norm / (norm + 1e-6), 1.0))
        from hilum.training.update_kernel import AdamStep, SgdStep, adam, sgd  # late: compiled

        w, g, decay = weights.numpy(), gradient.numpy(), policy.weight_decay
        if policy.optimizer == "sgd":
            sgd(w, g, self._memory[0], SgdStep(*_floats(rate, decay, limit, self._beta1)))
            return
        decoupled = policy.optimizer == "adamw"
        beta2 = _BETAS[1]
        shrink, l2 = (1 - rate * decay, 0.0) if decoupled else (1.0, decay)
        step_size = rate / (1 - self._beta1**self._steps)
        root = math.sqrt(1 - beta2**self._steps)
        how = _floats(step_size, shrink, l2, limit, 1 - self._beta1, beta2, 1 - beta2, root, _EPS)
        adam(w, g, self._memory[0], self._memory[1], AdamStep(*how))


def _floats(*values: float) -> list[np.float32]:
    return [np.float32(v) for v in values]
