"""Frozen backbones on the same films, beside the library's own network as it comes: rows of `make bench`.

`features.py` measures more of the same, at larger sizes and on GPUs.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from features import FROZEN
from turns import Pair

from hilum.core.seeding import generator
from hilum.models.backbone import FeatureNetwork, Precision, build_network
from hilum.models.feature_engine import (
    TORCH,
    FeatureEngine,
    faster,
    load_features,
    measure,
    not_at_hand,
    onnx_engine,
)
from hilum.models.machine import choose_device, exact_arithmetic, keep_memory, measure_precision
from hilum.models.registry import BACKBONES, Backbone
from hilum.models.weights import RANDOM


def engine_of(b: Backbone, precision: Precision, device: str, size_px: int) -> FeatureEngine:
    """What `features.engine = "auto"` takes here for a study of thousands of films."""
    if not_at_hand(device) or faster(measure(b, precision, (size_px, size_px))) == "torch":
        return TORCH
    return onnx_engine("onnx", "measured faster")


def pairs(size_px: int, n_films: int) -> Iterator[Pair]:
    """Every network: hilum's frozen backbone by the engine that is the faster here, beside the eager fp32 loop in batches of 32, both with
    the allocator that hilum sets."""
    exact_arithmetic()
    keep_memory()
    device = choose_device()
    precision, _ = measure_precision(device)
    batch = 16 if device == "cpu" else 256
    films = generator(1, "films").integers(0, 256, (n_films, size_px, size_px), dtype=np.uint8)
    x = torch.from_numpy(films).float()[:, None].expand(-1, 3, -1, -1).contiguous() / 255
    for name in FROZEN:
        b = BACKBONES[name]
        engine = engine_of(b, precision, device, size_px)
        net = build_network(b, RANDOM).to(device)
        ours = load_features(engine, b, RANDOM, 0, precision, device, (size_px, size_px))

        def eager(net: torch.nn.Module = net) -> None:
            with torch.inference_mode():
                for k in range(0, n_films, 32):
                    net(x[k : k + 32].to(device)).cpu()

        def hilum(ours: FeatureNetwork = ours) -> None:
            step = max(batch, ours.at_once)
            for k in range(0, n_films, step):
                ours.features(films[k : k + step], batch).cpu()

        words = (
            f"hilum: {engine.words}, {engine.precision(precision)}, normalisation included, up to the tap; "
        )
        words += f"{b.library}: fp32, films ready as floats, to the last layer"
        yield Pair(f"features of {name}, {n_films} films", f"{b.library} eager", hilum, eager, words, 3)
