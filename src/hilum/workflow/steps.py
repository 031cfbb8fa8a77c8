"""The steps of a run: films -> lungs -> splits -> audit -> prepared films -> features -> search -> trials -> predictions -> ensembles ->
record -> statistics -> explanations -> report.

A step looks for what is already there, by digest, and does the rest; what the steps after it need it leaves in the run. An optional stage
is one entry of `STEPS`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from hilum.artifacts.drawn_films import pixels_of
from hilum.artifacts.duplicates import Duplicates
from hilum.artifacts.features import FeatureStore
from hilum.artifacts.prepared import PreparedRows, PreparedStore
from hilum.artifacts.run import RECORD, is_run, renew_words
from hilum.artifacts.run_files import FACTS, SPLITS, RunFacts, StageLine, write_stages
from hilum.core.digests import digest
from hilum.core.engine import Engine, Local
from hilum.core.files import scratch_folder
from hilum.core.mirror import brought
from hilum.core.progress import Told, progress
from hilum.core.stamps import stamp
from hilum.models.backbone import FeatureNetwork, build_network
from hilum.models.feature_engine import load_features
from hilum.models.onnx_backbone import INT8
from hilum.models.registry import backbone
from hilum.models.weights import state_sha256
from hilum.paper.side_by_side import papers_numbers
from hilum.stages.duplicates import find_duplicates
from hilum.stages.featurize import Featurizer, keep_vectors
from hilum.stages.featurize import plan as plan_featurize
from hilum.stages.prepare import Chunks, prepare_chunk, tasks_of
from hilum.study.file import Study
from hilum.study.probes import SOURCE_RULE
from hilum.workflow.audit import audit_of_run
from hilum.workflow.draws import StudyDraws
from hilum.workflow.ensembles import make_ensembles, write_seconds_of_ensembles
from hilum.workflow.evaluated import evaluated, reported
from hilum.workflow.explain import explain_run
from hilum.workflow.facts import write_record, write_seconds
from hilum.workflow.feature_specs import feature_spec, threads_for
from hilum.workflow.flow import write_flow
from hilum.workflow.lungs import find_lungs, reads_lungs
from hilum.workflow.plan import FeaturesOf
from hilum.workflow.ranges import films_of_ranges, with_ranges
from hilum.workflow.search import search_values
from hilum.workflow.state import Run
from hilum.workflow.trials import plan_trials, predict, predict_by_rule, train
from hilum.workflow.vectors import vectors_of


@dataclass(frozen=True)
class RunStep:
    """One step of a run.

    Attributes:
        name: What it is called.
        run: Does it, or finds it done.
        wanted: Whether a study has it.
    """

    name: str
    run: Callable[[Run], None]
    wanted: Callable[[Study], bool] = lambda _: True


def walk(steps: Iterable[RunStep], run: Run) -> None:
    """Run the steps that the study wants, one after another; what tasks wrote on other machines is brought after each."""
    run.set_machine()
    for step in steps:
        if step.wanted(run.study):
            step.run(run)
            brought(run.folder)


def _find_copies(run: Run) -> None:
    """Copies among the films, near ones too; where they are not those that were known, the study draws anew."""
    path = run.duplicates_path
    with run.stage("duplicates") as line:
        if path.exists():
            line.found = len(run.films)
            copies = Duplicates.read(path)
        else:
            copies = find_duplicates(run.films, run.engine, run.workspace.duplicates)
            copies.write(path)
            line.done = len(run.films)
    if copies.digest == run.draws.duplicates.digest:
        run.draws.duplicates = copies
    else:
        run.draws = StudyDraws(run.study, run.recipes, run.films, copies)


def _draw_splits(run: Run) -> None:
    """The split of each trial, of the plain study and of every drawing of a cell."""
    with run.stage("split") as line:
        line.done = run.draws.keep_in(run.folder / SPLITS)


def prepared_rows(
    engine: Engine, store: PreparedStore, chunks: Chunks, line: StageLine
) -> tuple[PreparedRows, float]:
    """Prepare what the store lacks of some chunks; gives every row, and the seconds that all took."""
    todo = chunks.lacking(store)
    n_todo = sum(len(chunks.ids(k)) for k in todo)
    line.found = sum(len(chunks.ids(k)) for k in range(len(chunks))) - n_todo
    with progress("prepare", n_todo) as step, scratch_folder(store.folder, "tasks") as scratch:
        tasks = tasks_of((chunks[k] for k in todo), scratch, store.folder)
        for n in engine.map(prepare_chunk, tasks):
            line.done += n
            step(n)
    rows, seconds = PreparedRows(), 0.0
    for k, key in enumerate(chunks.keys):
        shard, took = store.read(key)
        seconds += took
        rows.add(chunks.ids(k), shard)
    return rows, seconds


def _prepare(run: Run) -> None:
    """Prepare the films of every trial, each once, and list what each trial draws."""
    chunks = run.draws.chunks
    with run.stage("prepare") as line:
        rows, seconds = prepared_rows(run.engine, run.prepared, chunks, line)
    run.n_prepared, run.prepare_s = len(rows), seconds / max(len(rows), 1)
    for draw in run.draws.trial_draws:
        run.drawn[draw] = drawn = run.draws.drawn(draw, rows, chunks.keys)
        path = run.drawn_path(draw)
        if not path.exists():
            drawn.write(path)


def _featurize(run: Run) -> None:
    """Features of the prepared films that frozen cells want, from each of their backbones."""
    frozen = [r for r in run.draws.recipes if r.finetune is None]
    for which in dict.fromkeys(r.features_of for r in frozen):
        trial_draws = {r.draw(n) for r in frozen if r.features_of == which for n in run.draws.trials} & set(
            run.drawn
        )
        if backbone(which.backbone).precomputed:
            run.stores[which] = _vectors_of(run, which)
            continue
        digests: dict[str, None] = {}
        for draw in sorted(trial_draws, key=lambda k: (k.pipeline, k.drawing.name, k.trial)):
            for part in ("valid", "test", "train"):
                digests.update(dict.fromkeys(pixels_of(run.drawn[draw].parts[part])))
        run.stores[which] = _features_of(run, which, list(digests))


def _vectors_of(run: Run, which: FeaturesOf) -> FeatureStore:
    """The vectors of a file as the features of the study's films."""
    vectors, ids = vectors_of(run.study, which.backbone), run.films.films.ids
    with run.stage(f"featurize {which.label}") as line:
        store = FeatureStore(
            run.workspace.features, feature_spec(run, which.backbone, vectors.sha256, (0, 0))
        )
        line.done = keep_vectors(store, ids, vectors.of(ids))
        line.found = len(ids) - line.done
    return store


def _features_of(run: Run, which: FeaturesOf, digests: Sequence[str]) -> FeatureStore:
    name, weights, engine = which.backbone, run.weights[which], run.feature_engines[which]
    with run.stage(f"featurize {which.label}") as line:
        state = state_sha256(build_network(backbone(name), weights, run.study.seed))
        size_px = next(iter(run.prepared.sizes()))
        if engine.name == INT8:
            engine = replace(engine, ranges_of=digest(films_of_ranges(run, which)))
        spec = feature_spec(run, name, state, size_px, engine)
        store = FeatureStore(run.workspace.features, spec)
        if engine.ranges_of:
            run.feature_engines[which] = engine = with_ranges(run, which, engine, store)
        load = partial(
            load_features, engine, backbone(name), weights, run.study.seed, run.precision, run.settled.device, size_px
        )  # fmt: skip
        fill(run.engine, store, load, digests, run.prepared, line)
    return store


def fill(
    engine: Engine,
    store: FeatureStore,
    load: Callable[[], FeatureNetwork],
    digests: Sequence[str],
    prepared: PreparedStore,
    line: StageLine,
) -> None:
    """Compute the features that a store lacks of prepared films, named by the digest of their pixels."""
    missing = store.missing(digests)
    tasks, done = plan_featurize(missing, prepared), 0
    with progress(f"featurize {store.spec.backbone}", len(missing)) as step:
        told = Told(step)
        featurizer = Featurizer(store, load, told, behind=True)
        for task, n in zip(tasks, engine.map(featurizer, tasks, alone=threads_for(store.spec)), strict=True):
            told.of_all(len(task.locations))
            done += n
    store.refresh()
    line.done += done
    line.found += len(digests) - done


def _train(run: Run) -> None:
    run.trials = plan_trials(run)
    train(run)


def _record(run: Run) -> None:
    """Everything that the report says of how the numbers came about."""
    write_seconds(run)
    write_seconds_of_ensembles(run)
    write_flow(run)
    if not is_run(run.folder):
        write_record(run)
    renew_words(
        run.folder / RECORD, run.study.model_dump(mode="json", include={"reporting", "audit", "explain"})
    )
    if not (run.folder / FACTS).exists():
        took = round(time.perf_counter() - run.began, 1)
        write_stages(run.folder, run.lines)
        RunFacts(took, run.peak.resident_bytes, run.peak.anonymous_bytes).write(run.folder)


def _evaluate(run: Run) -> None:
    with run.stage("evaluate") as line:
        line.done = int(evaluated(run.folder, engine=Local(run.engine.cores_here)))
        line.found = 1 - line.done


def _report(run: Run) -> None:
    with run.stage("report") as line:
        before = stamp(run.folder / "report.html")
        reported(run.folder, papers_numbers)
        line.done = int(stamp(run.folder / "report.html") != before)
        line.found = 1 - line.done


_TO_SPLITS = (
    RunStep("duplicates", _find_copies, lambda study: study.data.near_duplicates),
    RunStep("lungs", find_lungs, reads_lungs),
    RunStep("split", _draw_splits),
)
_FEATURES = (RunStep("prepare", _prepare), RunStep("featurize", _featurize))
TO_FEATURES = (*_TO_SPLITS, *_FEATURES)
"""Everything before a trial is trained; `hilum find-rate` needs no more."""
STEPS = (
    *_TO_SPLITS,
    RunStep("audit", audit_of_run),
    *_FEATURES,
    RunStep("search", search_values, lambda study: study.search is not None),
    RunStep("train", _train),
    RunStep("predict", predict),
    RunStep("source rule", predict_by_rule, lambda study: SOURCE_RULE in study.probes.kinds),
    RunStep("ensemble", make_ensembles, lambda study: bool(study.ensemble)),
    RunStep("record", _record),
    RunStep("evaluate", _evaluate),
    RunStep("explain", explain_run, lambda study: bool(study.explain.methods)),
    RunStep("report", _report),
)
"""All of a study."""
