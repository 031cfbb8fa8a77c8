"""What a run writes down about itself: run.json, the seconds of each trial, and the ledger of looks at test films."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from importlib.metadata import version

from hilum import __version__
from hilum.artifacts.header import Header
from hilum.artifacts.manifest import excluded_path
from hilum.artifacts.run import RECORD, RunCell, RunRecord, StartWeights
from hilum.artifacts.run_files import DUPLICATES, EXCLUDED, MANIFEST
from hilum.artifacts.trial_files import SECONDS, PredictFacts, Seconds, TrainFacts
from hilum.core.files import write_bytes
from hilum.models.cost import cost_of
from hilum.models.machine import describe
from hilum.models.registry import backbone
from hilum.study.faults import FAULTS
from hilum.workflow.ensembles import cost_of_ensemble, ensembles_of
from hilum.workflow.finished import RESULTS
from hilum.workflow.machine_checks import folded_batchnorm
from hilum.workflow.plan import Recipe
from hilum.workflow.planned_ensembles import PlannedEnsemble
from hilum.workflow.state import Run
from hilum.workflow.vectors import length_of


def write_seconds(run: Run) -> None:
    """seconds.json of each trial: what it would have cost alone, and its share of what was computed once for all.

    Preparation and features are counted by measured seconds a film; a trial alone would compute every distinct film of its own. A trial
    that trained its backbone has no features.
    """
    per_film = {b: s.seconds_per_film() for b, s in run.stores.items()}
    frozen = [t for t in run.trials if t.recipe.finetune is None]
    shared = {}
    for b in run.stores:
        group = [t for t in frozen if t.recipe.features_of == b]
        shared[b] = per_film[b] * len({d for t in group for d in t.drawn.digests}) / max(len(group), 1)
    for t in run.trials:
        if (t.folder / SECONDS).exists():
            continue
        train, predict = TrainFacts.known(t.folder), PredictFacts.known(t.folder)
        took = {"train": train.seconds, "predict": predict.seconds}
        n_films = len(t.drawn.parts["train"]) + sum(t.n_scored.values())
        alone = here = 0.0
        if t.recipe.finetune is None:
            b = t.recipe.features_of
            alone, here = per_film[b] * len(t.drawn.digests), shared[b]
        prepared_here = run.prepare_s * run.n_prepared / len(run.trials)
        Seconds(
            {"prepare": round(run.prepare_s * n_films, 3), "featurize": round(alone, 3), **took},
            {"prepare": round(prepared_here, 3), "featurize": round(here, 3), **took},
        ).write(t.folder)


def versions() -> dict[str, str]:
    """Versions that a result may depend on."""
    return {"hilum": __version__, "python": platform.python_version(), **{n: version(n) for n in RESULTS}}


def _cell(run: Run, recipe: Recipe) -> RunCell:
    cell, start = recipe.cell, run.weights[recipe.features_of]
    return RunCell(
        cell.name, cell.levels, start.choice, start.pretrained, cell.switches, recipe.finetune is not None, recipe.pipeline.name,
        run.draws.folder_name(recipe.drawing), recipe.epochs, recipe.finetune.model_dump() if recipe.finetune else None,
    )  # fmt: skip


def _ensemble(run: Run, e: PlannedEnsemble) -> RunCell:
    start = _start_of(run, e)
    first = _cell(run, e.first)
    return replace(
        first, name=e.cell.name, levels=e.cell.levels, weights=start.weights, pretrained=start.pretrained, finetuned=False,
        finetune=None, epochs=None, members=tuple(m.cell.name for m in e.members),
    )  # fmt: skip


def _start_of(run: Run, e: PlannedEnsemble) -> StartWeights:
    pretrained = all(run.weights[m.features_of].pretrained for m in e.members)
    return StartWeights("those of its members", None, e.words, None, pretrained)


def _libraries(backbones: Iterable[str]) -> list[str]:
    """The libraries that make backbones which are none of the registry's own."""
    return sorted({b.library for b in map(backbone, backbones) if b.made_of})


def _warnings(run: Run, unsafe: Sequence[str]) -> list[str]:
    warnings = []
    if unsafe:
        what = "; ".join(f"{f.replace('_', ' ')} ({FAULTS[f].what})" for f in unsafe)
        warnings.append(f"UNSAFE on purpose, to measure what it is worth: {what}")
    if run.films.provenance != "hilum":
        warnings.append(
            f"the manifest's provenance is {run.films.provenance}: it was not written by `hilum ingest`, or was changed since"
        )
    warnings += [concern.text for concern in folded_batchnorm(run)]
    constant = [t for t in run.trials if PredictFacts.known(t.folder).constant]
    if constant:
        names = ", ".join(f"{t.recipe.cell.name} trial {t.number}" for t in constant)
        warnings.append(
            f"the same scores for every film, so nothing was learned or something is broken: {names}"
        )
    return warnings


def write_record(run: Run) -> None:
    """run.json of a run that was predicted, and what stands beside it: everything that the report says of how the numbers came about."""
    study, films = run.study, run.draws.films
    films.write(run.folder / MANIFEST)
    if excluded_path(run.manifest_path).is_file():
        write_bytes(run.folder / EXCLUDED, excluded_path(run.manifest_path).read_bytes())
    run.draws.duplicates.write(run.folder / DUPLICATES)
    plain = {name: w for (name, random), w in run.weights.items() if not random}
    plain |= {name: w for (name, _), w in run.weights.items() if name not in plain}
    trained = {r.cell.backbone for r in run.recipes if r.finetune is not None and r.finetune.train == "all"}
    made = ensembles_of(run)
    size, n_classes = run.recipes[0].pipeline.output_size[0], len(study.data.classes)
    head = study.training.head
    costs = {n: cost_of(n, size, n_classes, n in trained, length_of(study, n), head) for n in plain}
    unsafe = sorted({f for r in run.recipes for f in r.cell.unsafe})
    RunRecord(
        header=Header("run", inputs={"manifest": films.digest, "study": study.digest}, seed=study.seed),
        name=study.name,
        title=study.title,
        study=study.model_dump(mode="json"),
        study_digest=study.digest,
        manifest_digest=films.digest,
        command=run.command,
        classes=tuple(study.data.classes),
        positive=study.data.positive,
        task=study.data.task,
        cells=(*(_cell(run, r) for r in run.recipes), *(_ensemble(run, e) for e in made)),
        n_trials=study.grid.trials,
        seed=study.seed,
        weights={
            **{
                n: StartWeights(w.choice, w.sha256, w.source, w.licence, w.pretrained)
                for n, w in plain.items()
            },
            **{e.cell.backbone: _start_of(run, e) for e in made},
        },
        costs={**costs, **{e.cell.backbone: cost_of_ensemble(e, costs, n_classes) for e in made}},
        films_before_subset=run.chosen.count_by("label") if study.data.subset else None,
        synthetic=films.header.options.get("synthetic", False),
        precision=run.precision,
        engines={which.label: e.words for which, e in run.feature_engines.items()},
        batch=run.batch,
        device=asdict(run.settled),
        machine=describe(),
        versions={**versions(), **{n: version(n) for n in _libraries(plain) if n not in RESULTS}},
        pipelines={r.pipeline.name: r.pipeline.to_dict() for r in run.recipes},
        no_patient_ids=films.header.options.get("no_patient_ids", []),
        redraw_with_trial=study.redraw_with_trial,
        unsafe=unsafe,
        lungs_from=run.lungs_from,
        warnings=_warnings(run, unsafe),
    ).write(run.folder / RECORD)
