"""How fast this machine is now: short trial runs of each stage's own work, so that an estimate follows the machine and its load.

Every function gives seconds of wall time. What is tried on blanks and random weights, which take as long as films and real ones, is tried
once in a process, however many studies of a suite ask for it.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from lightning_fabric import Fabric
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from torch.nn.functional import cross_entropy

from hilum.artifacts.features import FeatureRows
from hilum.artifacts.manifest import Manifest
from hilum.artifacts.masks import SIDE_PX, SOURCE, LungMask, MaskQuality, MaskStore
from hilum.artifacts.prepared import Wanted
from hilum.augment.pipeline import Pipeline
from hilum.core.engine import Local
from hilum.core.errors import InputError
from hilum.imaging.as_ingested import film_as_ingested
from hilum.imaging.shape import shape_of
from hilum.models.backbone import Precision
from hilum.models.feature_engine import FeatureEngine, FeatureEngineName, load_features
from hilum.models.heads import build_head
from hilum.models.machine import threads
from hilum.models.networks import build_whole
from hilum.models.registry import backbone
from hilum.models.weights import RANDOM
from hilum.report.curve_figures import PrCurve, pr_curves
from hilum.report.drawn import drawn
from hilum.segment.segmenter import Segmenter
from hilum.stages.audit.films import look_at_all
from hilum.stages.audit.probes import look
from hilum.stages.duplicates import find_duplicates
from hilum.stages.prepare import FilmLungs, plan, prepare_chunk, tasks_of
from hilum.stats.scored_films import ScoredFilms
from hilum.stats.strangers import Gaussian
from hilum.stats.summary import cell_statistics
from hilum.study.policies.constant import ConstantPolicy
from hilum.study.tables import FinetuneTable, TrainingTable
from hilum.training.checkpoints import Checkpoints
from hilum.training.finetune import Progress, Training, epoch_steps, feature_shape, logits_of
from hilum.training.loop import Learner, epochs
from hilum.training.regimen import LabelledRows, Regimen

_FILMS = 16
_STEPS = 3
_UPDATES = 8


def seconds(work: Callable[[], Any]) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def start_of_worker(modules: str) -> float:
    """Seconds that a process takes to begin which loads some modules and what they need."""
    return _worker(modules)[0]


def memory_of_worker(modules: str) -> int:
    """Bytes of memory of its own that such a process has then."""
    return _worker(modules)[1]


@cache
def _worker(modules: str) -> tuple[float, int]:
    code = f"import {modules}\nfrom hilum.core.memory import anonymous_bytes\nprint(anonymous_bytes())"
    start = time.perf_counter()
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    return time.perf_counter() - start, int(said.split()[-1])


def search_for_copies(films: Manifest) -> float:
    """Seconds a film, in one process; what a search takes of two films is not counted."""
    two = films.only([f.image_id for f in films.films[:2]])
    find_duplicates(two, Local(0))  # what is loaded and compiled with the first
    begun = seconds(lambda: find_duplicates(two, Local(0)))
    return max(seconds(lambda: find_duplicates(films, Local(0))) - begun, 0.0) / len(films)


def look_at_films(films: Manifest) -> float:
    """Seconds that a film takes to be looked at for its quality, in one process."""
    look_at_all(films.only([films.films[0].image_id]), Local(0))  # what is loaded and compiled with the first
    return seconds(lambda: look_at_all(films, Local(0))) / len(films)


def probes_of(films: Manifest) -> float:
    """Seconds that a film takes to be read for the probes; their models take about twice as long again."""
    return 3 * seconds(lambda: look(films, 0)) / len(films)


def lungs(films: Manifest, segmenter: Segmenter) -> float:
    """Seconds that a film's lungs take to be found, decoding included, in one process."""

    def work() -> None:
        segmenter.masks([film_as_ingested(f.image_id, f.path, f.sha256).pixels for f in films.films])

    return seconds(work) / len(films)


def preparation(
    films: Manifest, wanted: Mapping[str, Sequence[Wanted]], pipelines: dict[str, Pipeline]
) -> float:
    """Seconds that a film takes with all its preparations, in one process."""
    with tempfile.TemporaryDirectory() as folder:
        masks = Path(folder) / "masks"
        lung = LungMask(np.full((SIDE_PX, SIDE_PX), 255, np.uint8), SOURCE, MaskQuality(1.0, 2, True))
        if any(p.reads_lungs for p in pipelines.values()):
            MaskStore(masks).write({f.pixels_sha256: lung for f in films.films})
        lungs = FilmLungs(masks, dict.fromkeys(films.by_id, (SOURCE, lung.digest)))
        chunks = plan(films.by_id, {i: wanted[i] for i in films.by_id}, pipelines, lungs)
        tasks = tasks_of(chunks, Path(folder), Path(folder) / "prepared")
        return seconds(lambda: [prepare_chunk(t) for t in tasks]) / len(films)


@cache
def features(
    name: str,
    size_px: tuple[int, int],
    batch: int,
    precision: Precision,
    device: str,
    engine: FeatureEngineName = "torch",
) -> tuple[float, float]:
    """Seconds to build a frozen backbone as an engine computes it, and seconds a film through it."""
    start = time.perf_counter()
    network = load_features(FeatureEngine(engine), backbone(name), RANDOM, 0, precision, device, size_px)
    built = time.perf_counter() - start
    films = np.zeros((batch, *size_px), np.uint8)
    network.features(films, batch)
    each = seconds(lambda: [network.features(films, batch).cpu() for _ in range(_STEPS)])
    return built, each / (_STEPS * batch)


def _stored(folder: str, values: NDArray[np.generic], n_classes: int) -> LabelledRows:
    """What a training reads, of classes in turn."""
    path = str(Path(folder) / f"{len(values)}.npy")
    np.save(path, values)
    return LabelledRows(
        FeatureRows([(path, k) for k in range(len(values))]), np.arange(len(values)) % n_classes
    )


@cache
def head_step(name: str, shape: tuple[int, ...], n_classes: int, batch: int, together: int) -> float:
    """Seconds of one update of a backbone's head, of so many side by side in the loop that trains them: dropout, features read from disk, a
    validation batch for every eight. Policy and loss make no difference to speak of."""
    b, n, rng = backbone(name), _UPDATES * batch, np.random.default_rng(0)
    made = rng.random((n + batch, *shape), np.float32).astype("float16" if b.spatial else "float32")
    table = TrainingTable(epochs=3, batch=batch)
    regimen = Regimen(ConstantPolicy(learning_rate=1e-3), cross_entropy, table, 0)
    with tempfile.TemporaryDirectory() as folder, threads(1):
        train, valid = (_stored(folder, part, n_classes) for part in (made[:n], made[n:]))
        heads = [build_head(b, n_classes, 0, shape[0]) for _ in range(together)]
        tried = epochs([Learner(head, regimen, len(train)) for head in heads], train, valid)
        next(tried)  # memory is taken and operations are chosen in the first
        return min(seconds(lambda: next(tried)) for _ in range(2)) / (_UPDATES * together)


class NetworkSeconds(NamedTuple):
    """What a whole network takes.

    Attributes:
        update: Of its weights, by one batch.
        film: Through it in evaluation.
        checkpoint: To write where its training is; 0 where there is no room to try it.
    """

    update: float
    film: float
    checkpoint: float


@cache
def network(
    name: str,
    finetune: FinetuneTable,
    policy: ConstantPolicy,
    size_px: tuple[int, int],
    n_classes: int,
    batch: int,
    place: tuple[str, int],
) -> NetworkSeconds:
    """What a whole network takes in the loop that trains it, all that ever trains training; by one process, on a device and its threads."""
    device, n_threads = place
    regimen = Regimen(policy, cross_entropy, TrainingTable(epochs=2, batch=batch), 0, finetune)
    fabric = Fabric(accelerator=device, devices=1, precision=finetune.precision)
    net = build_whole(backbone(name), RANDOM, n_classes, size_px, 0)
    with tempfile.TemporaryDirectory() as folder, threads(n_threads):
        films = _stored(folder, np.zeros((batch, *size_px), np.uint8), n_classes)
        training, where = Training(fabric, net, regimen, batch), Progress(epoch=regimen.all_epochs)
        training.enter(where.epoch)
        (step,) = epoch_steps(regimen, films.labels, 1, feature_shape(net, films, regimen))
        training.step(where, films, step)
        update = seconds(lambda: training.step(where, films, step))
        logits_of(fabric, net, films)
        film = seconds(lambda: logits_of(fabric, net, films)) / batch
        try:
            checkpoints = Checkpoints(Path(folder) / "state")
            checkpoint = seconds(lambda: checkpoints.save(lambda: training.state(where)))
        except (OSError, InputError):
            checkpoint = 0.0
    return NetworkSeconds(update, film, checkpoint)


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


@cache
def shape(size_px: tuple[int, int]) -> float:
    """Seconds of a prepared film's shape, which gates see."""
    film = np.random.default_rng(0).integers(0, 256, size_px, np.uint8)
    return seconds(lambda: [shape_of(film) for _ in range(_FILMS)]) / _FILMS


@cache
def gate(n_fitted: int, n_scored: int, n_classes: int) -> float:
    """Seconds of a gate: it is fitted on training films' shapes, and asked of others."""
    shapes = np.random.default_rng(0).random((n_fitted + n_scored, len(shape_of(np.eye(64, dtype=np.uint8)))))

    def work() -> None:
        Gaussian.fitted(shapes[:n_fitted], np.arange(n_fitted) % n_classes).scores(shapes[n_fitted:])

    with threads(1), threadpool_limits(1):
        return seconds(work)


@cache
def figure() -> float:
    """Seconds of a figure of a report, as it is written in both its forms."""
    x = np.linspace(0, 1, 200)
    curves = [(str(k), [PrCurve("a curve", x, 1 - x, None)]) for k in range(4)]
    with tempfile.TemporaryDirectory() as folder:
        drawn(pr_curves(curves, 0.5), Path(folder), "first", "", "")  # fonts are looked for
        return seconds(lambda: drawn(pr_curves(curves, 0.5), Path(folder), "second", "", ""))
