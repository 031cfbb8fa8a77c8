"""Finished models on other films: `hilum evaluate MODEL --on MANIFEST`.

`origin` says whose models they are, `films` which films may be asked, and `evaluate_on` walks the rest: a run's folder of its own, with
the cells, bundles and trials of the run that the models came from, predictions by the fixed steps of each bundle, and the evaluation and
report that every run has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import torch

from hilum.artifacts.drawn_films import DrawnFilms, DrawnPart, FactsOf, drawn_path
from hilum.artifacts.features import FeatureStore
from hilum.artifacts.flow import FLOW, IN_MANIFEST, STUDY_FILMS, Flow, FlowStep, TrialFlow
from hilum.artifacts.header import Header
from hilum.artifacts.manifest import Manifest
from hilum.artifacts.outside import Outside
from hilum.artifacts.prepared import PreparedStore, Wanted
from hilum.artifacts.run import RECORD
from hilum.artifacts.run_files import DUPLICATES, MANIFEST, SPLITS, StageLine
from hilum.artifacts.split import Split
from hilum.artifacts.trial_files import PREDICT, PREDICTIONS, trial_folder
from hilum.augment.pipeline import Pipeline
from hilum.core.digests import digest, sha256_file
from hilum.core.engine import Engine
from hilum.core.files import write_bytes
from hilum.core.progress import progress, say
from hilum.inference.frozen import engine_of_features, load_backbone, precision_of
from hilum.inference.judged import gate_of
from hilum.models.backbone import Precision
from hilum.models.machine import exact_arithmetic, keep_memory
from hilum.models.weights import RANDOM
from hilum.report.numbers import counted
from hilum.stages.ensemble import MemberTrial, ask_elsewhere
from hilum.stages.evaluate import evaluate_run
from hilum.stages.predict import PredictTask, predict_trial
from hilum.stages.prepare import FilmLungs
from hilum.stages.prepare import plan as plan_prepare
from hilum.stages.report import write_report
from hilum.study.faults import that_set
from hilum.study.tables import FinetuneTable
from hilum.training.task import Frozen, Whole
from hilum.workflow.feature_specs import feature_spec
from hilum.workflow.lungs import lungs_as_predicted
from hilum.workflow.outside.beside import beside
from hilum.workflow.outside.films import Chosen, chosen
from hilum.workflow.outside.origin import Origin, origin_of
from hilum.workflow.steps import fill, prepared_rows
from hilum.workflow.workspace import Settled, Workspace

_TRIAL = 1
"""Every trial is asked of the same films, prepared in the same way."""


@dataclass(frozen=True)
class _Circumstances:
    """What features depend on, as a bundle and the workspace have it."""

    precision: Precision
    batch: int
    settled: Settled


def evaluate_on(
    model: Path, manifest: Path, labels: Mapping[str, str], out: Path | None, engine: Engine, command: str
) -> Path:
    """Evaluate a run's models, or one bundle, on other films.

    Args:
        model: Folder of a run, or of a bundle.
        manifest: The films.
        labels: Label of the manifest -> class of the model, where their names differ.
        out: The workspace that it goes to; else that of the run.
        engine: Where tasks run.
        command: What the user typed.

    Returns:
        The report's path.

    Raises:
        InputError: No such model, label or class; no film is left; films that cannot be read.
        UnsafeError: A bundle that is unsafe; a whole run's are taken, and the page says so.
    """
    origin = origin_of(model)
    workspace = Workspace(out or origin.workspace)
    for u, bundle in origin.bundles.items():
        gate_of(bundle, u.bundle)  # refused before the first film is opened
    given = origin.relabelled(Manifest.read(manifest), labels)
    without, lungs = lungs_as_predicted(given.films, list(origin.bundles.values()), workspace.masks, engine)
    films = chosen(given, labels, origin, workspace, engine, without)
    weights = [sha256_file(u.bundle / "bundle.json") for u in origin.units]
    folder = workspace.runs / f"{origin.name}--on-{digest([films.kept.digest, weights])[:12]}"
    say(
        f"{counted(len(films.kept), 'film')} of {len(films.given)} in {folder}; left out: {films.left_out_words}"
    )
    settled = workspace.settled(engine.device)
    exact_arithmetic()
    keep_memory()
    torch.set_num_threads(settled.threads)
    if not (folder / RECORD).is_file():
        _write_films(folder, films, origin)
        _predict(folder, films, lungs, origin, workspace, settled, engine)
        record = origin.record_of(films.kept, manifest, command, asdict(settled))
        record.write(folder / RECORD)
    if Outside.of_run(folder) is None:
        beside(folder, films, origin, engine).write(folder)
    evaluate_run(folder)
    return write_report(folder)


def _write_films(folder: Path, films: Chosen, origin: Origin) -> None:
    """What says which films there are: manifest, copies, splits whose test part they are, bundles, and their flow."""
    kept = films.kept
    kept.write(folder / MANIFEST)
    films.copies.write(folder / DUPLICATES)
    header = Header(
        "split",
        inputs={"manifest": kept.digest, "duplicates": films.copies.digest},
        options={"method": "outside"},
    )
    split = Split({"test": list(kept.by_id)}, films.group_of, header)
    n = len(kept)
    trials = []
    for trial in range(1, origin.n_trials + 1):
        split.write(folder / SPLITS / f"trial-{trial}.json")
        trials.append(TrialFlow("", trial, {"train": 0, "valid": 0, "test": n}, {}, 0, 0, 0, {"test": n}))
    steps = (
        FlowStep(IN_MANIFEST, len(films.given)),
        FlowStep(STUDY_FILMS, n, films.dropped, kept.count_by("label")),
    )
    Flow(steps, tuple(trials), Header("flow", inputs={"manifest": kept.digest})).write(folder / FLOW)
    for u in origin.units:
        to = trial_folder(folder, u.cell.name, u.trial) / "bundle"
        for file in sorted(p for p in u.bundle.iterdir() if p.is_file()):
            write_bytes(to / file.name, file.read_bytes())


def _predict(
    folder: Path,
    films: Chosen,
    lungs: FilmLungs | None,
    origin: Origin,
    workspace: Workspace,
    settled: Settled,
    engine: Engine,
) -> None:
    """Predictions of every trial of every cell: a film is prepared once a preparation, and passes a backbone once a preparation."""
    bundles = origin.bundles
    pipelines = {u.cell.prepared_as: Pipeline.from_dict(b.preparation).certain for u, b in bundles.items()}
    wanted = {name: Wanted(name, "test", 0) for name in pipelines}
    all_of_it = {i: list(wanted.values()) for i in films.kept.films.ids}
    chunks = plan_prepare(films.kept.by_id, all_of_it, pipelines, lungs)
    store, line = PreparedStore(workspace.prepared), StageLine("prepare")
    rows, _ = prepared_rows(engine, store, chunks, line)
    listed = {name: DrawnPart(rows, [(i, w) for i in films.kept.films.ids]) for name, w in wanted.items()}
    digests = {name: part.pixels for name, part in listed.items()}
    facts = FactsOf(films.kept.films.ids, films.kept, films.group_of)
    for name, part in listed.items():
        parts = {"train": (), "valid": (), "test": part}
        drawn = DrawnFilms(Header("prepared"), parts, facts, chunks.keys)
        drawn.write(drawn_path(folder, "", name, _TRIAL))
    tasks = []
    models = {u: b for u, b in bundles.items() if not b.members}
    kept = ("test",) if len(models) < len(bundles) else ()
    for u, b in models.items():
        out = trial_folder(folder, u.cell.name, u.trial) / PREDICTIONS
        if out.is_file() and out.with_name(PREDICT).is_file():
            continue
        body: Frozen | Whole
        if b.network == "whole":
            body = Whole(RANDOM, FinetuneTable(), workspace.prepared, settled.device, settled.name)
        else:
            size = pipelines[u.cell.prepared_as].output_size
            spec = feature_spec(
                _Circumstances(precision_of(b), b.batch, settled), b.backbone, b.state_sha256, size,
                engine_of_features(b, settled.device),
            )  # fmt: skip
            features = FeatureStore(workspace.features, spec)
            load = partial(load_backbone, b, u.bundle, settled.device)
            fill(engine, features, load, digests[u.cell.prepared_as], store, line)
            body = Frozen(spec, workspace.features, workspace.prepared)
        twice = bool(that_set(u.cell.switches, "second_softmax"))
        drawn_at = drawn_path(folder, "", u.cell.prepared_as, _TRIAL)
        tasks.append(PredictTask(u.bundle, drawn_at, body, out, twice, "fixed steps only", kept))
    with progress("predict", len(tasks), "trials") as step:
        for _ in engine.map(predict_trial, tasks, alone=settled.threads):
            step()
    prepared_as = {u.cell.name: u.cell.prepared_as for u in models}
    for u in (u for u in bundles if u not in models):
        members = [
            MemberTrial(c, trial_folder(folder, c, u.trial), drawn_path(folder, "", prepared_as[c], _TRIAL))
            for c in u.cell.members
        ]
        ask_elsewhere(trial_folder(folder, u.cell.name, u.trial), members, workspace.prepared)
