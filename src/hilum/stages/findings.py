"""Findings: a run of several findings a film -> a run of two classes for each finding (`hilum.artifacts.finding_runs`).

Nothing is trained or predicted here: prediction left each finding's bundle and predictions in its place, and what is added are the films of
which the finding is known, their splits, what was drawn for them, and a record. A run that is there and of the same predictions is left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from hilum.artifacts.drawn_films import PREPARED, DrawnFilms, drawn_paths
from hilum.artifacts.finding_labels import UNKNOWN, findings_of, without
from hilum.artifacts.finding_runs import finding_folder
from hilum.artifacts.flow import FLOW, STUDY_FILMS, Flow, FlowStep, TrialFlow
from hilum.artifacts.header import Header
from hilum.artifacts.history import HISTORY
from hilum.artifacts.manifest import Manifest
from hilum.artifacts.run import RECORD
from hilum.artifacts.run_files import DUPLICATES, EXCLUDED, FACTS, MANIFEST, SPLITS, STAGES
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.split import PARTS, AnySplit, read_split
from hilum.artifacts.trial_files import FINDER, SECONDS, TRAIN
from hilum.core.digests import digest
from hilum.core.files import write_bytes
from hilum.core.progress import progress
from hilum.study.keys import study_digest
from hilum.study.several_findings import ONE_CLASS

_OF_RUN = (DUPLICATES, EXCLUDED, FACTS, STAGES)
_OF_TRIAL = (HISTORY, TRAIN, SECONDS, FINDER)
"""Files that are the same for every finding of a run, or of a trial."""


def write_finding_runs(run_dir: Path) -> int:
    """Write the run of each finding of a run; gives how many were written, and not found there.

    Raises:
        InputError: The run is not one, or is not whole.
    """
    folder, written = RunFolder(run_dir), 0
    with progress("findings", len(folder.classes), "findings") as step:
        for finding in folder.classes:
            if not (finding_folder(run_dir, finding) / RECORD).is_file():
                _write(folder, finding)
                written += 1
            step()
    return written


def _write(folder: RunFolder, finding: str) -> None:
    to = finding_folder(folder.path, finding)
    manifest = films_of_finding(folder.manifest, finding, folder.classes)
    manifest.write(to / MANIFEST)
    for name in _OF_RUN:
        _copy(folder.path / name, to / name)
    for path in sorted((folder.path / SPLITS).rglob("trial-*.json")):
        _known(read_split(path), manifest).write(to / path.relative_to(folder.path))
    for path in drawn_paths(folder.path):
        drawn = DrawnFilms.read(path).of_finding(finding, folder.classes)
        drawn.write(to / PREPARED / path.relative_to(folder.path / PREPARED))
    for cell, trial in folder.units(probes=True):
        own = folder.folder(cell, trial)
        for name in _OF_TRIAL:
            _copy(own / name, to / own.relative_to(folder.path) / name)
    if folder.flow is not None:
        _flow(folder, folder.flow, manifest, finding, to).write(to / FLOW)
    _record(folder, manifest, finding, to)


def films_of_finding(manifest: Manifest, finding: str, findings: tuple[str, ...]) -> Manifest:
    """The films of which a finding is known, each of the class that has it or of the one without."""
    k, words, films = findings.index(finding), {1: finding, 0: without(finding)}, []
    for film in manifest.films:
        if (value := findings_of(film.label, findings)[k]) != UNKNOWN:
            films.append(replace(film, label=words[value]))
    return Manifest(films, manifest.header, manifest.provenance)


def _copy(path: Path, to: Path) -> None:
    if path.is_file():
        write_bytes(to, path.read_bytes())


def _known(split: AnySplit, manifest: Manifest) -> AnySplit:
    """A split of the films of which a finding is known."""
    parts = {p: [i for i in split.parts[p] if i in manifest.films.row_of] for p in PARTS}
    header = replace(split.header, inputs={**split.header.inputs, "manifest": manifest.digest})
    return type(split)(parts, split.group_of, header)


def _flow(folder: RunFolder, flow: Flow, manifest: Manifest, finding: str, to: Path) -> Flow:
    """The flow of the films: that of the run, then those of which the finding is known."""
    n, whole = len(manifest), flow.films
    before = [replace(s, by_class={}) for s in flow.steps]
    before[-1] = replace(before[-1], name="films of the study of several findings")
    last = FlowStep(
        STUDY_FILMS,
        n,
        {f"{finding} is not known": whole - n} if n < whole else {},
        manifest.count_by("label"),
    )
    trials = []
    for t in flow.trials:
        split = read_split(to / SPLITS / t.splits / f"trial-{t.trial}.json")
        parts = {p: len(split.parts[p]) for p in PARTS}
        rest = n - sum(parts.values())
        words = " or ".join(t.not_used) or "not used"
        cell = next(c for c in folder.record.cells if c.splits == t.splits)
        drawn = DrawnFilms.read(to / PREPARED / t.splits / f"{cell.prepared_as}--trial-{t.trial}.json").parts[
            "train"
        ]
        trials.append(
            TrialFlow(
                t.splits, t.trial, parts, {words: rest} if rest else {}, 0, len(drawn), len({f.image_id for f in drawn}),
                {p: parts[p] for p in t.scored},
            )
        )  # fmt: skip
    return Flow(
        (*before, last), tuple(trials), Header("flow", {"manifest": manifest.digest}, seed=flow.header.seed)
    )


def _record(folder: RunFolder, manifest: Manifest, finding: str, to: Path) -> None:
    """The finding's run.json, last of all."""
    run = folder.record
    study: Mapping[str, Any] = run.study
    classes = (without(finding), finding)
    data = {
        **run.table("data"),
        "task": ONE_CLASS,
        "findings": [],
        "classes": list(classes),
        "positive": finding,
    }
    title = f"{run.title or run.name}: {finding}"
    table = {**study, "title": title, "data": data, "compare": []} if study else {}
    own = study_digest(table) if table else digest([run.study_digest, finding])
    replace(
        run,
        header=Header("run", inputs={"manifest": manifest.digest, "study": own}, seed=run.seed),
        name=f"{run.name}-{finding}",
        title=title,
        study=table,
        study_digest=own,
        manifest_digest=manifest.digest,
        classes=classes,
        positive=finding,
        task=ONE_CLASS,
    ).write(to / RECORD)
