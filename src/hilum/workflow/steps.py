"""The steps of a run, in order: films -> splits -> prepared films -> features -> trials -> predictions -> record -> statistics -> report.

A step looks for what is already there, by digest, and does the rest; what the steps after it need it leaves in `Work`. An optional stage
is one entry of `STEPS`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from hilum.artifacts.drawn_films import DrawnFilms, drawn_path
from hilum.artifacts.duplicates import Duplicates
from hilum.artifacts.features import FeatureSpec, FeatureStore
from hilum.artifacts.manifest import Manifest
from hilum.artifacts.prepared import PreparedRow, PreparedStore, Wanted
from hilum.artifacts.run import NAME, is_run, renew_reporting
from hilum.artifacts.run_files import FACTS, RunFacts
from hilum.core.memory import MemoryPeak
from hilum.core.progress import progress
from hilum.models.backbone import FrozenBackbone, Precision, build_network
from hilum.models.registry import backbone
from hilum.models.weights import state_sha256
from hilum.paper.side_by_side import papers_numbers
from hilum.stages.duplicates import exact_duplicates, find_duplicates
from hilum.stages.evaluate import evaluate_run
from hilum.stages.featurize import Featurizer
from hilum.stages.featurize import plan as plan_featurize
from hilum.stages.prepare import plan as plan_prepare
from hilum.stages.prepare import prepare_chunk, tasks_of
from hilum.stages.report import write_report
from hilum.study.file import Study
from hilum.workflow import trials
from hilum.workflow.draws import Films, Kind, Splits, all_wanted, drawn_from, kinds_of, wanted_by_kind
from hilum.workflow.facts import write_record, write_seconds
from hilum.workflow.flow import write_flow
from hilum.workflow.state import FeaturesOf, Run, study_films
from hilum.workflow.trials import Trial


@dataclass
class Work:
    """A run and what its steps have made so far.

    Attributes:
        run: The run.
        whole: The manifest that its films were chosen from.
        manifest_path: Where that lies.
        command: What the user typed.
        splits_folder: Where splits are written; None to write none.
        peak: The most memory that was used.
        began: When the run began, as `time.perf_counter` has it.
        duplicates: Copies among its films.
        splits: The split of each trial of each drawing.
        prepared: Where the prepared films are.
        drawn_folder: The folder in which what each trial draws is written, as in a run's.
        drawn: What each trial draws.
        n_prepared: Prepared films that some trial wants.
        prepare_s: Seconds a prepared film.
        stores: Features of each (backbone, random by a fault).
        trials: Its trials.
    """

    run: Run
    whole: Manifest
    manifest_path: Path
    splits_folder: Path | None
    drawn_folder: Path
    command: str = ""
    peak: MemoryPeak = field(default_factory=MemoryPeak)
    began: float = field(default_factory=time.perf_counter)
    duplicates: Duplicates = field(init=False)
    splits: Splits = field(init=False)
    prepared: PreparedStore = field(init=False)
    drawn: dict[Kind, DrawnFilms] = field(default_factory=dict)
    n_prepared: int = field(init=False)
    prepare_s: float = field(init=False)
    stores: dict[FeaturesOf, FeatureStore] = field(init=False)
    trials: list[Trial] = field(init=False)

    def drawn_path(self, kind: Kind) -> Path:
        """Where what a trial draws is written."""
        pipeline, drawing, trial = kind
        return drawn_path(self.drawn_folder, self.splits.folder_name(drawing), pipeline, trial)


@dataclass(frozen=True)
class Step:
    """One step of a run.

    Attributes:
        name: What it is called.
        wanted: Whether a study has it.
        run: Does it, or finds it done.
    """

    name: str
    wanted: Callable[[Study], bool]
    run: Callable[[Work], None]


def walk(steps: Iterable[Step], work: Work) -> None:
    """Run the steps that the study wants, one after another."""
    for step in steps:
        if step.wanted(work.run.study):
            step.run(work)


def _find_equal_films(work: Work) -> None:
    work.duplicates = exact_duplicates(work.run.manifest)


def _find_copies(work: Work) -> None:
    run = work.run
    path = run.workspace.duplicates_of(run.manifest)
    with run.stage("duplicates") as line:
        if path.exists():
            line.found = len(run.manifest)
            work.duplicates = Duplicates.read(path)
            return
        work.duplicates = find_duplicates(run.manifest, run.engine)
        work.duplicates.write(path)
        line.done = len(run.manifest)


def _draw_splits(work: Work) -> None:
    """The split of each trial, of the plain study and of every drawing of a cell."""
    run = work.run
    work.splits = splits = Splits(Films(run.study, run.manifest, work.duplicates), work.splits_folder)
    with run.stage("split") as line:
        for drawing in dict.fromkeys([splits.plain, *(r.drawing for r in run.recipes)]):
            for trial in run.trials:
                splits.of(drawing, trial)
                line.done += 1


def _prepare(work: Work) -> None:
    """Every prepared film that some trial wants, and the list of what each trial draws."""
    run = work.run
    kinds = kinds_of(run.recipes, run.trials)
    wanted = wanted_by_kind(run.study, run.manifest, work.splits, kinds)
    work.prepared = store = PreparedStore(run.workspace.prepared)
    pipelines = {r.pipeline.name: r.pipeline for r in run.recipes}
    chunks = plan_prepare(run.manifest.by_id, all_wanted(wanted.values()), pipelines)
    with run.stage("prepare") as line:
        keys = [c.key for c in chunks]
        todo = [c for c, key in zip(chunks, keys, strict=True) if not store.has(key)]
        line.found = sum(len(c.films) for c in chunks) - sum(len(c.films) for c in todo)
        store.folder.mkdir(parents=True, exist_ok=True)
        with (
            progress("prepare", sum(len(c.films) for c in todo)) as step,
            TemporaryDirectory(dir=store.folder, prefix=".tasks-") as scratch,
        ):
            for n in run.engine.map(prepare_chunk, tasks_of(todo, Path(scratch), store.folder)):
                line.done += n
                step(n)
        rows: dict[tuple[str, Wanted], PreparedRow] = {}
        seconds = 0.0
        for key in keys:
            shard, took = store.read(key)
            seconds += took
            rows.update({(r.image_id, r.wanted): r for r in shard})
    work.n_prepared, work.prepare_s = len(rows), seconds / max(len(rows), 1)
    for kind in kinds:
        split = work.splits.of(*kind[1:])
        work.drawn[kind] = drawn = drawn_from(wanted.pop(kind), rows, split, run.manifest, keys)
        path = work.drawn_path(kind)
        if not path.exists():
            drawn.write(path)


def feature_spec(run: Run, name: str, state: str, size_px: tuple[int, int]) -> FeatureSpec:
    """What the features of a backbone depend on in this run."""
    b = backbone(name)
    return FeatureSpec(
        backbone=name, tap=b.tap, state_sha256=state, mean=b.mean, std=b.std, precision=run.precision, batch=run.batch,
        size_px=size_px, device=f"{run.settled.device}: {run.settled.name}",
        threads=run.settled.threads if run.settled.device == "cpu" else 0,
        versions={"torch": torch.__version__, b.library: version(b.library)}, dtype="float16" if b.spatial else "float32",
    )  # fmt: skip


def _featurize(work: Work) -> None:
    """Features of the prepared films that frozen cells want, from each of their backbones."""
    run, frozen = work.run, [r for r in work.run.recipes if r.finetune is None]
    work.stores = {}
    for which in dict.fromkeys(r.features_of for r in frozen):
        kinds = kinds_of((r for r in frozen if r.features_of == which), run.trials)
        digests: dict[str, None] = {}
        for kind in sorted(kinds, key=lambda k: (k[0], k[1].name, k[2])):
            for part in ("valid", "test", "train"):
                digests.update(dict.fromkeys(f.pixels_sha256 for f in work.drawn[kind].parts[part]))
        work.stores[which] = _features_of(run, which, work.prepared, list(digests))


def _features_of(
    run: Run, which: FeaturesOf, prepared: PreparedStore, digests: Sequence[str]
) -> FeatureStore:
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


def trials_of(work: Work) -> list[Trial]:
    """Every trial of every cell as tasks; the films must be prepared, and their features there."""
    run = work.run
    return [
        trials.plan_trial(run, recipe, n, work.drawn[kind], work.drawn_path(kind), work.stores)
        for recipe in run.recipes
        for n in run.trials
        for kind in [(recipe.pipeline.name, recipe.drawing, n)]
    ]


def _train(work: Work) -> None:
    work.trials = trials_of(work)
    trials.train(work.run, work.trials)


def _record(work: Work) -> None:
    """Everything that the report says of how the numbers came about."""
    run, study = work.run, work.run.study
    write_seconds(run, work.trials, work.stores, work.prepare_s, work.n_prepared)
    write_flow(run, work.trials, work.splits, work.whole, work.manifest_path)
    if not is_run(run.folder):
        before = study.model_copy(update={"data": study.data.model_copy(update={"subset": None})})
        counts = study_films(before, work.whole).count_by("label") if study.data.subset else {}
        write_record(run, work.trials, work.splits, work.duplicates, counts, work.manifest_path, work.command)
    renew_reporting(run.folder / NAME, study.reporting.model_dump(mode="json"))
    if not (run.folder / FACTS).exists():
        took = round(time.perf_counter() - work.began, 1)
        RunFacts(took, work.peak.resident_bytes, work.peak.anonymous_bytes).write(run.folder, run.lines)


def _evaluate(work: Work) -> None:
    with work.run.stage("evaluate") as line:
        line.done = int(evaluate_run(work.run.folder))
        line.found = 1 - line.done


def _report(work: Work) -> None:
    report = work.run.folder / "report.html"
    with work.run.stage("report") as line:
        before = report.stat().st_mtime_ns if report.exists() else None
        write_report(work.run.folder, papers_numbers)
        line.done = int(report.stat().st_mtime_ns != before)
        line.found = 1 - line.done


def _always(_: Study) -> bool:
    return True


def _near_copies(study: Study) -> bool:
    return study.data.near_duplicates


TO_FEATURES = (
    Step("equal films", lambda study: not _near_copies(study), _find_equal_films),
    Step("duplicates", _near_copies, _find_copies),
    Step("split", _always, _draw_splits),
    Step("prepare", _always, _prepare),
    Step("featurize", _always, _featurize),
)
"""Everything before a trial is trained; `hilum find-rate` needs no more."""
STEPS = (
    *TO_FEATURES,
    Step("train", _always, _train),
    Step("predict", _always, lambda work: trials.predict(work.run, work.trials)),
    Step("record", _always, _record),
    Step("evaluate", _always, _evaluate),
    Step("report", _always, _report),
)
"""All of a study."""
