"""What the features of a backbone depend on in a run's circumstances, and what computing them wants of a machine."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version
from typing import Protocol

import torch

from hilum.artifacts.features import FeatureSpec
from hilum.core.engine import available_cores
from hilum.models.backbone import Precision
from hilum.models.feature_engine import TORCH, FeatureEngine
from hilum.models.onnx_backbone import INT8, onnx_versions
from hilum.models.registry import backbone
from hilum.workflow.workspace import Settled


class Circumstances(Protocol):
    """What features depend on beside backbone and pixels; of a run its own."""

    @property
    def precision(self) -> Precision: ...
    @property
    def batch(self) -> int: ...
    @property
    def settled(self) -> Settled: ...


def feature_spec(
    run: Circumstances, name: str, state: str, size_px: tuple[int, int], engine: FeatureEngine = TORCH
) -> FeatureSpec:
    """What the features of a backbone depend on in these circumstances."""
    b = backbone(name)
    if b.precomputed:
        return FeatureSpec(name, b.tap, state, (), (), "fp32", 0, (0, 0), "", 0, {}, "float32")
    spec = FeatureSpec(
        backbone=name, tap=b.tap, state_sha256=state, mean=b.mean, std=b.std, precision=run.precision, batch=run.batch,
        size_px=size_px, device=f"{run.settled.device}: {run.settled.name}",
        threads=run.settled.threads if run.settled.device == "cpu" else 0,
        versions={"torch": torch.__version__, b.library: version(b.library)}, dtype="float16" if b.spatial else "float32",
    )  # fmt: skip
    if engine.name == "torch":
        return spec
    # a film a call, with one thread: neither batch nor threads of the run make a difference
    return replace(
        spec, engine=engine.name, ranges_of=engine.ranges_of, precision="int8" if engine.name == INT8 else "fp32",
        batch=1, threads=1, versions=spec.versions | onnx_versions(),
    )  # fmt: skip


def threads_for(spec: FeatureSpec) -> int:
    """What computing features wants of a machine: torch the threads of its key, as a film's features follow the order of sums, all others
    all cores, a film on each."""
    return (spec.threads or 1) if spec.engine == "torch" else available_cores()
