"""What an artefact says of itself: one small function a kind in the table `DESCRIBE`, by the kind in its header.

A new kind of artefact is one entry, or none: what is not in the table shows its header, its inputs, and its rows where it is a list.
Nothing is looked for here; `hilum.lineage.inputs` finds the inputs again. Films are counted and told by digest, never by patient.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hilum.artifacts.bundle import ONE_OF, Bundle, Member, bundle_version
from hilum.artifacts.duplicates import Duplicates
from hilum.artifacts.export import FACTS
from hilum.artifacts.features import FeatureSpec, stored
from hilum.artifacts.flow import Flow
from hilum.artifacts.header import Header, header_path, kind_of, read_json, written_digest
from hilum.artifacts.history import read_history
from hilum.artifacts.json_parts import members
from hilum.artifacts.lineage import SHOWN
from hilum.artifacts.manifest import Manifest, films_digest
from hilum.artifacts.predictions import Predictions
from hilum.artifacts.run import RECORD, is_run
from hilum.artifacts.run_files import COMPARISONS, STATISTICS, MlflowNote
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.split import UnsafeSplit, read_split
from hilum.artifacts.suite_record import SUITE, SuiteRecord
from hilum.artifacts.trial_files import CELLS, PREDICTIONS, Seconds, TrainFacts
from hilum.augment.pipeline import Pipeline
from hilum.core.digests import digest, sha256_file
from hilum.core.errors import InputError
from hilum.core.text import counted
from hilum.lineage.explained import explanations
from hilum.lineage.exported import exported
from hilum.lineage.noun import Input, Noun, as_written_in, once, recorded, run_version
from hilum.lineage.pages import page
from hilum.lineage.searched import searched
from hilum.study.faults import unsafe_among


def _manifest(path: Path) -> Noun:
    m = once(Manifest.read, path)
    ids = {f.patient_id for f in m.films if f.patient_id}
    without = sum(not f.patient_id for f in m.films)
    facts = {
        "films": len(m),
        "by source": m.count_by("source"),
        "by class": m.count_by("label"),
        "patients": f"{len(ids)}; {counted(without, 'film')} without an id" if without else len(ids),
        "synthetic": m.header.options.get("synthetic") or None,
        "provenance": None if m.provenance == "hilum" else m.provenance,
    }
    inputs = [Input(counted(len(m), "film"), films_digest(m.films), "films on disk")]
    for role, sha256 in m.header.inputs.items():
        films = [f for f in m.films if f"films of {f.source}" == role]
        if films_digest(films) == sha256:
            inputs.append(Input(role, sha256, "verified"))
        else:
            part = f"this manifest holds a selection, {counted(len(films), 'film')} of the source"
            table = "read at ingest; where it lay is not recorded"
            why = part if role.startswith("films of ") else table
            inputs.append(Input(role, sha256, "unchecked", why))
    return Noun(m.digest, facts, m.header, inputs)


def _split(path: Path) -> Noun:
    s = once(read_split, path)
    shared = s.n_shared if isinstance(s, UnsafeSplit) else 0
    leaks = f"{counted(shared, 'film of test is', 'films of test are')} in train or validation too"
    facts = {
        "method": s.header.options.get("method", "unknown"),
        "films": {p: len(ids) for p, ids in s.parts.items()},
        "groups": len(set(s.group_of.values())),
        "seed": s.header.seed,
        "UNSAFE": leaks if isinstance(s, UnsafeSplit) else None,
    }
    return Noun(s.digest, facts, s.header, recorded(s.header))


def _duplicates(path: Path) -> Noun:
    d = once(Duplicates.read, path)
    facts = {"films": len(d.films), "pairs": len(d.pairs), "groups": len(d.groups)}
    return Noun(d.digest, facts, d.header, recorded(d.header))


def _flow(path: Path) -> Noun:
    flow = Flow.read(path)
    facts = {step.name: step.films for step in flow.steps} | {"trials": len(flow.trials)}
    why = "the films were chosen from it; where it lay is not recorded"  # the run keeps its own films only
    inputs = [i._replace(detail=why) if i.role == "manifest" else i for i in recorded(flow.header)]
    return Noun(sha256_file(path), facts, flow.header, inputs)


def _features(folder: Path) -> Noun:
    spec, header = FeatureSpec.read(folder)
    shown = ("backbone", "tap", "engine", "precision", "size_px", "device", "versions")
    facts = {k: getattr(spec, k) for k in shown} | {"films": stored(folder)[0]}
    why = "it is compared whenever features are computed"
    state = Input("backbone state", spec.state_sha256, "unchecked", why)
    return Noun(spec.digest, facts, header, [state])


def _bundle(folder: Path) -> Noun:
    b, header, weights = Bundle.described(folder)
    pipeline = Pipeline.from_dict(b.preparation)
    trained = ("study", "trial", "schedule", "n_train", "n_valid")
    facts = {
        "backbone": b.backbone,
        "head": b.head,
        "pipeline": f"{pipeline.name} {pipeline.digest[:SHOWN]}",
        "classes": b.classes,
        "positive": b.positive,
        "operating point": b.operating_point,
        "trained": {k: b.training[k] for k in trained if k in b.training},
        "UNSAFE": ", ".join(b.unsafe) or None,
        "ensemble of": [m.cell for m in b.members] or None,
    }
    name, choice = b.weights_name, b.weights.get("choice")
    inputs = [Input(f"trained weights of the {Path(name).stem}", weights, "file", name)]
    for role, sha256 in header.inputs.items():
        if role in ("train", "valid"):
            inputs.append(Input(f"{role} films", sha256, "prepared films", role))
        elif role not in ("weights", "members", ONE_OF):
            inputs.append(Input(role, sha256))
    if b.members:
        return Noun(bundle_version(folder), facts, header, [*inputs, *map(_member, b.members)])
    why = "they are compared whenever the bundle is loaded; see `hilum weights verify`"
    start = str(b.weights.get("sha256") or "")
    inputs.append(Input(f"backbone weights ({choice})", start, "unchecked", why))
    return Noun(bundle_version(folder), facts, header, inputs)


def _member(member: Member) -> Input:
    return Input(f"member {member.cell}", member.version, "explained", member.path)


def _predictions(path: Path) -> Noun:
    p = once(Predictions.read, path)
    facts = {
        "films": len(p),
        "by part": dict(sorted(Counter(x or "(none)" for x in p.parts).items())),
        "classes": p.classes,
        "provenance": p.provenance,
        "could not be read": sum(map(bool, p.errors)) or None,
    }
    version, made_from = sha256_file(path), p.header.inputs
    if p.provenance == "unknown":
        return Noun(version, facts, None, ())
    if "bundle" in made_from or not (path.parent / "bundle").is_dir():
        bundle = Input("bundle", made_from.get("bundle") or made_from.get("train", ""))
    else:
        bundle = Input("bundle of the same features, split and films", digest(made_from))
    return Noun(version, facts, p.header, [as_written_in("csv", path), bundle])


def _trial(folder: Path) -> Noun:
    facts: dict[str, Any] = {}
    for note in (TrainFacts.of(folder), Seconds.of(folder)):
        if note is not None:
            known = {k: v for k, v in members(note).items() if v is not None}
            facts[Path(note.NOTE).stem] = known
    facts["epochs"] = len(read_history(folder)) or None
    path = folder / PREDICTIONS
    if path.is_file():
        version, below = sha256_file(path), Input("predictions", written_digest(path), "explained", path.name)
    else:
        version = bundle_version(folder / "bundle")
        below = Input("bundle", version, "explained", "bundle")
    return Noun(digest([version]), facts, None, [below])


def _cell(folder: Path) -> Noun:
    run = RunFolder(folder.parent.parent)
    cell = next((c for c in run.record.cells if c.name == folder.name), None)
    if cell is None:
        raise InputError(f"{folder}: run.json of {run.path.name} has no such cell")
    facts: dict[str, Any] = {**cell.factors, "weights": cell.weights, "finetuned": cell.finetuned}
    facts["faults on"] = list(cell.switches)
    paths = {t: run.predictions_path(cell, t) for t in run.trials}
    found = {t: sha256_file(path) if path.is_file() else "" for t, path in paths.items()}
    inputs = [Input(f"trial-{t}", sha256, "trial of a cell") for t, sha256 in found.items()]
    inputs.append(Input("run", run.path.name, "run of that name"))
    return Noun(digest([*found.values(), run_version(run.path)]), facts, None, inputs)


def _run(folder: Path) -> Noun:
    f = RunFolder(folder)
    r = f.record
    note = MlflowNote.of(folder)
    facts = {
        "title": r.title,
        "command": r.command,
        "cells": [c.name for c in f.record.cells],
        "trials": f.n_trials,
        "pipelines": {n: Pipeline.from_dict(t).digest[:SHOWN] for n, t in r.pipelines.items()},
        "precision": r.precision,
        "machine": r.machine or None,
        "versions": r.versions or None,
        "warnings": r.warnings or None,
        "UNSAFE": ", ".join(sorted({s for c in f.cells for s in unsafe_among(c.switches)})) or None,
        "recorded in MLflow": note.store if note else None,
    }
    inputs = [Input("study", r.study_digest), Input("manifest", r.manifest_digest), all_trials(f)]
    for name in (STATISTICS, COMPARISONS, "report.html"):
        if (folder / name).is_file() and header_path(folder / name).is_file():
            inputs.append(Input(name, written_digest(folder / name), "file", name))
        elif name != COMPARISONS:
            why = "the run is not finished; `hilum run` of the same study goes on"
            inputs.append(Input(name, "", "missing", why))
    return Noun(run_version(folder), facts, r.header, inputs)


def all_trials(run: RunFolder) -> Input:
    """All trials of a run, in one line."""
    return Input(counted(len(run.record.cells) * run.n_trials, "trial"), "", "trials")


def _suite(folder: Path) -> Noun:
    suite = SuiteRecord.read(folder)
    inputs = [i._replace(how="run of that name") for i in recorded(suite.header)]
    return Noun(run_version(folder), {"title": suite.title, "command": suite.command}, suite.header, inputs)


def _plain(path: Path, what: str | None = None) -> Noun:
    values, known = read_json(path), bool(kind_of(path))
    rows = len(values) if isinstance(values, list) else None
    facts = {"what": what, "rows": rows, "provenance": None if known else "unknown"}
    if not known:
        return Noun(sha256_file(path), facts, None, ())
    header = Header.read(path)
    written = [as_written_in("file", path)] if header_path(path).is_file() else []
    return Noun(sha256_file(path), facts, header, [*written, *recorded(header)])


def _only(what: str) -> Callable[[Path], Noun]:
    return lambda path: _plain(path, what)


DESCRIBE: dict[str, Callable[[Path], Noun]] = {
    "manifest": _manifest,
    "split": _split,
    UnsafeSplit.kind: _split,
    "duplicates": _duplicates,
    "flow": _flow,
    "features": _features,
    "bundle": _bundle,
    "predictions": _predictions,
    "explanations": explanations,
    "search": searched,
    "trial": _trial,
    "cell": _cell,
    "run": _run,
    "paper": _suite,
    "export": exported,
    "report": page,
    "paper-report": page,
    "gallery": page,
    "evaluation": _only("confusion matrices and curves of every trial; the report draws them"),
    "learning": _only("models that did not learn, by rules over training and validation, and what to do about each"),
    "prepared": _only("which prepared films a trial of a pipeline has, and what was drawn for each"),
    "masks": _only("lung masks of films, by the digest of their pixels, and what is thought of each"),
    "lungs": _only("the card of weights that find lungs: films by source, settings, Dice on films held out"),
    "lung-quality": _only("what is thought of each film's lung mask"),
    "audit": _only("copies, conflicts, leaks and shortcuts among the films of a manifest"),
    "outside": _only("other films that a finished run's models were asked of, what was left out, and what moved"),
    "change": _only("that one bundle took another's place at work: what differs, how it was made and checked, what that means"),
    "finder": _only("rates that a range test suggests for each cell of a study, and the losses that it saw"),
    "floor": _only("what a machine can do at most, and each stage of a run beside the least time that its work takes"),
    "finished": _only("what a finished run followed from; a rerun ends at once while it holds"),
}  # fmt: skip
"""Kind in a header, or of a folder -> what an artefact says of itself; its path is the folder's for a kind in `FOLDERS`."""

FOLDERS = {
    SUITE: "paper",
    RECORD: "run",
    "bundle.json": "bundle",
    "bundle/bundle.json": "trial",
    "spec.json": "features",
    FACTS: "export",
}
"""What lies in a folder -> its kind; the first that fits."""


def kind_at(path: Path) -> str:
    """Kind of an artefact, by its header or by what lies in its folder; empty where there is none."""
    if path.is_dir():
        of_run = "cell" if path.parent.name == CELLS and is_run(path.parent.parent) else ""
        return next((kind for name, kind in FOLDERS.items() if (path / name).is_file()), of_run)
    return kind_of(path)


def describe(path: Path, kind: str) -> Noun:
    """What the artefact of a kind says of itself."""
    return DESCRIBE.get(kind, _plain)(path)
