"""The films that tell a backbone in whole numbers what its activations reach: films of training, in every trial of every cell of the study.

So no film that is ever held out has a say in the numbers, though all trials share the features. Which films these are is in the features'
key; what they tell is kept beside the features and goes into the bundles.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from hilum.artifacts.drawn_films import HELD_OUT
from hilum.artifacts.features import RANGES, FeatureRows, FeatureStore
from hilum.artifacts.header import Header, checked, read_object, write_json
from hilum.core.errors import InputError
from hilum.core.files import lock
from hilum.models.feature_engine import FeatureEngine
from hilum.models.onnx_backbone import activation_ranges
from hilum.models.registry import backbone
from hilum.workflow.plan import FeaturesOf
from hilum.workflow.state import Run

RANGE_FILMS: Final = 64
LEAST: Final = 16
"""Prepared films that are asked, at most and at least."""
_KIND: Final = "ranges"


def with_ranges(run: Run, which: FeaturesOf, engine: FeatureEngine, store: FeatureStore) -> FeatureEngine:
    """An engine in whole numbers with what its films tell, which the store of its features keeps.

    Raises:
        InputError: As `films_of_ranges`.
    """
    path = store.folder / RANGES
    with lock(store.lock_path("ranges")):
        if not path.exists():
            b, (height, width) = backbone(which.backbone), store.spec.size_px
            films = FeatureRows(run.prepared.locations(films_of_ranges(run, which))).take(slice(None))
            ranges = activation_ranges(b, run.weights[which], run.study.seed, (height, width), films)
            write_json(
                path, {"header": Header(_KIND, inputs={"features": store.spec.digest}), "ranges": ranges}
            )
    return replace(
        engine, ranges=checked(read_object(path).get("ranges"), dict[str, tuple[float, float]], path)
    )


def films_of_ranges(run: Run, which: FeaturesOf) -> list[str]:
    """Digests of the prepared films: of those that a backbone sees in training and that no trial holds out the first by digest.

    Raises:
        InputError: They are fewer than `LEAST`.
    """
    held_out = {f.image_id for drawn in run.drawn.values() for part in HELD_OUT for f in drawn.parts[part]}
    wanted = {r.draw(n) for r in run.recipes if r.features_of == which for n in run.draws.trials}
    found = {
        f.pixels_sha256
        for draw, drawn in run.drawn.items()
        if draw in wanted
        for f in drawn.parts["train"]
        if f.image_id not in held_out
    }
    if len(found) < LEAST:
        raise InputError(
            f"features.engine 'onnx-int8': expected at least {LEAST} prepared films of training that no trial holds out, got {len(found)}; "
            "take more films, fewer trials, or another engine"
        )
    return sorted(found)[:RANGE_FILMS]
