"""How long a heat map takes, beside the film's prediction and beside captum with its defaults on the same network.

    python benchmarks/explain.py [--backbone squeezenet1_0] [--bundle FOLDER] [--size 244] [--rounds 3] [--json FILE]

Without a bundle the weights are random, which makes no difference to the time. The film is noise over a smooth field. Rounds take hilum and
captum in turn; given are medians of wall and of processor seconds, since others may use the machine (load_before).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from captum.attr import IntegratedGradients, LayerGradCam, Lime, Occlusion
from machine import name_machine
from turns import Pair

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.header import Header
from hilum.augment.presets import preset
from hilum.core.seeding import generator
from hilum.explain.methods import METHODS, heat_map
from hilum.explain.network import Explained, explained
from hilum.explain.perturbed import patches
from hilum.models.backbone import build_network
from hilum.models.heads import build_head
from hilum.models.machine import keep_memory
from hilum.models.registry import backbone
from hilum.models.weights import RANDOM, state_sha256


def random_bundle(folder: Path, name: str, size_px: int) -> Path:
    """A bundle of random weights."""
    b = backbone(name)
    weights = {"choice": "none", "sha256": None, "source": "random weights", "seed": 0}
    state = state_sha256(build_network(b, RANDOM, 0))
    Bundle(
        ("covid", "normal"), "covid", name, weights, state, "fp32", 16, preset("baseline", size_px).to_dict(), b.head, {"threshold": 0.5},
        {}, {},
    ).write(folder, Header("bundle"), {k: v.numpy() for k, v in build_head(b, 2, 0).state_dict().items()})  # fmt: skip
    return folder


def film(size_px: int) -> np.ndarray:
    """Noise over a smooth field."""
    rng = generator(0, "benchmark of explanations")
    field = np.kron(rng.integers(40, 200, (4, 4)), np.ones((-(-size_px // 4),) * 2))[:size_px, :size_px]
    return np.clip(field + rng.normal(0, 9, field.shape), 0, 255).astype(np.uint8)


def plainly(model: Explained, pixels: np.ndarray, target: int) -> dict[str, Callable[[], Any]]:
    """Captum's own way with its own batches: method -> the call. RISE and LayerCAM it does not have."""
    x, net = model.tensor(pixels), model.net
    blank = torch.full_like(x, float(x.mean()))
    window, stride = (METHODS["occlusion"].options[k] for k in ("window_px", "stride_px"))
    lime = METHODS["lime"].options
    return {
        "grad-cam": lambda: LayerGradCam(net, model.layer).attribute(x, target),
        "integrated-gradients": lambda: IntegratedGradients(net).attribute(x, blank, target),
        "occlusion": lambda: Occlusion(net).attribute(
            x, (1, window, window), (1, stride, stride), blank, target
        ),
        "lime": lambda: Lime(net).attribute(
            x, blank, target, feature_mask=patches(x, lime["patches"]), n_samples=lime["samples"]
        ),
    }


def pairs(name: str, size_px: int, methods: Sequence[str]) -> Iterator[Pair]:
    """Each method on one film of a network with random weights, beside captum's own call."""
    keep_memory()
    with tempfile.TemporaryDirectory() as temporary:
        model = explained(random_bundle(Path(temporary), name, size_px))
    pixels = film(size_px)
    target = int(model.probabilities(pixels).argmax())
    theirs = plainly(model, pixels, target)
    words = "the same network, film and numbers of steps, parts and samples; hilum in its own batches, captum in its defaults"
    for method in methods:
        short = method == "grad-cam"

        def ours(method: str = method, n: int = 10 if short else 1) -> None:
            for _ in range(n):
                heat_map(model, pixels, target, method)

        def other(call: Callable[[], Any] = theirs[method], n: int = 10 if short else 1) -> None:
            for _ in range(n):
                call()

        yield Pair(f"map by {method}, {name}", "captum plain", ours, other, words, 3, warm=short)


def taken(call: Callable[[], Any]) -> tuple[float, float]:
    """Wall and processor seconds of a call."""
    wall, processor = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - processor


def main() -> None:
    """Measure, print a table, write JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbone", default="squeezenet1_0")
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--size", type=int, default=244)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    load = os.getloadavg()[0]
    keep_memory()
    with tempfile.TemporaryDirectory() as temporary:
        model = explained(asked.bundle or random_bundle(Path(temporary), asked.backbone, asked.size))
    pixels = film(asked.size)
    target = int(model.probabilities(pixels).argmax())
    model.require_same(pixels)
    theirs = plainly(model, pixels, target)

    def predict() -> None:
        with torch.inference_mode():
            model.net(model.tensor(pixels))

    calls: dict[str, Callable[[], Any]] = {"prediction": predict}
    for method in asked.methods:
        calls[method] = lambda method=method: heat_map(model, pixels, target, method)
        if method in theirs:
            calls[f"{method}, captum"] = theirs[method]
    for name in ("prediction", "grad-cam"):  # what comes first is slower
        calls.get(name, predict)()
    found = {name: [] for name in calls}
    for _ in range(asked.rounds):
        for name, call in calls.items():
            several = 5 if name.startswith(("prediction", "grad-cam")) else 1
            found[name] += [taken(call) for _ in range(several)]
    seconds = {name: [statistics.median(v) for v in zip(*of, strict=True)] for name, of in found.items()}
    once = seconds["prediction"]
    rows = []
    for method in asked.methods:
        ours, other = seconds[method], seconds.get(f"{method}, captum")
        rows.append(
            {
                "method": method,
                "wall_s": round(ours[0], 3),
                "processor_s": round(ours[1], 3),
                "predictions": round(ours[1] / once[1], 2),
                "captum_wall_s": round(other[0], 3) if other else None,
                "captum_processor_s": round(other[1], 3) if other else None,
                "ratio": round(other[1] / ours[1], 2) if other else None,
            }
        )
        print(rows[-1])
    if asked.json:
        value = {
            "machine": name_machine(), "load_before": round(load, 2), "threads": torch.get_num_threads(), "backbone": model.bundle.backbone,
            "size_px": asked.size, "prediction_wall_s": round(once[0], 4), "prediction_processor_s": round(once[1], 4), "rows": rows,
        }  # fmt: skip
        asked.json.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
