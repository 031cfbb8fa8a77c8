"""A predictor is of the weights that its bundle was trained on, and of no others."""

from pathlib import Path

import pytest

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.header import Header
from hilum.augment.presets import preset
from hilum.core.errors import DigestError
from hilum.inference.predictor import Predictor
from hilum.models.backbone import build_network
from hilum.models.heads import build_head
from hilum.models.registry import backbone
from hilum.models.weights import RANDOM, state_sha256


def bundle(folder: Path, seed: int) -> Path:
    """A head on random weights drawn from seed 1; `seed` is what the bundle says of them."""
    b = backbone("squeezenet1_0")
    weights = {"choice": "none", "sha256": None, "source": "random weights", "seed": seed}
    Bundle(
        ("covid", "normal"), "covid", b.name, weights, state_sha256(build_network(b, RANDOM, 1)), "fp32", 4,
        preset("baseline", 48).to_dict(), b.head, {"threshold": 0.5}, {"temperature": 1.0}, {},
    ).write(folder, Header("bundle"), {k: v.numpy() for k, v in build_head(b, 2, 3).state_dict().items()})  # fmt: skip
    return folder


def test_the_backbones_weights_are_those_that_the_head_was_trained_on(tmp_path: Path) -> None:
    assert Predictor(bundle(tmp_path / "right", 1)).bundle.positive == "covid"
    with pytest.raises(DigestError, match="it was made from backbone weights"):
        Predictor(bundle(tmp_path / "other", 2))
