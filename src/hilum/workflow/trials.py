"""The trials of a study as tasks: what each is trained on, on features or end to end, and where its results go."""

from __future__ import annotations

import shutil
from pathlib import Path

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.features import FeatureStore
from hilum.artifacts.finding_runs import finding_folder
from hilum.artifacts.kept_logits import KeptLogits
from hilum.artifacts.trial_files import PREDICT, PREDICTIONS, trial_folder
from hilum.core.files import writing_folder
from hilum.core.mirror import brought
from hilum.core.progress import progress
from hilum.inference.shapes import lacking_shapes, make_shapes
from hilum.models.feature_engine import TORCH
from hilum.models.heads import head_for
from hilum.stages.predict import PredictTask, predict_trial
from hilum.stages.source_rule import predict_by_source
from hilum.stages.train import grouped, train_heads
from hilum.study.probes import NO_PROBE
from hilum.training.task import Frozen, TrainTask, Whole
from hilum.workflow.ensembles import kept_parts
from hilum.workflow.plan import Recipe, seed_of
from hilum.workflow.state import Run
from hilum.workflow.trial import Trial
from hilum.workflow.workspace import Settled


def plan_trials(run: Run) -> list[Trial]:
    """Every trial of every cell that learns; its films must be prepared, and their features there."""
    return [plan_trial(run, recipe, n) for recipe in run.recipes if recipe.learns for n in run.draws.trials]


def plan_trial(run: Run, recipe: Recipe, number: int) -> Trial:
    """A trial of a cell as a task."""
    study, cell, classes = run.study, recipe.cell, run.study.data.classes
    drawn = run.drawn[recipe.draw(number)]
    store = run.stores[recipe.features_of] if recipe.finetune is None else None
    w, engine = run.weights[recipe.features_of], run.feature_engines.get(recipe.features_of, TORCH)
    template = Bundle(
        classes=tuple(classes), positive=study.data.positive, backbone=cell.backbone,
        weights={"choice": w.choice, "sha256": w.sha256, "source": w.source, "seed": study.seed},
        state_sha256=store.spec.state_sha256 if store else "", precision=engine.precision(run.precision), batch=run.batch,
        preparation=recipe.pipeline.to_dict(), head=head_for(recipe.head, study.data.task), operating_point={}, calibration={},
        training={"study": study.name, "trial": number, "schedule": cell.schedule}, unsafe=tuple(cell.unsafe),
        probe="" if cell.probe == NO_PROBE else cell.probe,
        lungs=dict(run.lungs_facts) if recipe.pipeline.predicts_with_lungs else {}, task=study.data.task,
        engine=engine.facts,
    )  # fmt: skip
    task = TrainTask(
        folder=run.workspace.trials, drawn=run.drawn_path(recipe.draw(number)), train_digest=drawn.digest_of("train", classes),
        valid_digest=drawn.digest_of("valid", classes), template=template, policy=recipe.policy, loss=recipe.loss,
        training=recipe.training, threshold_rule=study.statistics.operating_point, split_digest=drawn.header.inputs["split"],
        seed=seed_of(study, cell.seed, "head", number), body=_body(run, recipe, store), softmax_first=recipe.softmax_first,
    )  # fmt: skip
    return Trial(recipe, number, task, drawn, trial_folder(run.folder, cell.name, number))


def _body(run: Run, recipe: Recipe, store: FeatureStore | None) -> Frozen | Whole:
    """What becomes of a cell's backbone."""
    if store is not None:
        return Frozen(store.spec, run.workspace.features, run.workspace.prepared)
    assert recipe.finetune is not None
    # one thread where trainings go side by side, so that the number of workers makes no difference
    threads = run.settled.threads if recipe.finetune.devices > 1 else 1
    return Whole(
        run.weights[recipe.features_of], recipe.finetune, run.workspace.prepared, run.settled.device, run.settled.name, threads
    )  # fmt: skip


def train(run: Run) -> None:
    """Train what is not trained yet, and copy each trial's bundle and history into the run's folder."""
    with run.stage("train") as line:
        brought(*(t.train.output for t in run.trials if not t.train.output.is_dir()))
        todo = [t.train for t in run.trials if not t.train.finished]
        line.done, line.found = len(todo), len(run.trials) - len(todo)
        heads = [t for t in todo if isinstance(t.body, Frozen)]
        networks = [t for t in todo if isinstance(t.body, Whole)]
        with progress("train", len(todo), "trials") as step:
            for n in run.engine.map(train_heads, grouped(heads, run.engine.cores)):
                step(n)
            if networks:
                from hilum.stages.finetune import finetune  # late: lightning_fabric takes two seconds

                several = any(r.finetune is not None and r.finetune.devices > 1 for r in run.recipes)
                alone = 0 if side_by_side(run) else run.settled.threads
                for _ in run.engine.map(
                    finetune, networks, here=several, alone=alone
                ):  # several: all of this machine's devices
                    step()
        new = [t for t in run.trials if not t.folder.is_dir()]
        brought(*(t.train.output for t in new), large=True)
        for t in new:
            t.folder.parent.mkdir(parents=True, exist_ok=True)
            with writing_folder(t.folder) as part:
                shutil.copytree(t.train.output, part)


def side_by_side(run: Run) -> bool:
    """Whether whole networks may be trained at the same time: on a CPU, one process each."""
    return run.settled.device == "cpu" and all(
        r.finetune is None or r.finetune.devices == 1 for r in run.recipes
    )


_FEW_SCORES = 8000
"""Films through heads, counted once a trial, that are scored in less time than a process takes to begin."""


def scored_here(n_scores: int, any_whole: bool) -> bool:
    """Whether trials are scored in this process: few films (counted once a trial) through heads."""
    return n_scores < _FEW_SCORES and not any_whole


def threads_of_scoring(settled: Settled) -> int:
    """Threads that a trial takes for itself while it is scored: all where it needs a GPU, none where trials go side by side."""
    return 0 if settled.device == "cpu" else settled.threads


def predict(run: Run) -> None:
    """Predictions of valid and test for every trial."""
    with run.stage("predict") as line:
        tasks, scored = [], 0
        for t in run.trials:
            out, kept = t.folder / PREDICTIONS, kept_parts(run, t.recipe)
            if out.exists() and out.with_name(PREDICT).exists() and KeptLogits.has(t.folder, kept):
                line.found += 1
                continue
            scored += sum(t.n_scored.values())
            tasks.append(
                PredictTask(
                    t.folder / "bundle", t.train.drawn, t.train.body, out, t.recipe.second_softmax, kept=kept, findings=_apart(run, t),
                )
            )  # fmt: skip
        line.done = len(tasks)
        here = scored_here(scored, any(isinstance(t.train.body, Whole) for t in run.trials))
        shards = dict.fromkeys(key for t in run.trials for key in t.drawn.shards) if tasks else {}
        lacking = lacking_shapes(run.workspace.prepared, shards)
        with progress("predict: what gates see", len(lacking), "shards") as step:
            for _ in run.engine.map(make_shapes, lacking, here=here):
                step()
        with progress("predict", len(tasks), "trials") as step:
            for _ in run.engine.map(predict_trial, tasks, here=here, alone=threads_of_scoring(run.settled)):
                step()


def _apart(run: Run, trial: Trial) -> tuple[tuple[str, Path], ...]:
    """Each finding of a study of several, with the folder of the trial in that finding's run."""
    cell, n = trial.recipe.cell.name, trial.number
    return tuple((f, trial_folder(finding_folder(run.folder, f), cell, n)) for f in run.study.data.findings)


def predict_by_rule(run: Run) -> None:
    """Predictions of the rule of the source, which no model is trained for."""
    with run.stage("source rule") as line:
        sources = dict(zip(run.films.films.ids, run.films.texts("source"), strict=True))
        for recipe in (r for r in run.recipes if not r.learns):
            for n in run.draws.trials:
                out = trial_folder(run.folder, recipe.cell.name, n) / PREDICTIONS
                if out.exists() and out.with_name(PREDICT).exists():
                    line.found += 1
                    continue
                predict_by_source(
                    run.drawn[recipe.draw(n)], sources, run.study.data.classes, run.study.data.positive, out
                )
                line.done += 1
