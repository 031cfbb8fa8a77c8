"""ONNX Runtime gives torch's features, in whatever groups and by however many workers they are asked for."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.core.errors import InputError
from hilum.models import onnx_backbone, onnx_graph
from hilum.models.backbone import FrozenBackbone
from hilum.models.onnx_backbone import TOLERANCE, OnnxBackbone, activation_ranges
from hilum.models.onnx_graph import PixelTable
from hilum.models.registry import BACKBONES, backbone
from hilum.models.weights import RANDOM
from needs import needed_module
from normalisation import normalised_by_hand

SIZE_PX = (48, 48)
FILMS = np.random.default_rng(0).integers(0, 256, (6, *SIZE_PX), dtype=np.uint8)
OTHERS = sorted(n for n, b in BACKBONES.items() if not b.from_scratch and n != "squeezenet1_0")


def network(name: str = "squeezenet1_0", workers: int | None = None) -> OnnxBackbone:
    needed_module("onnxruntime")
    return OnnxBackbone(backbone(name), RANDOM, 3, SIZE_PX, workers)


def agrees(name: str) -> None:
    """Film by film, as the tolerance is said."""
    b, ours = backbone(name), network(name)
    torchs = FrozenBackbone(b, RANDOM, seed=3)
    expected = torchs.features(FILMS, batch=6).flatten(1)
    got = ours.features(FILMS).flatten(1)
    allowed = TOLERANCE["map" if b.spatial else "vector"]
    apart = (got - expected).abs().amax(1) / expected.abs().amax(1)
    assert got.dtype == torch.float32
    assert float(apart.max()) <= allowed
    assert ours.difference <= allowed
    assert ours.state_sha256 == torchs.state_sha256


def test_features_are_torchs_within_the_stated_tolerance() -> None:
    agrees("squeezenet1_0")


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_features_of_the_others_are_too(name: str) -> None:
    agrees(name)


@settings(max_examples=12, deadline=None)
@given(order=st.permutations(range(6)), cut=st.integers(1, 6), workers=st.integers(1, 4))
def test_a_film_has_the_same_bits_in_any_group_and_order_and_by_any_number_of_workers(
    order: list[int], cut: int, workers: int
) -> None:
    expected = network(workers=1).features(FILMS)[order]
    some = network(workers=workers)
    got = torch.cat([some.features(FILMS[order][k : k + cut]) for k in range(0, 6, cut)])
    assert torch.equal(got, expected)


def test_a_graph_that_says_something_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    network()  # the packages are there
    monkeypatch.setattr(onnx_backbone, "TOLERANCE", {"map": 0.0})
    with pytest.raises(
        InputError,
        match=r"the features of squeezenet1_0 in ONNX Runtime differ from torch's by .* use the engine torch",
    ):
        OnnxBackbone(backbone("squeezenet1_0"), RANDOM, 4, SIZE_PX)


def test_a_network_that_cannot_be_a_graph_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    network()

    def fails(*_: object) -> None:
        raise RuntimeError("an operation that has no graph")

    monkeypatch.setattr(onnx_backbone, "write_graph", fails)
    with pytest.raises(
        InputError,
        match=r"squeezenet1_0 cannot be made a graph of ONNX \(RuntimeError\); use the engine torch",
    ):
        OnnxBackbone(backbone("squeezenet1_0"), RANDOM, 5, SIZE_PX)


def test_films_of_another_size_and_networks_that_are_trained_whole_are_refused() -> None:
    with pytest.raises(InputError, match=r"takes films of \(48, 48\) px, got \(64, 64\)"):
        network().features(np.zeros((1, 64, 64), np.uint8))
    with pytest.raises(InputError, match="cnn is trained from scratch"):
        OnnxBackbone(backbone("cnn"), RANDOM, 3, SIZE_PX)


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_graph, "find_spec", lambda name: None if name == "onnxscript" else name)
    with pytest.raises(InputError, match=r"needs the package onnxscript: pip install 'hilum\[onnx\]'"):
        OnnxBackbone(backbone("squeezenet1_0"), RANDOM, 3, SIZE_PX)


def test_the_table_of_pixels_is_the_arithmetic() -> None:
    """Of torch, which is written by hand in `normalisation`."""
    b = backbone("squeezenet1_0")
    assert np.allclose(
        PixelTable(b.mean, b.std)(FILMS), normalised_by_hand(FILMS, b.name).numpy(), rtol=0, atol=1e-6
    )


def test_whole_numbers_follow_from_the_ranges_of_films() -> None:
    """The least and the largest value of the features are those of torch's, and a film has the same bits in any group and order."""
    needed_module("onnxruntime")
    b = backbone("squeezenet1_0")
    ranges = activation_ranges(b, RANDOM, 3, SIZE_PX, FILMS)
    expected = FrozenBackbone(b, RANDOM, seed=3).features(FILMS, batch=6)
    low, high = ranges["features"]
    assert low == pytest.approx(float(expected.min()), abs=1e-4)
    assert high == pytest.approx(float(expected.max()), rel=1e-4)
    whole = OnnxBackbone(b, RANDOM, 3, SIZE_PX, ranges=ranges)
    assert whole.engine == "onnx-int8"
    got = whole.features(FILMS)
    apart = float((got - expected).abs().max() / expected.abs().max())
    assert 1e-4 < apart < 0.1  # 8 bits after eight modules; random weights
    order = [3, 0, 5, 1, 2, 4]
    assert torch.equal(OnnxBackbone(b, RANDOM, 3, SIZE_PX, 1, ranges).features(FILMS[order]), got[order])
