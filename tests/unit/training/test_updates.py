"""Weights are moved as torch's own optimisers move them, decay, clipping and a beta1 that changes included."""

import numpy as np
import pytest
import torch

from hilum.study.policies.constant import ConstantPolicy
from hilum.study.policies.schedule import StepSettings
from hilum.training.optimizers import apply, build_optimizer, clip
from hilum.training.updates import Update


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
@pytest.mark.parametrize(
    "clipping", [{}, {"clip_value": 0.1}, {"clip_norm": 0.5}, {"clip_value": 0.3, "clip_norm": 2.0}]
)
@pytest.mark.parametrize("decay", [0.0, 0.01])
def test_forty_steps_are_torchs(optimizer: str, clipping: dict[str, float], decay: float) -> None:
    policy = ConstantPolicy(learning_rate=1e-2, optimizer=optimizer, weight_decay=decay, **clipping)
    rng = np.random.default_rng(1)
    first = torch.from_numpy(rng.normal(size=501).astype(np.float32))
    ours, theirs = first.clone(), first.clone().requires_grad_()
    update, plain = Update(policy, 501), build_optimizer(policy, [[theirs]])
    for k in range(40):
        gradient = torch.from_numpy((rng.normal(size=501) * 10.0 ** rng.integers(-4, 1)).astype(np.float32))
        settings = StepSettings(1e-2 * (1 + k % 3), beta1=None if k < 10 else 0.85 + 0.001 * k)
        theirs.grad = gradient.clone()
        apply(settings, plain, [1.0])
        clip(policy, [theirs])
        plain.step()
        update.step(settings, ours, gradient.clone())
    assert float((ours - theirs.detach()).abs().max()) < 1e-6
    assert float((ours - first).abs().max()) > 0.05


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_a_gradient_that_is_no_number_is_not_clipped_to_one(optimizer: str) -> None:
    policy = ConstantPolicy(learning_rate=1e-2, optimizer=optimizer, clip_value=0.1)
    weights = torch.zeros(3)
    Update(policy, 3).step(StepSettings(1e-2), weights, torch.tensor([1.0, torch.nan, torch.inf]))
    assert weights.isnan().tolist() == [False, True, False]
