"""The trials of a study as tasks: what each is trained on, on features or end to end, and where its results go."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.drawn_films import DrawnFilm, DrawnFilms, drawn_path
from hilum.artifacts.features import FeatureStore, PartFeatures
from hilum.artifacts.header import Header
from hilum.artifacts.prepared import PreparedRow, PreparedStore, Wanted
from hilum.artifacts.split import AnySplit
from hilum.artifacts.trial_files import PREDICT, PREDICTIONS, trial_folder
from hilum.core.files import writing_folder
from hilum.core.progress import progress
from hilum.models.registry import backbone
from hilum.stages.finetune import finetune
from hilum.stages.predict import PredictTask, predict_trial
from hilum.stages.train import train_head
from hilum.training.task import Frozen, TrainTask, Whole
from hilum.workflow.draws import Splits, wanted_of
from hilum.workflow.plan import Drawing, Recipe, seed_of
from hilum.workflow.state import FeaturesOf, Run

Rows = Mapping[tuple[str, Wanted], PreparedRow]


@dataclass(frozen=True)
class Trial:
    """One trial of one cell: its training task and what its predictions are made from.

    Attributes:
        recipe: Of its cell.
        number: From 1.
        train: The task.
        held_out: Part -> films to predict.
        split: Its split.
    """

    recipe: Recipe
    number: int
    train: TrainTask
    held_out: tuple[tuple[str, PartFeatures], ...]
    split: AnySplit

    @property
    def digests(self) -> set[str]:
        """Every prepared film that it looks at."""
        return {*self.train.train.digests, *(d for _, p in self.held_out for d in p.digests)}


def trial_dir(run: Run, trial: Trial) -> Path:
    """Where a trial's results lie in the run's folder."""
    return trial_folder(run.folder, trial.recipe.cell.name, trial.number)


def plan_trials(
    run: Run, splits: Splits, rows: Rows, prepared: PreparedStore, stores: Mapping[FeaturesOf, FeatureStore]
) -> list[Trial]:
    """Every trial of every cell as tasks."""
    study, by_id = run.study, run.manifest.by_id
    classes = study.data.classes

    @lru_cache(maxsize=4 * study.grid.trials)
    def chosen(pipeline: str, drawing: Drawing, number: int) -> dict[str, list[PreparedRow]]:
        wanted = wanted_of(study, run.manifest, splits.of(drawing, number), pipeline, drawing.seed, number)
        return {part: [rows[w] for w in ws] for part, ws in wanted.items()}

    trials = []
    for recipe in run.recipes:
        cell, b = recipe.cell, backbone(recipe.cell.backbone)
        store = stores.get(recipe.features_of) if recipe.finetune is None else None
        w = run.weights[recipe.features_of]
        for number in run.trials:
            split = splits.of(recipe.drawing, number)
            parts = {}
            for part, of_part in chosen(recipe.pipeline.name, recipe.drawing, number).items():
                digests = tuple(r.digest for r in of_part)
                parts[part] = PartFeatures(
                    tuple(r.image_id for r in of_part),
                    digests,
                    tuple((store or prepared).locations(digests)),
                    tuple(classes.index(by_id[r.image_id].label) for r in of_part),
                )
            template = Bundle(
                classes=tuple(classes), positive=study.data.positive, backbone=cell.backbone,
                weights={"choice": w.choice, "sha256": w.sha256, "source": w.source, "seed": study.seed},
                state_sha256=store.spec.state_sha256 if store else "", precision=run.precision, batch=run.batch,
                preparation=recipe.pipeline.to_dict(), head=b.head, operating_point={}, calibration={},
                training={"study": study.name, "trial": number, "schedule": cell.schedule}, unsafe=tuple(cell.unsafe),
            )  # fmt: skip
            task = TrainTask(
                folder=run.workspace.trials, train=parts["train"], valid=parts["valid"], template=template, policy=recipe.policy,
                loss=recipe.loss, training=recipe.training, threshold_rule=study.statistics.operating_point, split_digest=split.digest,
                seed=seed_of(study, cell.seed, "head", number), body=_body(run, recipe, store), softmax_first=recipe.softmax_first,
            )  # fmt: skip
            shared = set(split.parts["test"])
            valid = _without(parts["valid"], shared)
            held_out = tuple(
                (part, films)
                for part, films in (("valid", valid), ("test", parts["test"]))
                if films.image_ids
            )
            trials.append(Trial(recipe, number, task, held_out, split))
    return trials


def _body(run: Run, recipe: Recipe, store: FeatureStore | None) -> Frozen | Whole:
    """What becomes of a cell's backbone."""
    if store is not None:
        return Frozen(store.spec.digest)
    assert recipe.finetune is not None
    # one thread where trainings go side by side, so that the number of workers makes no difference
    threads = run.settled.threads if recipe.finetune.devices > 1 else 1
    return Whole(
        run.weights[recipe.features_of], recipe.finetune, run.settled.device, run.settled.name, threads
    )


def _without(films: PartFeatures, others: set[str]) -> PartFeatures:
    """The films that are not among others: under an unsafe split a film of valid may be one of test, and is then predicted as that."""
    keep = [k for k, i in enumerate(films.image_ids) if i not in others]
    return films if len(keep) == len(films.image_ids) else films.take(keep)


def train(run: Run, trials: Sequence[Trial]) -> None:
    """Train what is not trained yet, and copy each trial's bundle and history into the run's folder."""
    with run.stage("train") as line:
        todo = [t.train for t in trials if not t.train.finished]
        line.done, line.found = len(todo), len(trials) - len(todo)
        heads = [t for t in todo if isinstance(t.body, Frozen)]
        networks = [t for t in todo if isinstance(t.body, Whole)]
        with progress("train", len(todo), "trials") as step:
            for _ in run.engine.map(train_head, heads):
                step()
            for _ in run.engine.map(finetune, networks, alone=not _one_process_each(run)):
                step()
        for t in trials:
            target = trial_dir(run, t)
            if not target.is_dir():
                _copy_whole(t.train.output, target)


def _one_process_each(run: Run) -> bool:
    """Whether networks may be trained side by side: on a CPU, one process each."""
    return run.settled.device == "cpu" and all(
        r.finetune is None or r.finetune.devices == 1 for r in run.recipes
    )


def _copy_whole(source: Path, target: Path) -> None:
    """Copy a folder so that it is whole or not there; another process may be doing the same."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with writing_folder(target) as part:
        shutil.copytree(source, part)


FEW_SCORES = 8000
"""Films through heads, counted once a trial, that are scored in less time than a process takes to begin."""


def predict(run: Run, trials: Sequence[Trial]) -> None:
    """Predictions of valid and test for every trial."""
    with run.stage("predict") as line:
        patient_of = {f.image_id: f.patient_id for f in run.manifest.films}
        tasks = []
        for t in trials:
            out = trial_dir(run, t) / PREDICTIONS
            if out.exists() and out.with_name(PREDICT).exists():
                line.found += 1
                continue
            ids = [i for _, p in t.held_out for i in p.image_ids]
            tasks.append(
                PredictTask(
                    bundle=str(t.train.output / "bundle"),
                    parts=t.held_out,
                    patient_of={i: patient_of[i] for i in ids},
                    group_of={i: t.split.group_of[i] for i in ids},
                    out=str(out),
                    second_softmax=t.recipe.second_softmax,
                    device=run.settled.device if isinstance(t.train.body, Whole) else "cpu",
                )
            )
        line.done = len(tasks)
        scored = sum(len(task.patient_of) for task in tasks)
        few = scored < FEW_SCORES and not any(isinstance(t.train.body, Whole) for t in trials)
        with progress("predict", len(tasks), "trials") as step:
            for _ in run.engine.map(predict_trial, tasks, alone=few or run.settled.device != "cpu"):
                step()


def write_drawn(run: Run, splits: Splits, rows: Rows) -> None:
    """prepared/ of a run: for each pipeline, split and trial every film's digest and what was drawn for it."""
    for recipe in {(r.pipeline.name, r.drawing): r for r in run.recipes}.values():
        for number in run.trials:
            split = splits.of(recipe.drawing, number)
            path = drawn_path(run.folder, splits.folder_name(recipe.drawing), recipe.pipeline.name, number)
            if path.exists():
                continue
            wanted = wanted_of(run.study, run.manifest, split, recipe.pipeline.name, recipe.cell.seed, number)
            films = {part: [_drawn(rows[w]) for w in ws] for part, ws in wanted.items()}
            header = Header("prepared", inputs={"split": split.digest}, seed=recipe.cell.seed)
            DrawnFilms(header, films).write(path)


def _drawn(row: PreparedRow) -> DrawnFilm:
    return DrawnFilm(row.image_id, row.wanted.copy, row.digest, row.drawn)
