"""Checks of this machine: weights, devices, parts of hilum that are not installed, room."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import psutil
import torch

from hilum.artifacts.manifest import FilmRow
from hilum.core.engine import available_cores
from hilum.core.errors import HilumError, MissingExtraError
from hilum.models.backbone import check_weights
from hilum.models.cost import cost_of
from hilum.models.machine import choose_device
from hilum.models.registry import backbone
from hilum.stages.finetune import check_machine
from hilum.tracking.background import SERVER, SWITCH
from hilum.workflow.asked import Asked, Finding
from hilum.workflow.sizes import Sizes, sizes_of
from hilum.workflow.state import choose_weights_of

_GIB = 2**30
_PROCESS_BYTES = int(0.6 * _GIB)
"""Of one process with torch loaded."""
_BYTES_A_WEIGHT = 16
"""A weight, its gradient and two moments of Adam, single precision."""


def weights_are_there(asked: Asked) -> Iterator[Finding]:
    """Every backbone's weights are here, are the declared ones and fit their network."""
    for which in dict.fromkeys(r.features_of for r in asked.recipes):
        try:
            check_weights(backbone(which[0]), choose_weights_of(asked.as_read, which))
        except HilumError as e:
            yield Finding(str(e), e.exit_code)


def devices_and_precision(asked: Asked) -> Iterator[Finding]:
    """Processes, GPUs and precisions that the study asks for."""
    device = choose_device(asked.engine.device)
    trained = [r.finetune for r in asked.recipes if r.finetune is not None]
    for options in {o.model_dump_json(): o for o in trained}.values():
        for text in check_machine(options, device):
            yield Finding(text)
        if device == "cpu" and options.devices > available_cores():
            yield Finding(
                f"finetune.devices asks for {options.devices} devices; this machine has no GPU, and {available_cores()} cores to stand "
                "in for them"
            )
    if asked.as_read.features.precision == "bf16":
        if device == "cuda" and not torch.cuda.is_bf16_supported():
            yield Finding("features.precision 'bf16' is not what this GPU can do; use 'fp32' or 'auto'")
        elif device == "cpu" and asked.workspace.settled(asked.engine.device).precision != "bf16":
            yield Finding(
                "features.precision 'bf16' is slower than 'fp32' on this processor; 'auto' takes the faster",
                0,
            )
    if asked.engine.cores > 4 * available_cores():
        yield Finding(
            f"{asked.engine.cores} workers on {available_cores()} cores will wait for each other", 0
        )


def tracking_server(_: Asked) -> Iterator[Finding]:
    """A server named for records needs MLflow."""
    yield from ()
    if os.environ.get(SERVER) and os.environ.get(SWITCH) != "0" and find_spec("mlflow") is None:
        reason = MissingExtraError("mlflow", "mlflow")
        yield Finding(f"{SERVER} is set, but the run will not be recorded: {reason}", 0)


def extras(asked: Asked) -> Iterator[Finding]:
    """DICOM films need pydicom."""
    yield from ()
    if find_spec("pydicom") is None:
        n = sum(map(_is_dicom, asked.films.films))
        if n:
            reason = MissingExtraError("pydicom", "dicom")
            yield Finding(f"{n} of the study's {len(asked.films)} films are DICOM: {reason}")


def _is_dicom(film: FilmRow) -> bool:
    path = Path(film.path)
    if path.suffix.lower() in (".dcm", ".dicom"):
        return True
    if path.suffix or not path.is_file():
        return False
    try:
        with path.open("rb") as f:
            return f.read(132)[128:] == b"DICM"
    except OSError:
        return False


def room_on_disk(asked: Asked) -> Iterator[Finding]:
    """Room where the workspace lies for what is still to be written."""
    try:
        sizes = sizes_of(asked)
    except HilumError:  # films that cannot be drawn or prepared, which other checks say
        return
    there = asked.workspace.root
    while not there.exists():
        there = there.parent
    free = shutil.disk_usage(there).free
    wanted = missing_bytes(asked, sizes)
    if wanted > free:
        yield Finding(
            f"about {wanted / _GIB:.1f} GiB will be written to {asked.workspace.root} ({sizes.in_words}), {free / _GIB:.1f} GiB are free "
            "there; make room, or give another --workspace"
        )


def missing_bytes(asked: Asked, sizes: Sizes) -> int:
    """Bytes still to be written: less what the workspace holds, which may be of other studies, so never below the trials alone."""
    held = sum(_bytes_in(f) for f in (asked.workspace.prepared, asked.workspace.features))
    return max(sizes.prepared + sizes.features - held, 0) + sizes.trials


def _bytes_in(folder: Path) -> int:
    return sum(p.stat().st_size for p in folder.rglob("*.npy")) if folder.is_dir() else 0


def memory(asked: Asked) -> Iterator[Finding]:
    """Memory of the processes that train whole networks at the same time."""
    side, n_classes = asked.as_read.augment.size_px, max(len(asked.study.data.classes), 2)
    needed = _PROCESS_BYTES * (1 + min(asked.engine.cores, available_cores()))
    whole = {r.cell.backbone for r in asked.recipes if r.finetune is not None}
    if choose_device(asked.engine.device) == "cpu" and whole:
        largest = max(cost_of(name, side, n_classes)["parameters"] for name in whole)
        needed += asked.engine.cores * largest * _BYTES_A_WEIGHT
    available = psutil.virtual_memory().available
    if needed > available:
        yield Finding(
            f"about {needed / _GIB:.1f} GiB of memory will be used by {asked.engine.cores} workers, {available / _GIB:.1f} GiB are free; "
            "fewer --workers use less",
            0,
        )
