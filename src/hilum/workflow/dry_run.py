"""hilum run --dry-run: what would be done, what is already there, and about how long the rest takes."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from hilum.artifacts.manifest import Manifest
from hilum.artifacts.study import Study
from hilum.models.backbone import FrozenBackbone
from hilum.models.registry import backbone
from hilum.models.weights import Weights
from hilum.stages.duplicates import exact_duplicates
from hilum.workflow.draws import training_copies
from hilum.workflow.plan import recipes
from hilum.workflow.run import draw_splits, films_wanted
from hilum.workflow.state import Run, choose_weights, open_run
from hilum.workflow.workspace import Workspace

_PREPARE_S = 0.002
_TRAIN_S_PER_STEP = {
    False: 0.001,
    True: 0.012,
}  # measured on two cores of an EPYC 7003; a map's head takes longer


def _seconds_per_film(run: Run, name: str, weights: Weights) -> float:
    """Time one batch of blanks through the backbone."""
    network = FrozenBackbone(
        backbone(name), weights, run.study.seed, run.settled.precision, run.settled.device
    )
    size = run.study.augment.size_px
    films = np.zeros((run.batch, size, size), np.uint8)
    network.features(films, run.batch)
    start = time.perf_counter()
    network.features(films, run.batch).cpu()
    return (time.perf_counter() - start) / run.batch


def print_plan(study: Study, manifest: Path, workspace: Path, workers: int) -> None:
    """Print the plan to stdout. Nothing is computed but one batch a backbone; duplicates are not looked for."""
    planned = recipes(study)
    weights = choose_weights(study, planned)
    run = open_run(study, planned, Manifest.read(manifest), Workspace(workspace), workers, weights)
    splits = draw_splits(run, exact_duplicates(run.manifest), write=False)
    wanted = films_wanted(run, splits)
    plain = splits.of(splits.plain, 1)
    n_wanted = sum(len(w) for w in wanted.values())
    # at most one film a seed, copy and pipeline that draws; most draws act on nothing, so this is a generous guess
    distinct = len(wanted) + round(0.1 * n_wanted)
    print(f"study     {study.name}, digest {study.digest[:12]}, would go to {run.folder}")
    print(
        f"films     {len(run.manifest)}: "
        + ", ".join(f"{n} {c}" for c, n in run.manifest.count_by("label").items())
    )
    parts = plain.parts
    print(
        "split     "
        + ", ".join(f"{p} {len(ids)}" for p, ids in parts.items())
        + " (trial 1, near copies not looked for)"
    )
    print(f"cells     {len(planned)} x {study.grid.trials} trials")
    trained = [r for r in planned if r.finetune is not None]
    if trained:
        print(
            f"          {len(trained)} of them train their backbone, which this estimate leaves out: {trained[0].cell.name} ..."
        )
    print(f"device    {run.settled.device} ({run.settled.name}), {run.precision}, batch {run.batch}")
    print(
        f"prepare   {n_wanted} films wanted, about {distinct} distinct: about {n_wanted * _PREPARE_S / 4:.0f} s"
    )
    total = n_wanted * _PREPARE_S / 4
    frozen = [r for r in planned if r.finetune is None]
    for name, random in dict.fromkeys(r.features_of for r in frozen):
        per_film = _seconds_per_film(run, name, weights[name, random])
        here = per_film * distinct
        total += here
        note = weights[name, random].source
        print(f"featurize {name}: {1 / per_film:.1f} films/s, about {here:.0f} s ({note})")
    n_train = sum(training_copies(study, run.manifest, plain, 1, study.seed).values())
    batches = -(-n_train // study.training.batch) * study.grid.trials
    training = (
        sum(batches * r.epochs * _TRAIN_S_PER_STEP[backbone(r.cell.backbone).spatial] for r in frozen)
        / run.workers
    )
    print(f"train     {n_train} films, {len(frozen)} heads a trial: about {training:.0f} s")
    print(f"in all    about {(total + training) / 60:.0f} min, less what the workspace already holds")
