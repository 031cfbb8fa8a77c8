"""``run.json``: what a run writes down about itself, once, before it is evaluated; and the cells of its study's grid.

Convention: what a run of an older hilum did not record is None or empty here, and whoever shows it says so. The study is kept as the tables
that it was run with, every default filled in; a table that it does not name is empty. Nothing is computed here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from hilum.artifacts.header import Header, as_written, checked, read_object, write_json
from hilum.artifacts.json_parts import members
from hilum.core.errors import InputError, nearest
from hilum.study.factors import FACTOR, GridCell
from hilum.study.faults import that_set
from hilum.study.several_findings import MULTILABEL, ONE_CLASS, Task

RECORD = "run.json"


@dataclass(frozen=True)
class StartWeights:
    """The weights that a backbone started from.

    Attributes:
        weights: ``imagenet``, ``none`` or the name of a file.
        sha256: Of the file; None where the weights were drawn.
        source: In words.
        licence: As its publisher states; None where none is known.
        pretrained: Whether the backbone had learned anything.
    """

    weights: str = "unknown"
    sha256: str | None = None
    source: str | None = None
    licence: str | None = None
    pretrained: bool = True


@dataclass(frozen=True)
class RunCell(GridCell):
    """A cell of the study's grid.

    Attributes:
        levels: Factor of the grid -> its level as the study has it; an older run lacks factors that were not known then.
        weights: What its backbone started from: ``imagenet``, ``none`` ...
        pretrained: Whether the backbone had learned anything.
        switches: Faults of the published scripts that were on.
        finetuned: Whether the backbone was trained too.
        prepared_as: Name of its pipeline with the faults that act on films.
        splits: Folder of its splits beneath ``splits``; empty for the study's plain ones.
        epochs: Of its training; None where not recorded.
        finetune: How its backbone was trained; None where it was frozen.
        members: Names of the cells that an ensemble combines; empty of a model.
    """

    weights: str = "unknown"
    pretrained: bool = True
    switches: tuple[str, ...] = ()
    finetuned: bool = False
    prepared_as: str = ""
    splits: str = ""
    epochs: int | None = None
    finetune: Mapping[str, Any] | None = field(default=None, compare=False)
    members: tuple[str, ...] = ()

    @cached_property
    def factors(self) -> dict[str, str]:
        """`levels` as text."""
        return {f: str(level) for f, level in self.levels.items()}

    def to_dict(self) -> dict[str, Any]:
        """As the record has it; the weights stand in the record once a backbone."""
        return {
            "name": self.name,
            **self.levels,
            "switches": list(self.switches),
            "finetuned": self.finetuned,
            "prepared_as": self.prepared_as,
            "splits": self.splits,
            "epochs": self.epochs,
            "finetune": self.finetune,
            **({"members": list(self.members)} if self.members else {}),
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any], weights: Mapping[str, StartWeights]) -> Self:
        """Read back; `weights` are those of the backbones, where the cell's faults do not take them away."""
        switches = tuple(value.get("switches", ()))
        start = weights.get(value["backbone"], StartWeights())
        random = bool(that_set(switches, "pretrained"))
        return cls(
            value["name"],
            {f: value[f] for f in FACTOR if f in value or f in ("backbone", "pipeline", "schedule")},
            "none" if random else str(start.weights),
            bool(start.pretrained) and not random,
            switches,
            bool(value.get("finetuned", False)),
            str(value.get("prepared_as", value["pipeline"])),
            str(value.get("splits", "")),
            value.get("epochs"),
            value.get("finetune"),
            tuple(value.get("members", ())),
        )


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """``run.json``.

    Attributes:
        name: Of the study.
        title: Of the study; may be empty.
        study: Its tables; empty where an older run did not keep them.
        command: What the user typed.
        classes: In the order of probabilities.
        positive: The class that sensitivity and specificity are about.
        cells: Of the grid, in order.
        n_trials: Of every cell.
        seed: Of the study; None where not recorded.
        weights: Backbone -> what it started from.
        costs: Backbone -> ``parameters``, ``trained`` and ``multiply_adds`` of its network.
        films_before_subset: Class -> films that a subset was drawn from; None for a study of all films.
        synthetic: Whether hilum drew the films.
        precision: ``fp32`` or ``bf16``; None where not recorded.
        batch: Films that a backbone saw at once.
        device: Where features were computed: device, name, precision, threads.
        machine: Processor, cores, memory, platform, accelerator.
        versions: Library -> version.
        pipelines: Name -> table of the pipeline, as `hilum.augment.pipeline.Pipeline.from_dict` reads it.
        no_patient_ids: Sources that were declared to have none.
        redraw_with_trial: What is drawn anew in each trial.
        unsafe: Faults that break validity and were on in some cell.
        lungs_from: What the lung masks of its films are from (``source``, ``network``, ``stand-in``) -> class -> films.
        warnings: Sentences for the report.
        task: ``multilabel`` where a film has several findings: these are the classes, and there is no positive one.
        engines: Backbone -> what computed its features and why, in words; empty where not recorded.
    """

    header: Header
    name: str
    title: str
    study: Mapping[str, Any]
    study_digest: str
    manifest_digest: str
    command: str = ""
    classes: tuple[str, ...]
    positive: str
    cells: tuple[RunCell, ...]
    n_trials: int
    seed: int | None = None
    weights: Mapping[str, StartWeights] = field(default_factory=dict)
    costs: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    films_before_subset: Mapping[str, int] | None = None
    synthetic: bool = False
    precision: str | None = None
    batch: int | None = None
    device: Mapping[str, Any] | None = None
    machine: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    pipelines: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    no_patient_ids: Sequence[str] = ()
    redraw_with_trial: Sequence[str] = ()
    unsafe: Sequence[str] = ()
    lungs_from: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    task: Task = ONE_CLASS
    engines: Mapping[str, str] = field(default_factory=dict)

    def table(self, name: str) -> dict[str, Any]:
        """A table of the study, such as ``training``; empty where it has none."""
        return dict(self.study.get(name) or {})

    @property
    def families(self) -> list[dict[str, Any]]:
        """The study's ``[[compare]]`` tables."""
        return list(self.study.get("compare") or [])

    @property
    def subset(self) -> Mapping[str, Any] | None:
        """``name`` and ``films`` of the subset that the study is of; None for all films."""
        return self.table("data").get("subset") or None

    def write(self, path: Path) -> None:
        """Write the record, whole or not at all."""
        value = members(self) | {"cells": [c.to_dict() for c in self.cells]}
        write_json(path, {"trials" if k == "n_trials" else k: v for k, v in value.items()})

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read and check.

        Raises:
            InputError: No such file, or one without the keys that are needed, or a value of another type.
        """
        value = read_object(path)
        Header.from_dict(value.get("header"), "run", path)
        weights = checked(value.get("weights") or {}, dict[str, StartWeights], path)
        with as_written(path):
            cells = [RunCell.from_dict(c, weights) for c in value["cells"]]
            n_trials = value["trials"]
        known = {k: v for k, v in value.items() if v is not None}
        record = checked({"study": {}, "title": "", **known, "cells": cells, "n_trials": n_trials}, cls, path)
        asked = record.positive in record.classes or record.task == MULTILABEL
        if not record.cells or record.n_trials < 1 or not asked:
            raise InputError(
                f"{path}: expected at least one cell and one trial, and a positive class among "
                f"{', '.join(record.classes)}; got {len(record.cells)}, {record.n_trials} and {record.positive!r}"
            )
        return record


def is_run(folder: Path) -> bool:
    """Whether a folder is that of a run."""
    return (folder / RECORD).is_file()


def run_path(name: str, workspace: Path) -> Path:
    """The folder of a run: a path, its name in the workspace, or its study's name where the workspace has one run of it.

    Raises:
        InputError: No such run, or several.
    """
    if is_run(Path(name)):
        return Path(name)
    there = {p.parent.name: p.parent for p in sorted((workspace / "runs").glob(f"*/{RECORD}"))}
    found = [p for n, p in there.items() if name in (n, n.rpartition("-")[0])]
    if len(found) > 1:
        raise InputError(
            f"run {name!r} is one of {', '.join(p.name for p in found)} in {workspace}; give the whole name"
        )
    if not found:
        raise InputError(
            f"no run {name!r}: neither a folder with run.json nor a run of {workspace}; {nearest(name, there)}"
        )
    return found[0]


def renew_words(path: Path, tables: Mapping[str, Any]) -> None:
    """Put what the people behind a study say of it now (``reporting``, ``audit``, ``explain``) into the record of their run: no result
    depends on it."""
    value = read_object(path)
    study = {**value["study"], **tables}
    if study != value["study"]:
        write_json(path, {**value, "study": study})
