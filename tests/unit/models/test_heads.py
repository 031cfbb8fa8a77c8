"""The heads are the published ones."""

import pytest
import torch
from torch import nn

from hilum.core.errors import InputError
from hilum.models.heads import build_head
from hilum.models.registry import backbone


def test_conv_head_is_squeezenets_classifier() -> None:
    head = build_head(backbone("squeezenet1_0"), 4, seed=1)
    plain = nn.Sequential(nn.Conv2d(512, 4, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    plain[0].load_state_dict(head.conv.state_dict())
    x = torch.rand(3, 512, 7, 7)
    assert torch.allclose(head(x), plain(x), atol=1e-5)
    head(x)[:, 0].sum().backward()
    plain(x)[:, 0].sum().backward()
    assert torch.allclose(head.conv.weight.grad, plain[0].weight.grad, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        ("resnet50", [(64, 2048), (64,), (4, 64), (4,)]),
        ("densenet121", [(4, 1024), (4,)]),
        ("tf_efficientnet_lite0", [(4, 1280), (4,)]),
        ("squeezenet1_0", [(4, 512, 1, 1), (4,)]),
    ],
)
def test_shapes(name: str, shapes: list[tuple[int, ...]]) -> None:
    assert [tuple(p.shape) for p in build_head(backbone(name), 4, seed=1).parameters()] == shapes


def test_first_weights_follow_from_the_seed() -> None:
    def first(seed: int) -> torch.Tensor:
        return build_head(backbone("densenet121"), 4, seed).weight

    assert torch.equal(first(1), first(1))
    assert not torch.equal(first(1), first(2))


def test_a_backbone_takes_heads_that_fit_its_features() -> None:
    shapes = [tuple(p.shape) for p in build_head(backbone("densenet121").with_head("mlp"), 4, 1).parameters()]
    assert shapes == [(64, 1024), (64,), (4, 64), (4,)]
    with pytest.raises(
        InputError, match="no head 'mlp' for squeezenet1_0, whose features are a map; known: conv"
    ):
        backbone("squeezenet1_0").with_head("mlp")
    with pytest.raises(InputError, match="no head 'con' for densenet121, whose features are a vector"):
        backbone("densenet121").with_head("con")
