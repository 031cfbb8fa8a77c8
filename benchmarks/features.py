"""Feature extraction against the library's eager fp32 loop, taking turns, the same batch of films; and what feeds it.

python benchmarks/features.py --json features.json
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import name_machine
from turns import Pair, measured

from hilum.augment.presets import preset
from hilum.core.seeding import generator
from hilum.models.backbone import FrozenBackbone, build_network
from hilum.models.machine import choose_device, exact_arithmetic, keep_memory, measure_precision
from hilum.models.registry import BACKBONES
from hilum.models.weights import RANDOM

SIZE_PX = 244
FROZEN = [name for name, b in BACKBONES.items() if b.library != "hilum"]
"""What can be frozen: not the network that is only trained as a whole."""


def pair(name: str, precision: str, device: str, size_px: int, n_films: int = 0, turns: int = 3) -> Pair:
    """A network on the same films: hilum's frozen backbone beside the library's eager fp32 loop in batches of 32."""
    b = BACKBONES[name]
    batch = 16 if device == "cpu" else 256
    n = n_films or 2 * max(batch, 32)
    films = generator(1, "films").integers(0, 256, (n, size_px, size_px), dtype=np.uint8)
    net = build_network(b, RANDOM).to(device)
    x = torch.from_numpy(films).float()[:, None].expand(-1, 3, -1, -1).contiguous() / 255
    ours = FrozenBackbone(b, RANDOM, 0, "bf16" if precision == "bf16" else "fp32", device)

    def done() -> None:
        if device == "cuda":
            torch.cuda.synchronize()

    def eager() -> None:
        with torch.inference_mode():
            for k in range(0, n, 32):
                net(x[k : k + 32].to(device))
        done()

    def hilum() -> None:
        for k in range(0, n, batch):
            ours.features(films[k : k + batch], batch)
        done()

    words = f"hilum: {precision}, normalisation included, up to the tap; {b.library}: fp32, films ready as floats, to the last layer"
    return Pair(f"features of {name}, {n} films", f"{b.library} eager", hilum, eager, words, turns)


def pairs(size_px: int, n_films: int) -> Iterator[Pair]:
    """Every network, with the allocator that hilum sets on both sides: it is the whole process's."""
    exact_arithmetic()
    keep_memory()
    device = choose_device()
    precision, _ = measure_precision(device)
    for name in FROZEN:
        yield pair(name, precision, device, size_px, n_films)


def measure(name: str, precision: str, device: str, rounds: int, size_px: int) -> dict[str, float]:
    """Films a second of both, the median of the rounds' ratios."""
    both = pair(name, precision, device, size_px)
    n, row = int(both.name.split()[-2]), measured(both, rounds)
    return {
        "eager_films_per_s": n / row["rival_s"],
        "hilum_films_per_s": n / row["hilum_s"],
        "ratio": row["ratio"],
    }


def feeding(rounds: int = 200) -> float:
    """Prepared films a second on one core, from pixels: what the backbone waits for."""
    film = generator(1, "film").integers(0, 256, (299, 299), dtype=np.uint8)
    pipeline = preset("crop")
    pipeline.deterministic(film)
    start = time.perf_counter()
    for k in range(rounds):
        pipeline.apply(film, pipeline.draw(k, "0" * 64, 0, "train", *film.shape))
    return rounds / (time.perf_counter() - start)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--allocator",
        choices=["kept", "default"],
        default="kept",
        help="default: the eager loop's allocator as torch finds it",
    )
    parser.add_argument("--backbones", nargs="+", choices=FROZEN, default=FROZEN)
    parser.add_argument("--size-px", type=int, default=SIZE_PX)
    parser.add_argument("--json", type=Path)
    a = parser.parse_args()
    device = choose_device()
    exact_arithmetic()
    if a.allocator == "kept":
        keep_memory()
    precision, _ = measure_precision(device)
    result: dict[str, Any] = {
        "machine": name_machine(),
        "precision": precision,
        "allocator": a.allocator,
        "feeding_films_per_s": feeding(),
    }
    print(
        f"{result['machine']}; precision {precision}; one core prepares {result['feeding_films_per_s']:.0f} films/s"
    )
    print(f"{'backbone':<24}{'eager fp32':>12}{'hilum':>12}{'ratio':>8}   films/s")
    for name in a.backbones:
        r = result[name] = measure(name, precision, device, a.rounds, a.size_px)
        print(
            f"{name:<24}{r['eager_films_per_s']:>12.1f}{r['hilum_films_per_s']:>12.1f}{r['ratio']:>8.2f}",
            flush=True,
        )
    if a.json:
        a.json.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
