"""Run a study: manifest -> splits -> prepared films -> features -> trials -> predictions -> statistics -> report.

Each step looks for what is already there, by digest, and does the rest. Nothing is kept in memory that a killed run would miss.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from pathlib import Path

import torch

from hilum.artifacts.duplicates import Duplicates
from hilum.artifacts.features import FeatureSpec, FeatureStore
from hilum.artifacts.header import write_json
from hilum.artifacts.manifest import Manifest
from hilum.artifacts.prepared import PreparedRow, PreparedStore, Wanted
from hilum.artifacts.run import NAME, is_run, renew_reporting
from hilum.core.engine import Engine
from hilum.core.memory import watch_memory
from hilum.core.progress import progress, say
from hilum.models.backbone import FrozenBackbone, Precision, build_network
from hilum.models.registry import backbone
from hilum.models.weights import state_sha256
from hilum.report.numbers import counted
from hilum.stages.duplicates import exact_duplicates, find_duplicates
from hilum.stages.evaluate import evaluate_run
from hilum.stages.featurize import Featurizer
from hilum.stages.featurize import plan as plan_featurize
from hilum.stages.prepare import plan as plan_prepare
from hilum.stages.prepare import prepare_chunk
from hilum.stages.report import write_report
from hilum.study.file import Study
from hilum.workflow.asked import Asked
from hilum.workflow.checks import findings, refuse
from hilum.workflow.draws import Films, Splits, all_wanted, wanted_of
from hilum.workflow.facts import write_record, write_seconds
from hilum.workflow.finished import note_finished
from hilum.workflow.flow import write_flow
from hilum.workflow.plan import cells, recipes
from hilum.workflow.stage_line import StageLine
from hilum.workflow.state import FeaturesOf, Run, choose_weights, open_run, study_films
from hilum.workflow.trials import Rows, plan_trials, predict, train, write_drawn
from hilum.workflow.workspace import Workspace


def find_or_make_duplicates(run: Run) -> Duplicates:
    """Copies among the study's films."""
    if not run.study.data.near_duplicates:
        return exact_duplicates(run.manifest)
    path = run.workspace.duplicates_of(run.manifest)
    with run.stage("duplicates") as line:
        if path.exists():
            line.found = len(run.manifest)
            return Duplicates.read(path)
        found = find_duplicates(run.manifest, run.engine)
        found.write(path)
        line.done = len(run.manifest)
    return found


def draw_splits(run: Run, duplicates: Duplicates, write: bool = True) -> Splits:
    """The split of each trial, of the plain study and of every drawing of a cell, written into the run's folder."""
    splits = Splits(Films(run.study, run.manifest, duplicates), run.folder / "splits" if write else None)
    with run.stage("split") as line:
        for drawing in dict.fromkeys([splits.plain, *(r.drawing for r in run.recipes)]):
            for trial in run.trials:
                splits.of(drawing, trial)
                line.done += 1
    return splits


def films_wanted(run: Run, splits: Splits) -> dict[str, list[Wanted]]:
    """Every prepared film that some trial wants."""
    kinds = dict.fromkeys((r.pipeline.name, r.drawing) for r in run.recipes)
    return all_wanted(
        wanted_of(run.study, run.manifest, splits.of(drawing, trial), pipeline, drawing.seed, trial)
        for pipeline, drawing in kinds
        for trial in run.trials
    )


def prepare(run: Run, splits: Splits) -> tuple[PreparedStore, dict[tuple[str, Wanted], PreparedRow], float]:
    """Prepare every film that is wanted; gives the store, the rows by (film, wanted), and seconds a prepared film."""
    store = PreparedStore(run.workspace.prepared)
    pipelines = {r.pipeline.name: r.pipeline for r in run.recipes}
    tasks = plan_prepare(run.manifest.by_id, films_wanted(run, splits), pipelines, store.folder)
    with run.stage("prepare") as line:
        todo = [t for t in tasks if not store.has(t.key)]
        line.found = sum(len(t.films) for t in tasks) - sum(len(t.films) for t in todo)
        with progress("prepare", sum(len(t.films) for t in todo)) as step:
            for n in run.engine.map(prepare_chunk, todo):
                line.done += n
                step(n)
        rows: dict[tuple[str, Wanted], PreparedRow] = {}
        seconds = 0.0
        for task in tasks:
            shard, took = store.read(task.key)
            seconds += took
            rows.update({(r.image_id, r.wanted): r for r in shard})
    return store, rows, seconds / max(len(rows), 1)


def feature_spec(run: Run, name: str, state: str, size_px: tuple[int, int]) -> FeatureSpec:
    """What the features of a backbone depend on in this run."""
    b = backbone(name)
    return FeatureSpec(
        backbone=name, tap=b.tap, state_sha256=state, mean=b.mean, std=b.std, precision=run.precision, batch=run.batch,
        size_px=size_px, device=f"{run.settled.device}: {run.settled.name}",
        threads=run.settled.threads if run.settled.device == "cpu" else 0,
        versions={"torch": torch.__version__, b.library: version(b.library)}, dtype="float16" if b.spatial else "float32",
    )  # fmt: skip


def featurize_frozen(
    run: Run, splits: Splits, prepared: PreparedStore, rows: Rows
) -> dict[FeaturesOf, FeatureStore]:
    """Features of the prepared films that frozen cells want, from each of their backbones."""
    stores = {}
    for which in dict.fromkeys(r.features_of for r in run.recipes if r.finetune is None):
        kinds = {
            (r.pipeline.name, r.drawing) for r in run.recipes if r.finetune is None and r.features_of == which
        }
        digests: dict[str, None] = {}
        for pipeline, drawing in sorted(kinds, key=lambda k: (k[0], k[1].name)):
            for trial in run.trials:
                split = splits.of(drawing, trial)
                wanted = wanted_of(run.study, run.manifest, split, pipeline, drawing.seed, trial)
                digests.update(dict.fromkeys(rows[w].digest for ws in wanted.values() for w in ws))
        stores[which] = _featurize(run, which, prepared, list(digests))
    return stores


def _featurize(run: Run, which: FeaturesOf, prepared: PreparedStore, digests: Sequence[str]) -> FeatureStore:
    name, random = which
    weights = run.weights[which]
    with run.stage(f"featurize {name}{' (random)' if random else ''}") as line:
        state = state_sha256(build_network(backbone(name), weights, run.study.seed))
        spec = feature_spec(run, name, state, next(iter(prepared.sizes())))
        store = FeatureStore(run.workspace.features, spec)
        missing = store.missing(digests)
        precision: Precision = "bf16" if run.precision == "bf16" else "fp32"
        load = partial(FrozenBackbone, backbone(name), weights, run.study.seed, precision, run.settled.device)
        with progress(f"featurize {name}", len(missing)) as step:
            # one place with all its threads: a film's features follow the order of sums
            line.done = sum(
                run.engine.map(Featurizer(store, load, step), plan_featurize(missing, prepared), alone=True)
            )
        store.refresh()
        line.found = len(digests) - line.done
    return store


def evaluate_and_report(run: Run) -> Path:
    """Statistics and report, unless they are there and of the same predictions."""
    with run.stage("evaluate") as line:
        line.done = int(evaluate_run(run.folder))
        line.found = 1 - line.done
    report = run.folder / "report.html"
    with run.stage("report") as line:
        before = report.stat().st_mtime_ns if report.exists() else None
        write_report(run.folder)
        line.done = int(report.stat().st_mtime_ns != before)
        line.found = 1 - line.done
    return report


def run_study(
    study: Study, manifest_path: Path, root: Path, engine: Engine, command: str
) -> tuple[Path, list[StageLine]]:
    """Do all of a study.

    Args:
        study: Checked study.
        manifest_path: manifest.csv.
        root: The workspace.
        engine: Where the tasks of the stages run; the results do not depend on it.
        command: What the user typed, for the report.

    Returns:
        The report's path, and a line a stage.

    Raises:
        InputError: Something stands in the way: all of it, before the first film is read (`hilum.workflow.checks`).
    """
    with watch_memory() as peak:
        start = time.perf_counter()
        whole = Manifest.read(manifest_path)
        asked = Asked(study, whole, Workspace(root), engine)
        refuse(findings(asked))
        as_read = study
        study, planned = asked.study, recipes(asked.study)
        weights = choose_weights(study, planned)
        run = open_run(study, planned, whole, Workspace(root), engine, weights)
        say(
            f"study {study.name}: {len(run.manifest)} films, {counted(len(cells(study)), 'cell')} x "
            f"{counted(study.grid.trials, 'trial')}, in {run.folder}"
        )
        duplicates = find_or_make_duplicates(run)
        splits = draw_splits(run, duplicates)
        prepared, rows, prepare_s = prepare(run, splits)
        write_drawn(run, splits, rows)
        stores = featurize_frozen(run, splits, prepared, rows)
        trials = plan_trials(run, splits, rows, prepared, stores)
        train(run, trials)
        predict(run, trials)
        write_seconds(run, trials, stores, prepare_s, len(rows))
        write_flow(run, trials, splits, whole, manifest_path)
        if not is_run(run.folder):
            before = study.model_copy(update={"data": study.data.model_copy(update={"subset": None})})
            counts = study_films(before, whole).count_by("label") if study.data.subset else {}
            write_record(run, trials, splits, duplicates, counts, manifest_path, command)
        renew_reporting(run.folder / NAME, run.study.reporting.model_dump(mode="json"))
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
    files = [w.path for w in weights.values() if w.path is not None]
    note_finished(as_read, manifest_path, run.workspace.root, run.folder, files, run.lines)
    return report, run.lines
