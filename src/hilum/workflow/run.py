"""Run a study: manifest -> splits -> prepared films -> features -> trials -> predictions -> statistics -> report.

Each step looks for what is already there, by digest, and does the rest. Nothing is kept in memory that a killed run would miss.
"""

from __future__ import annotations

import json
import platform
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path

import torch

from hilum import __version__
from hilum.artifacts.bundle import Bundle
from hilum.artifacts.duplicates import Duplicates
from hilum.artifacts.features import FeatureSpec, FeatureStore, PartFeatures
from hilum.artifacts.header import Header, read_json, write_json
from hilum.artifacts.manifest import Manifest, excluded_path
from hilum.artifacts.prepared import PreparedRow, PreparedStore, Wanted
from hilum.artifacts.split import Split
from hilum.artifacts.study import Study, WeightsTable
from hilum.core.digests import digest
from hilum.core.errors import InputError
from hilum.core.files import lock
from hilum.core.memory import watch_memory
from hilum.core.progress import progress, say
from hilum.engine.local import run_tasks
from hilum.models.backbone import FrozenBackbone, Precision, build_network
from hilum.models.machine import describe, exact_arithmetic, keep_memory
from hilum.models.registry import backbone
from hilum.models.weights import Weights, find, state_sha256
from hilum.stages.duplicates import exact_duplicates, find_duplicates
from hilum.stages.evaluate import evaluate_run
from hilum.stages.featurize import featurize
from hilum.stages.predict import PredictTask, predict_trial
from hilum.stages.prepare import plan as plan_prepare
from hilum.stages.prepare import prepare_chunk
from hilum.stages.report import write_report
from hilum.stages.split import draw_split, select
from hilum.stages.train import TrainTask, train_head
from hilum.workflow.plan import Cell, cells, check_names, pipelines, seed_of, training_copies, wanted_films
from hilum.workflow.workspace import Settled, Workspace


@dataclass
class StageLine:
    """What a stage did in this run: items done, items found finished, seconds."""

    stage: str
    done: int = 0
    found: int = 0
    seconds: float = 0.0


@dataclass
class Run:
    """A study on its way through the stages.

    Attributes:
        study: The study.
        manifest: The films that it uses.
        workspace: Where everything is kept.
        settled: Device, precision, threads.
        workers: Processes for prepare, train and predict.
        folder: The run's folder.
        lines: A line a stage.
    """

    study: Study
    manifest: Manifest
    workspace: Workspace
    settled: Settled
    workers: int
    folder: Path
    lines: list[StageLine] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[StageLine]:
        """Time a stage."""
        line = StageLine(name)
        start = time.perf_counter()
        yield line
        line.seconds = time.perf_counter() - start
        self.lines.append(line)

    @property
    def precision(self) -> str:
        """The precision in force."""
        p = self.study.features.precision
        return self.settled.precision if p == "auto" else p

    @property
    def batch(self) -> int:
        """Films a batch in force."""
        return self.study.features.batch or (16 if self.settled.device == "cpu" else 256)


def choose_weights(study: Study) -> dict[str, Weights]:
    """Find every backbone's weights before anything runs.

    Raises:
        InputError: Weights that are not here.
    """
    found = {}
    for name in study.grid.backbones:
        choice = study.weights.get(name, "imagenet")
        if isinstance(choice, WeightsTable):
            found[name] = find(backbone(name), choice.file, choice.sha256)
        else:
            found[name] = find(backbone(name), choice)
    return found


def study_films(study: Study, manifest: Manifest) -> Manifest:
    """The films that the study's ``[data]`` keeps.

    Raises:
        InputError: A class without films.
    """
    known = manifest.where(label=study.data.classes)
    chosen = select(known, study.data.include, study.data.exclude, study.data.one_per_patient, study.seed)
    counts = chosen.count_by("label")
    for c in study.data.classes:
        if not counts.get(c):
            raise InputError(
                f"the study's class {c!r} has no film in the manifest (labels there: {', '.join(manifest.count_by('label'))}); "
                "correct data.classes, data.include or data.exclude"
            )
    return chosen


def open_run(
    study: Study, manifest: Manifest, workspace: Workspace, workers: int, weights: Mapping[str, Weights]
) -> Run:
    """Settle what is to be settled and name the run's folder by the digest of all that makes a difference."""
    settled = workspace.settled()
    exact_arithmetic()
    keep_memory()
    torch.set_num_threads(settled.threads)
    films = study_films(study, manifest)
    loaded = {n: w.sha256 or "none" for n, w in weights.items()}
    key = digest([study.digest, films.digest, loaded, asdict(settled), __version__])
    return Run(study, films, workspace, settled, workers, workspace.runs / f"{study.name}-{key[:12]}")


def find_or_make_duplicates(run: Run) -> Duplicates:
    """Copies among the study's films."""
    if not run.study.data.near_duplicates:
        return exact_duplicates(run.manifest)
    path = run.workspace.duplicates / f"{run.manifest.digest[:16]}.json"
    with run.stage("duplicates") as line:
        if path.exists():
            line.found = len(run.manifest)
            return Duplicates.read(path)
        found = find_duplicates(run.manifest, workers=run.workers)
        found.write(path)
        line.done = len(run.manifest)
    return found


def draw_splits(run: Run, duplicates: Duplicates, write: bool = True) -> dict[int, Split]:
    """The split of each trial, written into the run's folder."""
    splits = {}
    with run.stage("split") as line:
        for trial in range(1, run.study.grid.trials + 1):
            drawn_as = trial if "split" in run.study.redraw_with_trial else 1
            s = run.study.split
            split = draw_split(
                run.manifest, duplicates, s.method, run.study.seed, trial=drawn_as, fractions=s.fractions
            )
            split.check(run.manifest)
            if write:
                split.write(run.folder / "splits" / f"trial-{trial}.json")
            splits[trial] = split
            line.done += 1
    return splits


def prepare(
    run: Run, splits: Mapping[int, Split]
) -> tuple[PreparedStore, dict[tuple[str, Wanted], PreparedRow], float]:
    """Prepare every film that is wanted; gives the store, the rows by (film, wanted), and seconds a prepared film."""
    store = PreparedStore(run.workspace.prepared)
    wanted = wanted_films(run.study, run.manifest, splits)
    tasks = plan_prepare(run.manifest.by_id, wanted, pipelines(run.study), store.folder)
    with run.stage("prepare") as line:
        todo = [t for t in tasks if not store.has(t.key)]
        line.found = sum(len(t.films) for t in tasks) - sum(len(t.films) for t in todo)
        with progress("prepare", sum(len(t.films) for t in todo)) as step:
            for n in run_tasks(prepare_chunk, todo, run.workers):
                line.done += n
                step(n)
        rows: dict[tuple[str, Wanted], PreparedRow] = {}
        seconds = 0.0
        for task in tasks:
            shard, took = store.read(task.key)
            seconds += took
            rows.update({(r.image_id, r.wanted): r for r in shard})
    return store, rows, seconds / max(len(rows), 1)


def write_drawn(
    run: Run, splits: Mapping[int, Split], rows: Mapping[tuple[str, Wanted], PreparedRow]
) -> None:
    """prepared.json of each pipeline and trial: every film's digest and what was drawn for it."""
    for trial, split in splits.items():
        for pipeline in run.study.grid.pipelines:
            parts = {part: _rows_of(run, split, trial, pipeline, part, rows) for part in split.parts}
            value = {
                "header": Header("prepared", inputs={"split": split.digest}, seed=run.study.seed).to_dict(),
                "columns": ["image_id", "copy", "pixels_sha256", "drawn"],
                **{
                    part: [[r.image_id, r.wanted.copy, r.digest, r.drawn] for r in rs]
                    for part, rs in parts.items()
                },
            }
            path = run.folder / "prepared" / f"{pipeline}--trial-{trial}.json"
            if not path.exists():
                write_json(path, value)


def _rows_of(
    run: Run,
    split: Split,
    trial: int,
    pipeline: str,
    part: str,
    rows: Mapping[tuple[str, Wanted], PreparedRow],
) -> list[PreparedRow]:
    if part != "train":
        return [rows[i, Wanted(pipeline, part, run.study.seed)] for i in split.parts[part]]
    seed = seed_of(run.study, "augmentation", trial)
    copies = training_copies(run.study, run.manifest, split, trial)
    return [rows[i, Wanted(pipeline, "train", seed, c)] for i, n in sorted(copies.items()) for c in range(n)]


def feature_spec(run: Run, name: str, state: str, size_px: tuple[int, int]) -> FeatureSpec:
    """What the features of a backbone depend on in this run."""
    b = backbone(name)
    return FeatureSpec(
        backbone=name, tap=b.tap, state_sha256=state, mean=b.mean, std=b.std, precision=run.precision, batch=run.batch,
        size_px=size_px, device=f"{run.settled.device}: {run.settled.name}",
        threads=run.settled.threads if run.settled.device == "cpu" else 0,
        versions={"torch": torch.__version__, b.library: version(b.library)}, dtype="float16" if b.spatial else "float32",
    )  # fmt: skip


def featurize_backbone(
    run: Run,
    name: str,
    weights: Weights,
    prepared: PreparedStore,
    rows: Mapping[tuple[str, Wanted], PreparedRow],
) -> FeatureStore:
    """Features of every prepared film from one backbone."""
    sizes = prepared.sizes()
    if len(sizes) != 1:
        raise InputError(
            f"the study's pipelines end at different sizes {sorted(sizes)}; they must end at one (augment.size_px)"
        )
    with run.stage(f"featurize {name}") as line:
        state = state_sha256(build_network(backbone(name), weights, run.study.seed))
        spec = feature_spec(run, name, state, next(iter(sizes)))
        store = FeatureStore(run.workspace.features, spec)
        digests = list(dict.fromkeys(r.digest for r in rows.values()))
        missing = store.missing(digests)
        line.found = len(digests) - len(missing)

        def load() -> FrozenBackbone:
            precision: Precision = "bf16" if run.precision == "bf16" else "fp32"
            return FrozenBackbone(backbone(name), weights, run.study.seed, precision, run.settled.device)

        with progress(f"featurize {name}", len(missing)) as step:
            line.done = featurize(store, prepared, missing, load, step)
        line.found = len(digests) - line.done
    return store


@dataclass(frozen=True)
class Trial:
    """One trial of one cell: its training task and what its predictions are made from."""

    cell: Cell
    number: int
    train: TrainTask
    held_out: tuple[tuple[str, PartFeatures], ...]


def plan_trials(
    run: Run,
    splits: Mapping[int, Split],
    rows: Mapping[tuple[str, Wanted], PreparedRow],
    stores: Mapping[str, FeatureStore],
    weights: Mapping[str, Weights],
) -> list[Trial]:
    """Every trial of every cell as tasks."""
    study, films = run.study, run.manifest.by_id
    classes = study.data.classes
    pipes = pipelines(study)
    trials = []
    for cell in cells(study):
        store, w = stores[cell.backbone], weights[cell.backbone]
        for number, split in splits.items():
            parts = {}
            for part in split.parts:
                chosen = _rows_of(run, split, number, cell.pipeline, part, rows)
                parts[part] = PartFeatures(
                    tuple(r.image_id for r in chosen),
                    tuple(r.digest for r in chosen),
                    tuple(store.locations([r.digest for r in chosen])),
                    tuple(classes.index(films[r.image_id].label) for r in chosen),
                )
            template = Bundle(
                tuple(classes), study.data.positive, cell.backbone,
                {"choice": w.choice, "sha256": w.sha256, "source": w.source, "seed": study.seed},
                store.spec.state_sha256, run.precision, run.batch, pipes[cell.pipeline].to_dict(),
                backbone(cell.backbone).head, {}, {}, {"study": study.name, "trial": number},
            )  # fmt: skip
            task = TrainTask(
                folder=str(run.workspace.trials), feature_digest=store.spec.digest, train=parts["train"], valid=parts["valid"],
                template=template, schedule=cell.schedule, training=tuple(sorted(study.training.model_dump().items())),
                threshold_rule=study.statistics.operating_point, split_digest=split.digest,
                seed=seed_of(study, "head", number),
            )  # fmt: skip
            trials.append(Trial(cell, number, task, (("valid", parts["valid"]), ("test", parts["test"]))))
    return trials


def train(run: Run, trials: Sequence[Trial]) -> None:
    """Train what is not trained yet, and copy each trial's bundle and history into the run's folder."""
    with run.stage("train") as line:
        todo = [t.train for t in trials if not t.train.output.is_dir()]
        line.done, line.found = len(todo), len(trials) - len(todo)
        with progress("train", len(todo), "trials") as step:
            for _ in run_tasks(train_head, todo, run.workers):
                step()
        for t in trials:
            target = trial_dir(run, t)
            if not target.is_dir():
                _copy_whole(t.train.output, target)


def _copy_whole(source: Path, target: Path) -> None:
    """Copy a folder so that it is whole or not there; another process may be doing the same."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.part")
    shutil.copytree(source, beside)
    try:
        beside.rename(target)
    except OSError:
        shutil.rmtree(beside)


def trial_dir(run: Run, trial: Trial) -> Path:
    """Where a trial's results lie in the run's folder."""
    return run.folder / "cells" / trial.cell.name / f"trial-{trial.number}"


def predict(run: Run, trials: Sequence[Trial], splits: Mapping[int, Split]) -> None:
    """Predictions of valid and test for every trial."""
    with run.stage("predict") as line:
        patient_of = {f.image_id: f.patient_id for f in run.manifest.films}
        tasks = []
        for t in trials:
            out = trial_dir(run, t) / "predictions.csv"
            if out.with_suffix(".header.json").exists():
                line.found += 1
                continue
            ids = {i for _, films in t.held_out for i in films.image_ids}
            tasks.append(
                PredictTask(
                    str(t.train.output / "bundle"),
                    t.held_out,
                    {i: patient_of[i] for i in ids},
                    {i: splits[t.number].group_of[i] for i in ids},
                    str(out),
                )
            )
        line.done = len(tasks)
        with progress("predict", len(tasks), "trials") as step:
            for _ in run_tasks(predict_trial, tasks, run.workers):
                step()


def write_seconds(
    run: Run, trials: Sequence[Trial], stores: Mapping[str, FeatureStore], prepare_s: float, n_rows: int
) -> None:
    """seconds.json of each trial: what it would have cost alone, and its share of what was computed once for all.

    Preparation and features are counted by measured seconds a film; a trial alone would compute every distinct film of its own.
    """
    cells_of_backbone = {b: sum(t.cell.backbone == b for t in trials) for b in stores}
    per_film = {b: s.seconds_per_film() for b, s in stores.items()}
    distinct = {b: {d for t in trials if t.cell.backbone == b for d in _digests(t)} for b in stores}
    for t in trials:
        path = trial_dir(run, t) / "seconds.json"
        if path.exists():
            continue
        b = t.cell.backbone
        mine = {
            "train": read_json(trial_dir(run, t) / "train.json")["seconds"],
            "predict": read_json(trial_dir(run, t) / "predict.json")["seconds"],
        }
        n_films = len(t.train.train.image_ids) + sum(len(p.image_ids) for _, p in t.held_out)
        write_json(
            path,
            {
                "alone": {
                    "prepare": round(prepare_s * n_films, 3),
                    "featurize": round(per_film[b] * len(_digests(t)), 3),
                    **mine,
                },
                "here": {
                    "prepare": round(prepare_s * n_rows / len(trials), 3),
                    "featurize": round(per_film[b] * len(distinct[b]) / cells_of_backbone[b], 3),
                    **mine,
                },
            },
        )


def _digests(trial: Trial) -> set[str]:
    return {*trial.train.train.digests, *(d for _, p in trial.held_out for d in p.digests)}


def versions() -> dict[str, str]:
    """Versions that a result may depend on."""
    names = ("numpy", "scipy", "scikit-learn", "pillow", "torch", "torchvision", "timm")
    return {"hilum": __version__, "python": platform.python_version(), **{n: version(n) for n in names}}


def write_record(
    run: Run,
    trials: Sequence[Trial],
    weights: Mapping[str, Weights],
    duplicates: Duplicates,
    manifest_path: Path,
    command: str,
) -> None:
    """run.json and what stands beside it: everything that the report says of how the numbers came about."""
    study = run.study
    run.manifest.write(run.folder / "manifest.csv")
    if excluded_path(manifest_path).is_file():
        shutil.copyfile(excluded_path(manifest_path), run.folder / "excluded.csv")
    duplicates.write(run.folder / "duplicates.json")
    warnings = []
    if run.manifest.provenance != "hilum":
        warnings.append(
            f"the manifest's provenance is {run.manifest.provenance}: it was not written by `hilum ingest`, or was changed since"
        )
    constant = [t for t in trials if read_json(trial_dir(run, t) / "predict.json")["constant"]]
    if constant:
        names = ", ".join(f"{t.cell.name} trial {t.number}" for t in constant)
        warnings.append(
            f"the same scores for every film, so nothing was learned or something is broken: {names}"
        )
    value = {
        "header": Header(
            "run", inputs={"manifest": run.manifest.digest, "study": study.digest}, seed=study.seed
        ).to_dict(),
        "name": study.name,
        "title": study.title,
        "study": study.model_dump(mode="json"),
        "study_digest": study.digest,
        "manifest_digest": run.manifest.digest,
        "command": command,
        "classes": study.data.classes,
        "positive": study.data.positive,
        "cells": [{"name": c.name, **asdict(c)} for c in cells(study)],
        "trials": study.grid.trials,
        "seed": study.seed,
        "weights": {
            n: {
                "weights": w.choice,
                "sha256": w.sha256,
                "source": w.source,
                "licence": w.licence,
                "pretrained": w.pretrained,
            }
            for n, w in weights.items()
        },
        "synthetic": run.manifest.header.options.get("synthetic", False),
        "precision": run.precision,
        "batch": run.batch,
        "device": asdict(run.settled),
        "machine": describe(),
        "versions": versions(),
        "pipelines": {n: p.to_dict() for n, p in pipelines(study).items()},
        "no_patient_ids": run.manifest.header.options.get("no_patient_ids", []),
        "redraw_with_trial": list(study.redraw_with_trial),
        "warnings": warnings,
    }
    write_json(run.folder / "run.json", value)


def count_look(run: Run) -> None:
    """Note that this study's test part is being looked at: a line in the workspace's ledger, looks.jsonl."""
    with lock(run.workspace.root / ".looks.lock"):
        line = json.dumps({"study": run.study.name, "run": run.folder.name, "manifest": run.manifest.digest})
        with (run.workspace.root / "looks.jsonl").open("a", encoding="utf-8") as f:
            f.write(line + "\n")


def evaluate_and_report(run: Run) -> Path:
    """Statistics and report, unless they are there and of the same predictions."""
    with run.stage("evaluate") as line:
        if evaluate_run(run.folder):
            count_look(run)
            line.done = 1
        else:
            line.found = 1
    report = run.folder / "report.html"
    with run.stage("report") as line:
        before = report.stat().st_mtime_ns if report.exists() else None
        write_report(run.folder)
        line.done = int(report.stat().st_mtime_ns != before)
        line.found = 1 - line.done
    return report


def run_study(
    study: Study, manifest_path: Path, root: Path, workers: int, command: str
) -> tuple[Path, list[StageLine]]:
    """Do all of a study.

    Args:
        study: Checked study.
        manifest_path: manifest.csv.
        root: The workspace.
        workers: Processes for prepare, train and predict; the results do not depend on it.
        command: What the user typed, for the report.

    Returns:
        The report's path, and a line a stage.
    """
    check_names(study)
    weights = choose_weights(study)
    with watch_memory() as peak:
        start = time.perf_counter()
        run = open_run(study, Manifest.read(manifest_path), Workspace(root), workers, weights)
        say(
            f"study {study.name}: {len(run.manifest)} films, {len(cells(study))} cells x {study.grid.trials} trials, in {run.folder}"
        )
        duplicates = find_or_make_duplicates(run)
        splits = draw_splits(run, duplicates)
        prepared, rows, prepare_s = prepare(run, splits)
        write_drawn(run, splits, rows)
        stores = {b: featurize_backbone(run, b, weights[b], prepared, rows) for b in study.grid.backbones}
        trials = plan_trials(run, splits, rows, stores, weights)
        train(run, trials)
        predict(run, trials, splits)
        write_seconds(run, trials, stores, prepare_s, len(rows))
        if not (run.folder / "run.json").exists():
            write_record(run, trials, weights, duplicates, manifest_path, command)
        facts = run.folder / "run_facts.json"
        if not facts.exists():
            write_json(run.folder / "stages.json", [asdict(line) for line in run.lines])
            write_json(
                facts,
                {
                    "seconds": round(time.perf_counter() - start, 1),
                    "peak_rss_bytes": peak.resident_bytes,
                    "peak_anonymous_bytes": peak.anonymous_bytes,
                },
            )
        report = evaluate_and_report(run)
    return report, run.lines
