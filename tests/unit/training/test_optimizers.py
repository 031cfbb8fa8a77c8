"""The optimisers are torch's with the policy's numbers; settings and clipping reach them."""

import pytest
import torch
from torch.nn import Parameter

from hilum.study.policies.constant import ConstantPolicy
from hilum.study.policies.schedule import StepSettings
from hilum.training.optimizers import apply, build_optimizer, clip

FIRST = torch.tensor([0.5, -1.0, 2.0])
GRADIENTS = (torch.tensor([0.1, -3.0, 0.0]), torch.tensor([4.0, 0.2, -0.3]), torch.tensor([0.0, 1.0, 1.0]))


def moved(optimizer: torch.optim.Optimizer, parameter: Parameter) -> torch.Tensor:
    for gradient in GRADIENTS:
        parameter.grad = gradient.clone()
        optimizer.step()
    return parameter.detach()


@pytest.mark.parametrize(
    ("name", "torchs"),
    [
        ("adam", lambda p: torch.optim.Adam([p], lr=0.01, weight_decay=0.1)),
        ("adamw", lambda p: torch.optim.AdamW([p], lr=0.01, weight_decay=0.1)),
        ("sgd", lambda p: torch.optim.SGD([p], lr=0.01, weight_decay=0.1, momentum=0.9)),
    ],
)
def test_three_steps_are_torchs(name: str, torchs: object) -> None:
    ours, theirs = Parameter(FIRST.clone()), Parameter(FIRST.clone())
    optimizer = build_optimizer(ConstantPolicy(optimizer=name, weight_decay=0.1), [[ours]])
    apply(StepSettings(0.01), optimizer, [1.0])
    assert torch.equal(moved(optimizer, ours), moved(torchs(theirs), theirs))


def test_without_settings_nothing_moves() -> None:
    parameter = Parameter(FIRST.clone())
    assert torch.equal(moved(build_optimizer(ConstantPolicy(), [[parameter]]), parameter), FIRST)


def test_each_group_has_its_share_of_the_rate() -> None:
    optimizer = build_optimizer(ConstantPolicy(optimizer="adamw"), [[Parameter(FIRST)], [Parameter(FIRST)]])
    apply(StepSettings(0.2), optimizer, [0.01, 1.0])
    assert [g["lr"] for g in optimizer.param_groups] == pytest.approx([0.002, 0.2])
    with pytest.raises(ValueError, match="shorter"):
        apply(StepSettings(0.2), optimizer, [1.0])


@pytest.mark.parametrize("name", ["adam", "sgd"])
def test_momentum_moves_only_where_the_policy_says_so(name: str) -> None:
    optimizer = build_optimizer(ConstantPolicy(optimizer=name), [[Parameter(FIRST)]])
    group = optimizer.param_groups[0]

    def momentum() -> float:
        return group["betas"][0] if name == "adam" else group["momentum"]

    apply(StepSettings(0.1), optimizer, [1.0])
    assert momentum() == 0.9
    apply(StepSettings(0.1, beta1=0.87), optimizer, [1.0])
    assert momentum() == 0.87
    assert group.get("betas", (0.87, 0.999))[1] == 0.999


def test_clipping_written_out() -> None:
    def clipped(**options: float) -> list[float]:
        one, two = Parameter(torch.zeros(2)), Parameter(torch.zeros(1))
        one.grad, two.grad = torch.tensor([3.0, 0.0]), torch.tensor([-4.0])
        clip(ConstantPolicy(**options), iter([one, two]))
        return [*one.grad.tolist(), *two.grad.tolist()]

    assert clipped() == [3.0, 0.0, -4.0]
    assert clipped(clip_value=0.1) == pytest.approx([0.1, 0.0, -0.1])
    assert clipped(clip_norm=1.0) == pytest.approx(
        [0.6, 0.0, -0.8], abs=1e-6
    )  # norm 5, of all weights together
    assert clipped(clip_value=3.5, clip_norm=1.0) == pytest.approx([0.650791, 0.0, -0.759257], abs=1e-6)
    assert clipped(clip_norm=10.0) == [3.0, 0.0, -4.0]
