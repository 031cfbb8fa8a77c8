"""Whose models are asked of other films: a run's, all of them, or one bundle, which is then one cell with one trial."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from hilum.artifacts.bundle import Bundle, bundle_version
from hilum.artifacts.finding_runs import whole_run
from hilum.artifacts.header import Header
from hilum.artifacts.manifest import Manifest
from hilum.artifacts.questions import MOST_SUBGROUPS
from hilum.artifacts.run import RunCell, RunRecord, StartWeights, is_run
from hilum.artifacts.run_folder import RunFolder, run_of
from hilum.artifacts.trial_files import BUNDLE
from hilum.artifacts.usual import USUAL_WORKSPACE
from hilum.augment.pipeline import Pipeline
from hilum.core.digests import SHORT
from hilum.core.errors import InputError
from hilum.models.machine import describe
from hilum.study.classes import merged_labels
from hilum.study.faults import unsafe_among
from hilum.study.keys import study_digest
from hilum.study.several_findings import ONE_FINDING, require_one_class
from hilum.workflow.classes import relabelled
from hilum.workflow.facts import versions

SUBGROUPS = ("source", "age_group", "sex", "view")
"""Columns whose values are subgroups of outside films, where the study names no subgroup of its own; and film sizes."""


@dataclass(frozen=True)
class Unit:
    """One trained model.

    Attributes:
        cell: Its cell.
        trial: Its trial on the other films.
        bundle: Its folder.
        own: Its trial in its run.
    """

    cell: RunCell
    trial: int
    bundle: Path
    own: int


@dataclass(frozen=True)
class Origin:
    """Models, and what is known of how they were made.

    Attributes:
        name: Of the run's folder, or of the bundle.
        record: The run's record, of the cells that are asked.
        units: Every model, cell by cell, trial by trial.
        run: The run; None for a bundle that lies in none.
    """

    name: str
    record: RunRecord
    units: tuple[Unit, ...]
    run: RunFolder | None

    @property
    def n_trials(self) -> int:
        """Trials of each cell."""
        return self.record.n_trials

    @property
    def workspace(self) -> Path:
        """The workspace that the run lies in; where it lies in none, a new one."""
        place = self.trained.path.resolve() if self.trained else Path()
        return place.parents[1] if place.parent.name == "runs" else USUAL_WORKSPACE

    @cached_property
    def trained(self) -> RunFolder | None:
        """The run whose films the models were trained and chosen on: that of all findings where they are of one of several."""
        return whole_run(self.run) if self.run else None

    @cached_property
    def bundles(self) -> dict[Unit, Bundle]:
        """What each model's bundle says, read once."""
        return {u: Bundle.described(u.bundle)[0] for u in self.units}

    @cached_property
    def parts(self) -> dict[str, set[str]]:
        """Part of the run -> films that some trial of some cell has there; a film may be in several."""
        found: dict[str, set[str]] = {"train": set(), "valid": set(), "test": set()}
        for u in self.units if self.trained else ():
            assert self.trained is not None
            for part, ids in self.trained.split_of(u.cell, u.own).parts.items():
                found[part] |= set(ids)
        return found

    def relabelled(self, films: Manifest, asked: Iterable[str]) -> Manifest:
        """Other films, their labels merged as the models' study has it, but for those that are `asked` of by name."""
        if not (merge := self.record.table("data").get("merge")):
            return films
        labels = set(films.count_by("label")) - set(asked)
        return relabelled(films, merged_labels(merge, sorted(labels), self.record.classes))

    def record_of(
        self, films: Manifest, manifest: Path, command: str, device: Mapping[str, Any]
    ) -> RunRecord:
        """The record of the run on other films."""
        record, study, key = self.record, dict(self.record.study), self.record.study_digest
        study["data"] = {**study.get("data", {}), "subset": None}
        by = [c for c in SUBGROUPS if 1 < len(films.count_by(c)) <= MOST_SUBGROUPS]
        study["subgroup"] = study.get("subgroup") or [{"by": name} for name in (*by, "film_size")]
        if record.study:
            key = study_digest(study)
        inputs = {"manifest": films.digest, "study": key}
        pipelines = {
            u.cell.prepared_as: Pipeline.from_dict(b.preparation).certain.to_dict()
            for u, b in self.bundles.items()
        }
        cells = tuple(replace(c, splits="") for c in record.cells)
        return replace(
            record, header=Header("run", inputs=inputs, seed=record.seed), title=f"{record.title or record.name}, on {manifest.stem}",
            study=study, study_digest=key, manifest_digest=films.digest, command=command, cells=cells,
            films_before_subset=None, device=device,
            synthetic=bool(films.header.options.get("synthetic", False)), machine=describe(), versions=versions(), pipelines=pipelines,
            no_patient_ids=films.header.options.get("no_patient_ids", []), warnings=(),
        )  # fmt: skip


def origin_of(model: Path) -> Origin:
    """The models of a run's folder, its probes left out, or the one in a bundle's.

    Raises:
        InputError: Neither.
        UnsafeError: One bundle that was trained with faults that break validity, or is a probe.
    """
    if is_run(model):
        run = RunFolder(model)
        require_one_class(run.task, f"{model}: models on other films")
        units = tuple(Unit(c, t, run.folder(c, t) / "bundle", t) for c, t in run.units())
        missing = next((u.bundle for u in units if not (u.bundle / "bundle.json").is_file()), None)
        if missing is not None:
            raise InputError(
                f"{missing}: expected the bundle of a trial; the run is not finished, run it again to go on"
            )
        return Origin(model.resolve().name, replace(run.record, cells=run.cells), units, run)
    bundle, _, _ = Bundle.described(model)
    bundle.require_a_model(model)
    if bundle.members:
        raise InputError(
            f"{model}: an ensemble is asked of other films with its members; name its run, or score the films with `hilum predict`"
        )
    require_one_class(bundle.task, f"{model}: a model on other films", ONE_FINDING)
    within = run_of(model / "bundle.json")
    at = model.resolve()
    for cell, trial in within.units() if within else ():
        assert within is not None
        if (within.folder(cell, trial) / BUNDLE).resolve() == at / "bundle.json":
            record = replace(within.record, cells=(cell,), n_trials=1, unsafe=unsafe_among(cell.switches))
            return Origin(
                f"{within.path.name}-{cell.name}-trial-{trial}",
                record,
                (Unit(cell, 1, model, trial),),
                within,
            )
    return _of_bundle(model, bundle)


def _of_bundle(model: Path, bundle: Bundle) -> Origin:
    """A bundle of which no run is known."""
    version, of = bundle_version(model), bundle.training
    pipeline, start = str(bundle.preparation["name"]), str(bundle.weights.get("choice", "unknown"))
    levels = {
        "backbone": bundle.backbone,
        "pipeline": pipeline,
        "schedule": str(of.get("schedule", "unknown")),
    }
    cell = RunCell(
        "--".join(levels.values()),
        levels,
        start,
        start != "none",
        (),
        bundle.network == "whole",
        pipeline,
        epochs=of.get("epochs"),
    )
    weights = StartWeights(
        start, bundle.weights.get("sha256"), bundle.weights.get("source"), None, start != "none"
    )
    name = str(of.get("study", "model"))
    record = RunRecord(
        header=Header("run"), name=name, title=f"A model of {name}", study={}, study_digest=version, manifest_digest="",
        classes=bundle.classes, positive=bundle.positive, cells=(cell,), n_trials=1, seed=None,
        weights={bundle.backbone: weights}, precision=bundle.precision, batch=bundle.batch,
    )  # fmt: skip
    return Origin(f"bundle-{version[:SHORT]}", record, (Unit(cell, 1, model, 1),), None)
