"""Bundles of small random networks, to be explained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.header import Header
from hilum.augment.presets import preset
from hilum.models.backbone import build_network
from hilum.models.heads import build_head
from hilum.models.networks import WholeNetwork, build_whole
from hilum.models.registry import Backbone, backbone
from hilum.models.weights import RANDOM, state_sha256

CLASSES = ("covid", "normal")


def random_bundle(folder: Path, name: str, size_px: int = 64, network: str = "frozen") -> Path:
    """A bundle of a backbone and a head of random weights; ``whole`` as if the network had been trained end to end."""
    b = backbone(name)
    if network == "whole":
        return trained_bundle(folder, build_whole(b, RANDOM, 2, (size_px, size_px), 1), size_px)
    state = build_head(b, 2, 3).state_dict()
    return _written(folder, b, size_px, state, state_sha256(build_network(b, RANDOM, 1)), "frozen")


def trained_bundle(folder: Path, network: WholeNetwork, size_px: int) -> Path:
    """A bundle of a network that was trained end to end."""
    return _written(folder, network.b, size_px, network.state_dict(), state_sha256(network), "whole")


def _written(folder: Path, b: Backbone, size_px: int, state, sha256: str, network: str) -> Path:
    weights = {"choice": "none", "sha256": None, "source": "random weights", "seed": 1}
    Bundle(
        CLASSES, "covid", b.name, weights, sha256, "fp32", 4, preset("baseline", size_px).to_dict(), b.head, {"threshold": 0.5}, {}, {},
        network=network,
    ).write(folder, Header("bundle"), {k: v.detach().contiguous().numpy() for k, v in state.items()})  # fmt: skip
    return folder


def film(size_px: int = 64, seed: int = 0) -> NDArray[np.uint8]:
    """Noise with a bright square, uint8."""
    pixels = np.random.default_rng(seed).integers(0, 90, (size_px, size_px))
    pixels[size_px // 4 : size_px // 2, size_px // 4 : size_px // 2] += 120
    return pixels.astype(np.uint8)
