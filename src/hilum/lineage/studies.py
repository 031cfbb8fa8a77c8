"""Studies, pipelines, policies and losses."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hilum.artifacts.lineage import SHOWN, Artefact
from hilum.augment.pipeline import Pipeline
from hilum.core.digests import digest
from hilum.core.text import counted
from hilum.studies import study_path
from hilum.study.faults import unsafe_among
from hilum.study.file import read_study
from hilum.study.keys import study_digest
from hilum.study.suite import is_suite, read_suite
from hilum.study.tables import GridTable


def pipeline(table: Mapping[str, Any], where: str = "") -> Artefact:
    """A pipeline and its steps. The name is no part of the version."""
    p = Pipeline.from_dict(table)
    steps = []
    for step in p.steps:
        options = {k: v for k, v in step.to_dict().items() if k not in ("op", "parts")}
        words = ", ".join(f"{k} {v}" for k, v in options.items())
        steps.append(f"{step.op} ({words}), {'all parts' if step.fixed else '+'.join(step.parts)}")
    facts = {"gate": p.gate, "output": "{}x{} px".format(*p.output_size), "steps": steps}
    return Artefact("pipeline", p.name, p.digest, where, facts)


def study(value: Mapping[str, Any], where: str = "") -> Artefact:
    """A study with every default filled in, as a file gives it or a run recorded it."""
    plain = GridTable().model_dump(mode="json")
    grid = {
        k: v
        for k, v in value["grid"].items()
        if v != plain.get(k) or k in ("backbones", "pipelines", "trials")
    }
    on = [f for t in ("unsafe", "as_run") for f, is_on in (value.get(t) or {}).items() if is_on]
    facts: dict[str, Any] = {"title": value.get("title", ""), "seed": value["seed"], "grid": grid}
    subset = value["data"].get("subset")
    if subset:
        facts["subset"] = f"{subset['name']}: {counted(subset['films'], 'film')}"
    for kind in ("policy", "loss"):
        if value.get(kind):
            facts[kind] = {name: digest(t)[:SHOWN] for name, t in value[kind].items()}
    if on:
        facts["faults"] = on
    if unsafe_among(on):
        facts["UNSAFE"] = ", ".join(unsafe_among(on))
    return Artefact("study", str(value["name"]), study_digest(value), where, facts)


def toml(path: Path) -> Artefact:
    """A study file or a suite of studies."""
    if not is_suite(path):
        return study(read_study(path).model_dump(mode="json"), str(path))
    suite = read_suite(path)
    members = []
    for m in suite.member:
        there = study_path(m.study, path.parent)
        found = study(read_study(there, m.set).model_dump(mode="json"), str(there))
        members.append((m.label, found.version))
    facts = {"title": suite.title, "studies": {label: version[:SHOWN] for label, version in members}}
    return Artefact("suite", suite.name, digest(members), str(path), facts)
