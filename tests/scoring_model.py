"""A model that scores: a bundle whose backbone and head were drawn and never trained. What it says of a film means nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.header import Header
from hilum.augment.presets import preset
from hilum.models.backbone import FrozenBackbone
from hilum.models.heads import build_head
from hilum.models.registry import backbone
from hilum.models.weights import find
from watched_films import write_bundle

SIDE_PX = 32


def make_model(folder: Path) -> None:
    """Write one into a folder, without a run that it came out of."""
    bundle = replace(write_bundle(folder, 0.4), preparation=preset("baseline", size_px=SIDE_PX).to_dict())
    write_scoring(folder, bundle, Bundle.described(folder)[1])


def write_scoring(folder: Path, bundle: Bundle, header: Header) -> None:
    """Write a bundle so that it scores: with a backbone of drawn weights and a head for it."""
    b = backbone(bundle.backbone)
    state = FrozenBackbone(b, find(b, "none"), 7, "fp32", "cpu").state_sha256
    head = build_head(b, len(bundle.classes), seed=0).state_dict()
    scores = replace(bundle, weights={"choice": "none", "sha256": "", "seed": 7}, state_sha256=state)
    scores.write(folder, header, {name: value.numpy() for name, value in head.items()})
