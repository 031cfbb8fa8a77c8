"""Checks of this machine: devices, weights, a server for records, room."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import torch

from hilum.core.engine import available_cores
from hilum.core.errors import HilumError, MissingExtraError
from hilum.core.memory import available_bytes
from hilum.core.mirror import mirror_of
from hilum.models.backbone import check_weights
from hilum.models.cost import cost_of
from hilum.models.machine import choose_device
from hilum.models.registry import backbone
from hilum.models.weights import known_file
from hilum.tracking.background import SERVER, SWITCH
from hilum.workflow.concern import Concern, refused
from hilum.workflow.feature_engines import cannot
from hilum.workflow.plan import FeaturesOf
from hilum.workflow.sizes import Sizes, sizes_of
from hilum.workflow.state import Run

_GIB = 2**30
_PROCESS_BYTES = int(0.6 * _GIB)
"""Of one process with torch loaded."""
_BYTES_A_WEIGHT = 16
"""A weight, its gradient and two moments of Adam, single precision."""


def weights_are_there(run: Run) -> Iterator[Concern]:
    """Every backbone's weights are here, are the declared ones and fit their network."""
    for which in dict.fromkeys(r.features_of for r in run.planned):
        yield from refused(partial(_check_weights, run, which))


def _check_weights(run: Run, which: FeaturesOf) -> None:
    b, weights = backbone(which.backbone), run.weights_of(which)
    if not b.precomputed:
        check_weights(b, weights)


def nodes_see_the_work(run: Run) -> Iterator[Concern]:
    """Where tasks run on other machines: these see the workspace and the weights, and where that is a folder a film of each folder."""
    weights = [w.path for w in map(run.weights_of, {r.features_of for r in run.planned}) if w.path]
    films = [] if mirror_of(run.workspace.root) else films_of_folders(run)
    for text in run.engine.unseen([*weights, *films], run.workspace.root):
        yield Concern(text)


def films_of_folders(run: Run) -> list[Path]:
    """A film of each folder that films lie in."""
    return list({Path(f.path).parent: Path(f.path) for f in run.manifest.films}.values())


def folded_batchnorm(run: Run) -> Iterator[Concern]:
    """What a reader must know of a network that is trained on from weights without BatchNorm's statistics."""
    found: dict[FeaturesOf, list[str]] = {}
    for r in run.planned:
        if r.finetune is not None and r.finetune.batchnorm == "train" and r.learns:
            found.setdefault(r.features_of, []).append(r.cell.name)
    for which, cells in found.items():
        try:
            known = known_file(backbone(which.backbone), run.weights_of(which).sha256 or "none")
        except HilumError:  # another check says so
            continue
        if known is not None and known.folded:
            yield Concern(
                f"{', '.join(cells)}: in the weights that {which.backbone} starts from, BatchNorm is folded into the convolutions (mean 0, "
                f"variance 1: {known.source}), and it is trained with BatchNorm in train mode: that says nothing of the published network. "
                "finetune.batchnorm = 'eval' keeps it the network that was published",
                0,
            )


def lungs_can_be_found(run: Run) -> Iterator[Concern]:
    """The network that finds lungs is here, where a pipeline reads them, and is the declared one."""
    if any(r.pipeline.reads_lungs for r in run.planned):
        yield from refused(lambda: run.lungs_by.load(), before="lungs: ")


def devices_and_precision(run: Run) -> Iterator[Concern]:
    """Processes, GPUs and precisions that the study asks for."""
    device = choose_device(run.engine.device)
    trained = [r.finetune for r in run.planned if r.finetune is not None]
    for options in {o.model_dump_json(): o for o in trained}.values():
        from hilum.stages.finetune import check_machine  # late: lightning_fabric takes two seconds

        for text in check_machine(options, device):
            yield Concern(text)
        if device == "cpu" and options.devices > available_cores():
            yield Concern(
                f"finetune.devices asks for {options.devices} devices; this machine has no GPU, and {available_cores()} cores to stand "
                "in for them"
            )
    engine = run.as_read.features.engine
    if engine not in ("auto", "torch") and (wrong := cannot(run.as_read.features, device)):
        yield Concern(f"features.engine {engine!r}: {wrong}")
    if run.as_read.features.precision == "bf16":
        if device == "cuda" and not torch.cuda.is_bf16_supported():
            yield Concern("features.precision 'bf16' is not what this GPU can do; use 'fp32' or 'auto'")
        elif device == "cpu" and run.workspace.settled(run.engine.device).precision != "bf16":
            yield Concern(
                "features.precision 'bf16' is slower than 'fp32' on this processor; 'auto' takes the faster",
                0,
            )
    if run.engine.cores_here > 4 * available_cores():
        yield Concern(
            f"{run.engine.cores_here} workers on {available_cores()} cores will wait for each other", 0
        )


def tracking_server(_: Run) -> Iterator[Concern]:
    """A server named for records needs MLflow."""
    if os.environ.get(SERVER) and os.environ.get(SWITCH) != "0" and find_spec("mlflow") is None:
        reason = MissingExtraError("mlflow", "mlflow")
        yield Concern(f"{SERVER} is set, but the run will not be recorded: {reason}", 0)


def room_on_disk(run: Run) -> Iterator[Concern]:
    """Room where the workspace lies for what is still to be written."""
    try:
        sizes = sizes_of(run)
    except HilumError:  # films that cannot be drawn or prepared, which other checks say
        return
    there = run.workspace.root
    while not there.exists():
        there = there.parent
    free = shutil.disk_usage(there).free
    wanted = missing_bytes(run, sizes)
    if wanted > free:
        yield Concern(
            f"about {wanted / _GIB:.1f} GiB will be written to {run.workspace.root} ({sizes.in_words}), {free / _GIB:.1f} GiB are free "
            "there; make room, or give another --workspace"
        )


def missing_bytes(run: Run, sizes: Sizes) -> int:
    """Bytes still to be written: less what the workspace holds, which may be of other studies, so never below the trials alone."""
    folders = (run.workspace.prepared, run.workspace.features)
    held = sum(p.stat().st_size for folder in folders if folder.is_dir() for p in folder.rglob("*.npy"))
    return max(sizes.prepared + sizes.features - held, 0) + sizes.trials


def memory(run: Run) -> Iterator[Concern]:
    """Memory of the processes that train whole networks at the same time."""
    side, n_classes = run.as_read.augment.size_px, max(len(run.study.data.classes), 2)
    needed = _PROCESS_BYTES * (1 + min(run.engine.cores_here, available_cores()))
    whole = {r.cell.backbone for r in run.planned if r.finetune is not None}
    if choose_device(run.engine.device) == "cpu" and whole:
        largest = max(cost_of(name, side, n_classes)["parameters"] for name in whole)
        needed += run.engine.cores_here * largest * _BYTES_A_WEIGHT
    available = available_bytes()
    if needed > available:
        yield Concern(
            f"about {needed / _GIB:.1f} GiB of memory will be used by {run.engine.cores_here} workers, {available / _GIB:.1f} GiB are "
            "free; fewer --workers use less",
            0,
        )
