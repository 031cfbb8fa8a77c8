"""How fast this machine is now: short trial runs of each stage's own work, so that an estimate follows the machine and its load.

Every function gives seconds of wall time. What is tried on blanks and random weights, which take as long as films and real ones, is tried
once in a process, however many studies of a suite ask for it.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import psutil
import torch
from torch.nn.functional import cross_entropy

from hilum.artifacts.features import FeatureRows
from hilum.artifacts.manifest import Manifest
from hilum.artifacts.prepared import Wanted
from hilum.augment.pipeline import Pipeline
from hilum.core.engine import Local
from hilum.core.errors import InputError
from hilum.models.backbone import FrozenBackbone, Precision
from hilum.models.heads import build_head
from hilum.models.machine import threads
from hilum.models.networks import build_whole
from hilum.models.registry import backbone
from hilum.models.weights import RANDOM
from hilum.stages.duplicates import find_duplicates
from hilum.stages.prepare import plan, prepare_chunk, tasks_of
from hilum.stats.scored_films import ScoredFilms
from hilum.stats.summary import cell_statistics
from hilum.study.policies.constant import ConstantPolicy
from hilum.study.tables import FinetuneTable, TrainingTable
from hilum.training.checkpoints import Checkpoints
from hilum.training.loop import fit
from hilum.training.optimizers import build_optimizer
from hilum.training.regimen import LabelledRows, Regimen

OptimizerName = Literal["adam", "adamw", "sgd"]
_STEPS = 3
_UPDATES = 8


def seconds(work: Callable[[], Any]) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@cache
def start_up() -> float:
    """Seconds that this process took to begin: to load Python, torch and hilum, and to check the study."""
    return time.time() - float(psutil.Process().create_time())


@cache
def start_of_worker(modules: str) -> float:
    """Seconds that a process takes to begin which loads some modules and what they need."""
    return seconds(lambda: subprocess.run([sys.executable, "-c", f"import {modules}"], check=True))


def search_for_copies(films: Manifest) -> float:
    """Seconds a film, in one process."""
    return seconds(lambda: find_duplicates(films, Local(1))) / len(films)


def preparation(films: Manifest, wanted: dict[str, list[Wanted]], pipelines: dict[str, Pipeline]) -> float:
    """Seconds a film with everything that is wanted of it, in one process."""
    with tempfile.TemporaryDirectory() as folder:
        chunks = plan(films.by_id, {i: wanted[i] for i in films.by_id}, pipelines)
        tasks = tasks_of(chunks, Path(folder), Path(folder) / "prepared")
        return seconds(lambda: [prepare_chunk(t) for t in tasks]) / len(films)


@cache
def features(
    name: str, size_px: tuple[int, int], batch: int, precision: Precision, device: str
) -> tuple[float, float]:
    """Seconds to build a frozen backbone, and seconds a film through it."""
    start = time.perf_counter()
    network = FrozenBackbone(backbone(name), RANDOM, 0, precision, device)
    built = time.perf_counter() - start
    films = np.zeros((batch, *size_px), np.uint8)
    network.features(films, batch)
    each = seconds(lambda: [network.features(films, batch).cpu() for _ in range(_STEPS)])
    return built, each / (_STEPS * batch)


@cache
def head_step(name: str, shape: tuple[int, ...], n_classes: int, batch: int) -> float:
    """Seconds of one update of a backbone's head in the loop that trains it: dropout, features read from disk, a validation batch for
    every eight. Policy and loss make no difference to speak of."""
    b = backbone(name)
    rng = np.random.default_rng(0)
    labels = rng.integers(0, n_classes, (_UPDATES + 1) * batch)
    n = _UPDATES * batch
    with tempfile.TemporaryDirectory() as folder, threads(1):
        path = str(Path(folder) / "features.npy")
        made = rng.random((len(labels), *shape), np.float32)
        np.save(path, made.astype("float16" if b.spatial else "float32"))
        rows = [(path, k) for k in range(len(labels))]
        train, valid = (
            LabelledRows(FeatureRows(rows[part]), labels[part]) for part in (slice(n), slice(n, None))
        )
        table = TrainingTable(epochs=3, batch=batch)
        regimen = Regimen(ConstantPolicy(learning_rate=1e-3), cross_entropy, table, 0)
        epochs = fit(build_head(b, n_classes, 0), train, valid, regimen)
        next(epochs)  # memory is taken and operations are chosen in the first
        return min(seconds(lambda: next(epochs)) for _ in range(2)) / _UPDATES


@cache
def network_steps(
    name: str,
    finetune: FinetuneTable,
    optimizer: OptimizerName,
    size_px: tuple[int, int],
    n_classes: int,
    batch: int,
    device: str,
    n_threads: int,
) -> tuple[float, float, float]:
    """Seconds of one update of a whole network, of a film through it in evaluation, and of writing its checkpoint."""
    network = build_whole(backbone(name), RANDOM, n_classes, size_px, 0).to(device)
    labels = torch.arange(batch, device=device) % n_classes
    films = torch.zeros((batch, *size_px), dtype=torch.uint8, device=device)
    if finetune.train == "head":
        network.body.requires_grad_(False)
    trained = [p for p in network.parameters() if p.requires_grad]
    updates = build_optimizer(ConstantPolicy(optimizer=optimizer), [trained])
    half = {"32-true": None, "bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}[finetune.precision]

    def forward() -> torch.Tensor:
        with torch.autocast(device, half or torch.bfloat16, enabled=half is not None):
            return network(films).float()  # type: ignore[no-any-return]

    def step() -> None:
        value = cross_entropy(forward(), labels)
        updates.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        updates.step()
        value.item()

    with threads(n_threads):
        network.train()
        step()
        update = seconds(step)
        network.eval()
        with torch.inference_mode():
            forward()
            film = seconds(lambda: forward().cpu()) / batch
    return update, film, _checkpoint({"network": network.state_dict(), "optimizer": updates.state_dict()})


def _checkpoint(state: dict[str, Any]) -> float:
    """Seconds of writing where a training is; 0 where there is no room to try it."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            return seconds(lambda: Checkpoints(Path(folder) / "state").save(lambda: state))
    except (OSError, InputError):
        return 0.0


@cache
def statistics(n_films: int, n_classes: int, n_resamples: int) -> float:
    """Seconds of the figures of one trial."""
    rng = np.random.default_rng(0)
    true = np.arange(n_films) % n_classes
    scores = rng.dirichlet(np.ones(n_classes), n_films)
    names = [str(k) for k in range(n_classes)]
    clusters = np.array([str(k) for k in range(n_films)])

    def figures(n: int) -> list[Any]:
        films = ScoredFilms(true, scores, clusters, threshold=0.5)
        return list(cell_statistics([films], names, "0", n_resamples=n))

    figures(64)  # numba compiles, or reads what it compiled
    return seconds(lambda: figures(n_resamples))
