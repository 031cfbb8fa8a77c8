"""What computes frozen features: torch, or ONNX Runtime on a CPU; and which of both a kind of machine is faster with.

In whole numbers of 8 bits (``onnx-int8``) ONNX Runtime is taken only by name: that is no longer torch's network.

Measured are processor seconds of one core, both in turn, the least of several rounds: other work on the machine and the number of cores
then make no difference to the choice. What is chosen is part of the key of features and runs unless it is torch.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, Final, Literal

import numpy as np
import torch

from hilum.models.backbone import FeatureNetwork, FrozenBackbone, Precision
from hilum.models.cost import cost_of
from hilum.models.machine import keep_memory, threads
from hilum.models.onnx_backbone import INT8, OnnxBackbone, activation_ranges, check_films, onnx_versions
from hilum.models.onnx_graph import missing_onnx
from hilum.models.onnx_int8 import Ranges
from hilum.models.peaks import gemm_peak
from hilum.models.registry import Backbone
from hilum.models.weights import RANDOM, Weights

FeatureEngineName = Literal["torch", "onnx", "onnx-int8"]
MUST_GAIN: Final = 1.1
"""ONNX Runtime is chosen only where it is measured at least this many times as fast as torch."""
_ROUNDS: Final = 3
_COPIES: Final = 2
_PEAK_S: Final = 0.1
_SIDES: Final = (768, 1536)
"""How the peak of matrix products is looked for: seconds of each try, sides of the matrices."""


@dataclass(frozen=True)
class FeatureEngine:
    """What computes the features of a backbone.

    Attributes:
        name: ``torch``, ``onnx``, or ``onnx-int8``.
        version: Of ONNX Runtime; empty for torch, whose version stands beside it.
        why: Why it is this one, for people.
        ranges_of: Of whole numbers, digest of the films that told the ranges; empty as long as none did.
        ranges: What the activations reached over those films.
    """

    name: FeatureEngineName = "torch"
    version: str = ""
    why: str = ""
    ranges_of: str = ""
    ranges: Ranges = field(default_factory=dict)

    @property
    def in_key(self) -> list[str] | None:
        """As it stands in a key; None for torch, which is in none."""
        return None if self.name == "torch" else [self.name, self.version]

    @property
    def words(self) -> str:
        """With its version, for people."""
        if self.name == "torch":
            return f"torch {torch.__version__}"
        return f"ONNX Runtime {self.version}" + (" in int8" if self.name == INT8 else "")

    @property
    def facts(self) -> dict[str, Any]:
        """As a bundle has it (`Bundle.engine`); empty for torch."""
        if self.name == "torch":
            return {}
        found: dict[str, Any] = {"name": self.name, "version": self.version}
        return found | ({"ranges_of": self.ranges_of, "ranges": dict(self.ranges)} if self.ranges_of else {})

    def precision(self, of_torch: Precision) -> Precision:
        """The precision that it computes in, where torch would have `of_torch`."""
        return of_torch if self.name == "torch" else "fp32"


TORCH: Final = FeatureEngine()


def not_at_hand(device: str) -> str:
    """Why ONNX Runtime cannot compute features here; empty where it can."""
    return "the network is on a GPU" if device != "cpu" else missing_onnx()


def onnx_engine(name: FeatureEngineName, why: str) -> FeatureEngine:
    """ONNX Runtime as it is installed here.

    Raises:
        InputError: It is not.
    """
    return FeatureEngine(name, onnx_versions()["onnxruntime"], why)


def load_features(
    engine: FeatureEngine,
    b: Backbone,
    weights: Weights,
    seed: int,
    precision: Precision,
    device: str,
    size_px: tuple[int, int],
) -> FeatureNetwork:
    """A frozen backbone as an engine computes it; whole numbers without ranges have those of drawn films.

    Raises:
        InputError: As `OnnxBackbone` and `FrozenBackbone`.
    """
    if engine.name == "torch":
        return FrozenBackbone(b, weights, seed, precision, device)
    ranges = engine.ranges
    if engine.name == INT8 and not ranges:
        ranges = activation_ranges(b, weights, seed, size_px, check_films(size_px))
    return OnnxBackbone(b, weights, seed, size_px, ranges=ranges)


def measure(b: Backbone, precision: Precision, size_px: tuple[int, int]) -> dict[str, float]:
    """Processor seconds of a film through a backbone of random weights, by engine, on one core. Of ``torch`` alone where that is as fast
    as matrix products in fp32 are here at most: no graph, which would take seconds to make, can then be so much faster.

    Raises:
        InputError: The backbone cannot be made a graph, or its graph does not say what torch says.
    """
    keep_memory()
    films = np.concatenate([check_films(size_px)] * _COPIES)
    plain = FrozenBackbone(b, RANDOM, 0, precision)

    def torchs() -> None:
        plain.features(films, len(films))

    with threads(1):
        torchs()
        alone = min(_seconds(torchs) for _ in range(_ROUNDS)) / len(films)
    operations = 2 * cost_of(b.name, size_px[0], 2)["multiply_adds"]
    if precision != "fp32" and operations / alone >= gemm_peak("fp32", "cpu", 1, _PEAK_S, _SIDES).a_second:
        return {"torch": alone}
    graph = OnnxBackbone(b, RANDOM, 0, size_px, workers=1)
    works: dict[str, Callable[[], Any]] = {"torch": torchs, "onnx": lambda: graph.features(films)}
    with threads(1):
        for work in works.values():
            work()
        rounds = [{name: _seconds(work) / len(films) for name, work in works.items()} for _ in range(_ROUNDS)]
    return {name: min(r[name] for r in rounds) for name in works}


def _seconds(work: Callable[[], Any]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def faster(seconds: dict[str, float]) -> FeatureEngineName:
    """The engine to take by what `measure` found."""
    return "onnx" if "onnx" in seconds and seconds["torch"] >= MUST_GAIN * seconds["onnx"] else "torch"


def settle_key(b: Backbone, precision: Precision) -> str:
    """What a measurement holds for on one kind of machine."""
    return f"{b.name}, {precision}, torch {torch.__version__}, onnxruntime {version('onnxruntime')}"
