"""What a run writes down about itself: run.json, the seconds of each trial, and the ledger of looks at test films."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from hilum import __version__
from hilum.artifacts.duplicates import Duplicates
from hilum.artifacts.features import FeatureStore
from hilum.artifacts.header import Header
from hilum.artifacts.manifest import excluded_path
from hilum.artifacts.run import NAME, RunCell, RunRecord, StartWeights
from hilum.artifacts.run_files import DUPLICATES, EXCLUDED, MANIFEST
from hilum.artifacts.trial_files import SECONDS, PredictFacts, Seconds, TrainFacts
from hilum.models.cost import cost_of
from hilum.models.machine import describe
from hilum.models.weights import Weights
from hilum.study.faults import FAULTS
from hilum.workflow.draws import Splits
from hilum.workflow.plan import Recipe
from hilum.workflow.state import FeaturesOf, Run
from hilum.workflow.trials import Trial, trial_dir


def write_seconds(
    run: Run,
    trials: Sequence[Trial],
    stores: Mapping[FeaturesOf, FeatureStore],
    prepare_s: float,
    n_rows: int,
) -> None:
    """seconds.json of each trial: what it would have cost alone, and its share of what was computed once for all.

    Preparation and features are counted by measured seconds a film; a trial alone would compute every distinct film of its own. A trial
    that trained its backbone has no features.
    """
    per_film = {b: s.seconds_per_film() for b, s in stores.items()}
    sharing: dict[FeaturesOf, list[Trial]] = {b: [] for b in stores}
    for t in trials:
        if t.recipe.finetune is None:
            sharing[t.recipe.features_of].append(t)
    here = {
        b: per_film[b] * len({d for t in group for d in t.drawn.digests}) / max(len(group), 1)
        for b, group in sharing.items()
    }
    for t in trials:
        folder = trial_dir(run, t)
        if (folder / SECONDS).exists():
            continue
        frozen = t.recipe.finetune is None
        mine = {
            "train": TrainFacts.of_trial(folder).seconds,
            "predict": PredictFacts.of_trial(folder).seconds,
        }
        n_films = len(t.drawn.parts["train"]) + sum(t.n_scored.values())
        b = t.recipe.features_of
        alone = per_film[b] * len(t.drawn.digests) if frozen else 0.0
        shared = here[b] if frozen else 0.0
        Seconds(
            {"prepare": round(prepare_s * n_films, 3), "featurize": round(alone, 3), **mine},
            {"prepare": round(prepare_s * n_rows / len(trials), 3), "featurize": round(shared, 3), **mine},
        ).write(folder)


def versions() -> dict[str, str]:
    """Versions that a result may depend on."""
    names = ("numpy", "scipy", "scikit-learn", "pillow", "torch", "torchvision", "timm", "lightning-fabric")
    return {"hilum": __version__, "python": platform.python_version(), **{n: version(n) for n in names}}


def _cell(recipe: Recipe, splits: Splits, start: Weights) -> RunCell:
    cell = recipe.cell
    return RunCell(
        cell.name,
        cell.levels,
        start.choice,
        start.pretrained,
        cell.switches,
        cell.finetuned,
        recipe.pipeline.name,
        splits.folder_name(recipe.drawing),
        recipe.epochs,
        recipe.finetune.model_dump() if recipe.finetune else None,
    )


def _start(w: Weights) -> StartWeights:
    return StartWeights(w.choice, w.sha256, w.source, w.licence, w.pretrained)


def _warnings(run: Run, trials: Sequence[Trial]) -> list[str]:
    warnings = []
    unsafe = sorted({f for r in run.recipes for f in r.cell.unsafe})
    if unsafe:
        what = "; ".join(f"{f.replace('_', ' ')} ({FAULTS[f].what})" for f in unsafe)
        warnings.append(f"UNSAFE on purpose, to measure what it is worth: {what}")
    if run.manifest.provenance != "hilum":
        warnings.append(
            f"the manifest's provenance is {run.manifest.provenance}: it was not written by `hilum ingest`, or was changed since"
        )
    constant = [t for t in trials if PredictFacts.of_trial(trial_dir(run, t)).constant]
    if constant:
        names = ", ".join(f"{t.recipe.cell.name} trial {t.number}" for t in constant)
        warnings.append(
            f"the same scores for every film, so nothing was learned or something is broken: {names}"
        )
    return warnings


def write_record(
    run: Run,
    trials: Sequence[Trial],
    splits: Splits,
    duplicates: Duplicates,
    whole: Mapping[str, int],
    manifest_path: Path,
    command: str,
) -> None:
    """run.json and what stands beside it: everything that the report says of how the numbers came about.

    Args:
        run: The run.
        trials: Its trials, predicted.
        splits: Its splits.
        duplicates: Copies among its films.
        whole: Films by class before a subset was drawn.
        manifest_path: Where the manifest came from.
        command: What the user typed.
    """
    study = run.study
    run.manifest.write(run.folder / MANIFEST)
    if excluded_path(manifest_path).is_file():
        shutil.copyfile(excluded_path(manifest_path), run.folder / EXCLUDED)
    duplicates.write(run.folder / DUPLICATES)
    plain = {name: w for (name, random), w in run.weights.items() if not random}
    plain |= {name: w for (name, _), w in run.weights.items() if name not in plain}
    size = next(iter({r.pipeline.output_size for r in run.recipes}))
    trained = {r.cell.backbone for r in run.recipes if r.finetune is not None and r.finetune.train == "all"}
    used = {r.pipeline.name: r.pipeline for r in run.recipes}
    RunRecord(
        header=Header(
            "run", inputs={"manifest": run.manifest.digest, "study": study.digest}, seed=study.seed
        ),
        name=study.name,
        title=study.title,
        study=study.model_dump(mode="json"),
        study_digest=study.digest,
        manifest_digest=run.manifest.digest,
        command=command,
        classes=tuple(study.data.classes),
        positive=study.data.positive,
        cells=tuple(_cell(r, splits, run.weights[r.features_of]) for r in run.recipes),
        n_trials=study.grid.trials,
        seed=study.seed,
        weights={n: _start(w) for n, w in plain.items()},
        costs={n: cost_of(n, size[0], len(study.data.classes), n in trained) for n in plain},
        films_before_subset=dict(whole) if study.data.subset else None,
        synthetic=run.manifest.header.options.get("synthetic", False),
        precision=run.precision,
        batch=run.batch,
        device=asdict(run.settled),
        machine=describe(),
        versions=versions(),
        pipelines={n: p.to_dict() for n, p in used.items()},
        no_patient_ids=run.manifest.header.options.get("no_patient_ids", []),
        redraw_with_trial=study.redraw_with_trial,
        unsafe=sorted({f for r in run.recipes for f in r.cell.unsafe}),
        warnings=_warnings(run, trials),
    ).write(run.folder / NAME)
