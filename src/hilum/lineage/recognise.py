"""What lies at a path, whatever it is: the ordered table `RECOGNISERS`, of which the first that knows it explains it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from hilum.artifacts.header import as_written, header_path, read_json
from hilum.artifacts.lineage import Artefact
from hilum.core.digests import sha256_file
from hilum.core.errors import InputError
from hilum.core.tables import read_columns
from hilum.lineage import studies
from hilum.lineage.inputs import explain
from hilum.lineage.kinds import kind_at
from hilum.lineage.one_film import find_film, one_film
from hilum.lineage.plain_files import plain_file
from hilum.lineage.surroundings import Surroundings
from hilum.sources.tree import is_film


def recognised(path: Path, around: Surroundings) -> Artefact:
    """What lies at a path, and what it was made from.

    Raises:
        InputError: Nothing that hilum knows, or it is not as hilum writes it.
    """
    with as_written(path):
        found = (recogniser(path.resolve(), around) for recogniser in RECOGNISERS)
        artefact = next((a for a in found if a is not None), None)
    if artefact is None:
        raise InputError(
            f"{path}: nothing that hilum knows: no artefact that it wrote ({_held(path)}), no study file, "
            "no table of films or scores, no film"
        )
    return artefact


def _folder(path: Path, around: Surroundings) -> Artefact | None:
    if not path.is_dir():
        return None
    if kind_at(path):
        return explain(path, around)
    if (path / "runs").is_dir():
        raise InputError(f"{path} is a workspace; `hilum runs --workspace {path}` lists its runs")
    raise InputError(
        f"{path}: expected the folder of a run, a cell, a trial, a bundle, features or an exported model; "
        f"it has none of run.json, bundle.json, spec.json, model.json"
    )


def _header_of_another(path: Path, around: Surroundings) -> Artefact | None:
    if not path.name.endswith(".header.json"):
        return None
    stem = path.name.removesuffix(".header.json")
    there = (path.with_name(stem + ending) for ending in (".csv", ".json", ".html"))
    return next((recognised(p, around) for p in there if p.is_file()), None)


def _by_place(path: Path, around: Surroundings) -> Artefact | None:
    return None if header_path(path).is_file() else plain_file(path, around)


def _by_header(path: Path, around: Surroundings) -> Artefact | None:
    return explain(path, around) if kind_at(path) else None


def _study_or_pipeline(path: Path, _: Surroundings) -> Artefact | None:
    if path.suffix == ".toml":
        return studies.toml(path)
    value = read_json(path) if path.suffix == ".json" else None
    return studies.pipeline(value, str(path)) if isinstance(value, dict) and "steps" in value else None


def _bare_table(path: Path, around: Surroundings) -> Artefact | None:
    columns, kind = set(_columns(path)), ""
    if {"image_id", "path", "sha256"} <= columns:
        kind = "manifest"
    elif "image_id" in columns and any(c.startswith("p_") for c in columns):
        kind = "predictions"
    elif path.suffix == ".json" and "metric" in columns:
        kind = "statistics"
    return explain(path, around, kind) if kind else None


def _film(path: Path, around: Surroundings) -> Artefact | None:
    if not is_film(path):
        return None
    found = find_film(sha256_file(path), around.manifests())
    if found is None:
        raise InputError(f"{path}: no manifest here has a film of these bytes; give one with --manifest")
    return one_film(*found, around.runs())


RECOGNISERS: tuple[Callable[[Path, Surroundings], Artefact | None], ...] = (
    _folder,
    _header_of_another,
    _by_place,
    _by_header,
    _study_or_pipeline,
    _bare_table,
    _film,
)


def _columns(path: Path) -> Sequence[str]:
    """Columns of a csv, or keys of the first of a JSON list of rows."""
    if path.suffix == ".csv":
        return read_columns(path)
    rows = read_json(path) if path.suffix == ".json" else None
    return list(rows[0]) if isinstance(rows, list) and rows and isinstance(rows[0], dict) else ()


def _held(path: Path) -> str:
    """Why a file is no artefact."""
    if path.suffix == ".csv":
        return f"it has no header; its columns are {', '.join(_columns(path)[:6]) or 'none'}"
    if path.suffix == ".json":
        value = read_json(path)
        is_object = isinstance(value, dict)
        held = f"its keys are {', '.join(map(repr, list(value)[:5]))}" if is_object else type(value).__name__
        return f"it has no header; {held}"
    return "it has no header, and lies at no place of a run or workspace"
