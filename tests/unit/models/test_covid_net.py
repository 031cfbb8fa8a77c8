"""COVID-Net has what its paper prints: counts to 1 %, the maps of Figure 2, modules as its words have them; and all of it is narrowed."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from hilum.models.backbone import build_network
from hilum.models.cost import cost_of
from hilum.models.covid_net import Stage, body, pepx
from hilum.models.networks import build_whole
from hilum.models.registry import backbone
from hilum.models.weights import RANDOM

PARAMETERS, MULTIPLY_ADDS = 117.4e6, 2.26e9
"""At 224 px and three classes: https://arxiv.org/abs/2003.09871, the network whose film has 224 px."""


def counted_by_hooks(network: nn.Module, film: torch.Tensor) -> int:
    """Multiply-adds as each layer's definition has them: values that come out, times those that each is made of."""
    found = 0

    def add(layer: nn.Module, _: object, out: torch.Tensor) -> None:
        nonlocal found
        assert isinstance(layer, nn.Conv2d | nn.Linear)
        found += out.numel() * layer.weight[0].numel()

    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    handles = [m.register_forward_hook(add) for m in layers]
    network(film)
    for handle in handles:
        handle.remove()
    return found


def test_the_counts_are_within_one_percent_of_the_published() -> None:
    found = cost_of("covid_net", 224, 3)
    assert found["parameters"] == found["trained"] == 116_872_979
    assert found["multiply_adds"] == 2_260_232_320
    assert found["parameters"] == pytest.approx(PARAMETERS, rel=0.01)
    assert found["multiply_adds"] == pytest.approx(MULTIPLY_ADDS, rel=0.01)


def test_multiply_adds_are_those_of_the_layers_by_hand() -> None:
    with torch.device("meta"):
        network = build_whole(backbone("covid_net"), RANDOM, 3, (224, 224), seed=0).eval()
        film = torch.empty(1, 224, 224, dtype=torch.uint8)
    assert counted_by_hooks(network, film) == cost_of("covid_net", 224, 3)["multiply_adds"]


def test_the_maps_are_figure_2s() -> None:
    with torch.device("meta"):
        parts = body()
        x, shapes = torch.empty(1, 3, 224, 224), []
        for part in parts:
            x = part(x)
            shapes.append(tuple(x.shape[1:]))
    assert shapes == [(64, 112, 112), (256, 56, 56), (512, 28, 28), (1024, 14, 14), (2048, 7, 7), (100_352,)]
    assert [len(s.pepx) for s in parts if isinstance(s, Stage)] == [3, 4, 6, 3]
    assert [tuple(s.long_range[0].weight.shape[2:]) for s in parts if isinstance(s, Stage)] == [(1, 1)] * 4


def test_a_module_projects_expands_looks_around_projects_and_extends() -> None:
    convolutions = [m for m in pepx(64, 256) if isinstance(m, nn.Conv2d)]
    assert [(c.in_channels, c.out_channels, c.kernel_size[0], c.groups) for c in convolutions] == [
        (64, 64, 1, 1), (64, 112, 1, 1), (112, 112, 3, 112), (112, 32, 1, 1), (32, 256, 1, 1),
    ]  # fmt: skip
    assert pepx(64, 256)(torch.zeros(2, 64, 9, 7)).shape == (2, 256, 9, 7)


def test_a_stage_sums_its_long_range_convolution_and_its_modules() -> None:
    stage, x = Stage(3, 16, 32).eval(), torch.randn(2, 16, 12, 10)
    with torch.inference_mode():
        small = nn.functional.max_pool2d(x, 2)
        a = torch.relu(stage.long_range(small) + stage.pepx[0](small))
        b = torch.relu(a + stage.pepx[1](a))
        assert torch.equal(stage(x), torch.relu(b + stage.pepx[2](b)))


@pytest.mark.parametrize(
    ("name", "width", "hidden"), [("covid_net_x0_25", 0.25, 256), ("covid_net_x0_125", 0.125, 128)]
)
def test_a_narrow_network_is_narrower_in_every_layer(name: str, width: float, hidden: int) -> None:
    b = backbone(name)
    with torch.device("meta"):
        whole, narrow = body(), build_network(b, RANDOM)
    sizes = [[m.out_channels for m in n.modules() if isinstance(m, nn.Conv2d)] for n in (whole, narrow)]
    assert [round(n * width) for n in sizes[0]] == sizes[1]
    head = build_whole(b, RANDOM, 4, (64, 64), seed=0).head
    shapes = [(layer.in_features, layer.out_features) for layer in head if isinstance(layer, nn.Linear)]
    assert shapes == [(2048 * width * 4, hidden), (hidden, hidden), (hidden, 4)]


def test_every_weight_learns() -> None:
    network = build_whole(backbone("covid_net_x0_125"), RANDOM, 4, (64, 64), seed=0).train()
    films = torch.randint(0, 256, (4, 64, 64), dtype=torch.uint8)
    nn.functional.cross_entropy(network(films), torch.arange(4)).backward()
    assert [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []
