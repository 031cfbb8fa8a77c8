"""Whole networks are the libraries' networks with the study's head; the CNN is Figure 14's; stages cover every weight once."""

import numpy as np
import pytest
import torch
from torch import nn

from hilum.core.errors import HilumError
from hilum.models.backbone import build_network
from hilum.models.heads import build_head
from hilum.models.networks import NetworkScorer, build_whole, reset_first_conv, whole_from_state
from hilum.models.registry import BACKBONES, backbone
from hilum.models.weights import RANDOM, find, state_sha256
from normalisation import normalised_by_hand

SIZE_PX = 64
FILMS = np.random.default_rng(0).integers(0, 256, (3, SIZE_PX, SIZE_PX), dtype=np.uint8)


def library_network(name: str) -> nn.Module:
    """The library's own network with its classifier replaced in the library's own way."""
    b = backbone(name)
    net, head = build_network(b, RANDOM, seed=3), build_head(b, 4, seed=3)
    if name.startswith("resnet"):
        net.fc = head
    elif name == "squeezenet1_0":
        net.classifier = nn.Sequential(nn.Dropout(0.5), head.conv, nn.ReLU(), nn.AdaptiveAvgPool2d((1, 1)))
    else:
        net.classifier = head
    return net.eval()


@pytest.mark.parametrize("name", sorted(name for name, b in BACKBONES.items() if not b.from_scratch))
def test_logits_are_the_librarys_with_the_classifier_replaced(name: str) -> None:
    network = build_whole(backbone(name), RANDOM, 4, (SIZE_PX, SIZE_PX), seed=3)
    with torch.inference_mode():
        expected = library_network(name)(normalised_by_hand(FILMS, name))
    got = NetworkScorer(network).logits(FILMS, batch=3)
    assert got.shape == (3, 4)
    assert float((got - expected).abs().max()) <= 1e-4 * max(1.0, float(expected.abs().max()))


def figure_14(height: int, width: int) -> nn.Module:
    """As the figure draws it, layer by layer."""
    rows, columns = (height - 2) // 2, (width - 2) // 2
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.ReLU(), nn.MaxPool2d(2, 2), nn.Flatten(),
        nn.Linear(8 * rows * columns, 968), nn.Linear(968, 32), nn.Linear(32, 4),
    )  # fmt: skip


@pytest.mark.parametrize("size", [(244, 244), (64, 64), (65, 48)])
def test_the_cnn_is_figure_14s(size: tuple[int, int]) -> None:
    with torch.device("meta"):
        drawn = figure_14(*size)
    network = build_whole(backbone("cnn"), RANDOM, 4, size, seed=1)
    assert [tuple(p.shape) for p in network.parameters()] == [tuple(p.shape) for p in drawn.parameters()]
    if size == (244, 244):
        assert network.head[0].in_features == 117128
        assert sum(p.numel() for p in network.parameters()) == 113_412_236


def test_the_cnn_computes_what_figure_14_does() -> None:
    network = build_whole(backbone("cnn"), RANDOM, 4, (SIZE_PX, SIZE_PX), seed=1)
    drawn = figure_14(SIZE_PX, SIZE_PX)
    drawn.load_state_dict(dict(zip(drawn.state_dict(), network.state_dict().values(), strict=True)))
    with torch.inference_mode():
        expected = drawn(normalised_by_hand(FILMS, "cnn"))
    assert torch.allclose(NetworkScorer(network).logits(FILMS, 3), expected, atol=1e-5)


@pytest.mark.parametrize("name", sorted(BACKBONES))
def test_every_weight_is_in_one_stage_from_input_to_head(name: str) -> None:
    network = build_whole(backbone(name), RANDOM, 4, (SIZE_PX, SIZE_PX), seed=1)
    found = network.stages()
    names = [n for weights in found.values() for n in weights]
    assert sorted(names) == sorted(n for n, _ in network.named_parameters())
    assert names == [n for n, _ in network.named_parameters()]  # the libraries register them in order
    assert list(found)[-1] == "head"
    assert all(found.values())
    assert len(found) == {"squeezenet1_0": 5, "densenet121": 6, "cnn": 2}.get(
        name, 6 if "resnet" in name or "covid_net" in name else 10
    )


@pytest.mark.parametrize("name", sorted(BACKBONES))
def test_a_stored_state_gives_the_same_network(name: str) -> None:
    network = build_whole(backbone(name), RANDOM, 4, (SIZE_PX, SIZE_PX), seed=2)
    state = {k: v.numpy() for k, v in network.state_dict().items()}
    again = whole_from_state(backbone(name), 4, state)
    assert state_sha256(again) == state_sha256(network)
    expected = NetworkScorer(network).logits(FILMS, 4)
    assert torch.equal(NetworkScorer(again).logits(FILMS, 4), expected)
    assert torch.equal(NetworkScorer(again).logits(FILMS[2:], 4), expected[2:])  # whoever shares the batch
    with pytest.raises(HilumError, match=f"does not fit {name} with 5 classes"):
        whole_from_state(backbone(name), 5, state)


@pytest.mark.parametrize("name", sorted(BACKBONES))
def test_shape_of_features(name: str) -> None:
    network = build_whole(backbone(name), RANDOM, 4, (SIZE_PX, SIZE_PX), seed=1)
    with torch.inference_mode():
        features = network.eval().body(normalised_by_hand(FILMS, name))
    assert network.feature_shape(SIZE_PX, SIZE_PX) == features.shape[1:]


def test_only_the_first_convolution_is_drawn_anew() -> None:
    network = build_whole(backbone("densenet121"), RANDOM, 4, (SIZE_PX, SIZE_PX), seed=1)
    before = {k: v.clone() for k, v in network.state_dict().items()}
    reset_first_conv(network, seed=9)
    moved = [k for k, v in network.state_dict().items() if not torch.equal(v, before[k])]
    assert moved == ["body.net.conv0.weight"]
    drawn = network.state_dict()["body.net.conv0.weight"].clone()
    reset_first_conv(network, seed=9)
    assert torch.equal(network.state_dict()["body.net.conv0.weight"], drawn)


def test_random_weights_follow_from_the_seed_alone_and_published_ones_are_loaded() -> None:
    size = (SIZE_PX, SIZE_PX)
    torch.manual_seed(1)
    first = state_sha256(build_whole(backbone("cnn"), RANDOM, 4, size, seed=1))
    torch.manual_seed(2)
    assert state_sha256(build_whole(backbone("cnn"), RANDOM, 4, size, seed=1)) == first
    assert state_sha256(build_whole(backbone("cnn"), RANDOM, 4, size, seed=2)) != first
    lite0 = backbone("tf_efficientnet_lite0")
    weights = find(lite0)
    network = build_whole(lite0, weights, 4, size, seed=1)
    published = build_network(lite0, weights).state_dict()
    assert torch.equal(network.state_dict()["body.net.conv_stem.weight"], published["conv_stem.weight"])
