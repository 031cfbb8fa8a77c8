"""A predictor is of the weights that its bundle was trained on, and of no others."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.header import Header
from hilum.augment.presets import preset
from hilum.core.errors import DigestError
from hilum.inference.predictor import Predictor
from hilum.models.backbone import build_network
from hilum.models.heads import build_head
from hilum.models.registry import backbone
from hilum.models.weights import RANDOM, state_sha256


def bundle(folder: Path, seed: int, threshold: float = 0.5) -> Path:
    """A head on random weights drawn from seed 1; `seed` is what the bundle says of them."""
    b = backbone("squeezenet1_0")
    weights = {"choice": "none", "sha256": None, "source": "random weights", "seed": seed}
    Bundle(
        ("normal", "covid"), "covid", b.name, weights, state_sha256(build_network(b, RANDOM, 1)), "fp32", 4,
        preset("baseline", 48).to_dict(), b.head, {"threshold": threshold}, {"temperature": 1.0}, {},
    ).write(folder, Header("bundle"), {k: v.numpy() for k, v in build_head(b, 2, 3).state_dict().items()})  # fmt: skip
    return folder


def test_the_backbones_weights_are_those_that_the_head_was_trained_on(tmp_path: Path) -> None:
    assert Predictor(bundle(tmp_path / "right", 1)).bundle.positive == "covid"
    with pytest.raises(DigestError, match="it was made from backbone weights"):
        Predictor(bundle(tmp_path / "other", 2))


def test_a_film_is_positive_from_the_threshold_on_of_the_positive_class(tmp_path: Path) -> None:
    data = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 60), np.uint8)).save(data, "PNG")
    film = [("film", data.getvalue())]
    (scored,) = Predictor(bundle(tmp_path / "a", 1)).score(film)
    assert scored.probabilities is not None
    at = float(scored.probabilities[1])
    assert abs(at - 0.5) > 0.001
    for name, threshold, positive in (("b", at, True), ("c", float(np.nextafter(at, 1)), False)):
        (again,) = Predictor(bundle(tmp_path / name, 1, threshold)).score(film)
        assert again.positive is positive
