"""Feature extraction against the library's eager fp32 loop, taking turns, the same batch of films; beside ONNX Runtime, a matrix product
that stands for the peak, and what feeds it.

A share of the peak is two operations a multiply-add (`hilum.models.cost`), times films a second, by the operations a second of a product of
large squares. It is given of the clock, and of processor seconds, which other work on the machine disturbs less.

python benchmarks/features.py --json features.json
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import name_machine

from hilum.augment.presets import preset
from hilum.core.seeding import generator
from hilum.models.backbone import FrozenBackbone, Precision, Tap, build_network
from hilum.models.cost import multiply_adds
from hilum.models.feature_engine import not_at_hand
from hilum.models.machine import choose_device, exact_arithmetic, keep_memory, measure_precision
from hilum.models.onnx_backbone import OnnxBackbone
from hilum.models.registry import BACKBONES
from hilum.models.weights import RANDOM, plain_network

SIZE_PX = 244
FROZEN = [name for name, b in BACKBONES.items() if b.library != "hilum"]
"""What can be frozen: not the network that is only trained as a whole."""


SQUARE = 2048
"""Side of the matrices of the peak."""
Seconds = tuple[float, float]
"""Of the clock, and of processors."""


def seconds(work: Callable[[], Any], device: str) -> Seconds:
    """Seconds of one call."""
    start, busy = time.perf_counter(), time.process_time()
    work()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start, time.process_time() - busy


def product(device: str) -> Callable[[], Any]:
    """A product of two large squares in single precision."""
    a, b = (torch.rand(SQUARE, SQUARE, device=device) for _ in range(2))
    return lambda: a @ b


def operations(name: str, size_px: int) -> int:
    """Operations of one film through a frozen backbone, up to its tap."""
    b = BACKBONES[name]
    with torch.device("meta"):
        tap, film = Tap(plain_network(b), b), torch.empty(1, len(b.mean), size_px, size_px)
    return 2 * multiply_adds(tap, film)


def measure(name: str, precision: str, device: str, rounds: int, size_px: int) -> dict[str, Any]:
    """Films a second of all, the median of the rounds' ratios to the eager loop, and shares of the peak."""
    b = BACKBONES[name]
    batch = 16 if device == "cpu" else 256
    films = generator(1, "films").integers(0, 256, (2 * max(batch, 32), size_px, size_px), dtype=np.uint8)
    net = build_network(b, RANDOM).to(device)
    x = torch.from_numpy(films).float()[:, None].expand(-1, 3, -1, -1).contiguous() / 255
    ours = FrozenBackbone(b, RANDOM, 0, "bf16" if precision == "bf16" else "fp32", device)

    def eager() -> None:
        with torch.inference_mode():
            for k in range(0, len(films), 32):
                net(x[k : k + 32].to(device))

    def hilum(kind: Precision) -> None:
        for k in range(0, len(films), batch):
            ours.features(films[k : k + batch], batch, kind)

    works: dict[str, Callable[[], Any]] = {"eager": eager, "hilum": lambda: hilum(ours.precision)}
    if ours.precision == "bf16":
        works["torch_fp32"] = lambda: hilum("fp32")
    if not not_at_hand(device):
        graph = OnnxBackbone(b, RANDOM, 0, (size_px, size_px))
        works["onnx"] = lambda: graph.features(films)
    peak = product(device)
    turns: dict[str, list[Seconds]] = {k: [] for k in (*works, "peak")}
    for warm in (*works.values(), peak):
        warm()
    for _ in range(rounds):
        for k, work in (*works.items(), ("peak", peak)):
            turns[k].append(seconds(work, device))
    found: dict[str, Any] = {}
    n, each, cores = len(films), operations(name, size_px), torch.get_num_threads()
    # the peak of a turn that nothing disturbed
    clock, busy = (min(t[k] for t in turns["peak"]) for k in (0, 1))
    found["peak_gflops"], found["operations_a_film"] = 2 * SQUARE**3 / clock / 1e9, each
    for k in works:
        took = [statistics.median(t[c] for t in turns[k]) for c in (0, 1)]
        found[f"{k}_films_per_s"] = n / took[0]
        found[f"{k}_films_per_processor_s"] = n / took[1]
        found[f"{k}_share_of_peak"] = n * each / took[0] / (2 * SQUARE**3 / clock)
        found[f"{k}_share_of_peak_by_processor_s"] = n * each / took[1] / (2 * SQUARE**3 / busy)
    pairs = zip(turns["eager"], turns["hilum"], strict=True)
    found["ratio"], found["cores"] = statistics.median(e[0] / h[0] for e, h in pairs), cores
    return found


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
    print(
        f"{'backbone':<24}{'engine':<12}{'films/s':>9}{'of peak':>9}{'films/processor s':>19}{'of peak':>9}"
    )
    for name in a.backbones:
        r = result[name] = measure(name, precision, device, a.rounds, a.size_px)
        for k in ("eager", "hilum", "torch_fp32", "onnx"):
            if f"{k}_films_per_s" in r:
                print(
                    f"{name:<24}{k:<12}{r[f'{k}_films_per_s']:>9.1f}{r[f'{k}_share_of_peak']:>9.2f}"
                    f"{r[f'{k}_films_per_processor_s']:>19.1f}{r[f'{k}_share_of_peak_by_processor_s']:>9.2f}",
                    flush=True,
                )
        print(f"{name:<24}ratio {r['ratio']:.2f}, peak {r['peak_gflops']:.0f} GFLOP/s", flush=True)
    if a.json:
        a.json.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
