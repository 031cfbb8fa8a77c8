"""What lies at a path, whatever it is: the ordered table `RECOGNISERS`, of which the first that knows it explains it."""

from __future__ import annotations

from collections.abc import Callable
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
        f"{path}: expected the folder of a run, a cell, a trial, a bundle or features; "
        f"it has none of run.json, bundle.json, spec.json"
    )


def _header_of_another(path: Path, around: Surroundings) -> Artefact | None:
    if not path.name.endswith(".header.json"):
        return None
    stem = path.name.removesuffix(".header.json")
    there = (path.with_name(stem + ending) for ending in (".csv", ".json", ".html"))
    return next((recognised(p, around) for p in there if p.is_file()), None)


def _study(path: Path, _: Surroundings) -> Artefact | None:
    return studies.toml(path) if path.suffix == ".toml" else None


def _by_place(path: Path, around: Surroundings) -> Artefact | None:
    return None if header_path(path).is_file() else plain_file(path, around)


def _by_header(path: Path, around: Surroundings) -> Artefact | None:
    return explain(path, around) if kind_at(path) else None


def _table(path: Path, around: Surroundings) -> Artefact | None:
    columns = read_columns(path) if path.suffix == ".csv" else ()
    if {"image_id", "path", "sha256"} <= set(columns):
        return explain(path, around, "manifest")
    scores = "image_id" in columns and any(c.startswith("p_") for c in columns)
    return explain(path, around, "predictions") if scores else None


def _list_or_pipeline(path: Path, around: Surroundings) -> Artefact | None:
    value = read_json(path) if path.suffix == ".json" else None
    if isinstance(value, dict) and "steps" in value:
        return studies.pipeline(value, str(path))
    rows = isinstance(value, list) and value and isinstance(value[0], dict) and "metric" in value[0]
    return explain(path, around, "statistics") if rows else None


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
    _study,
    _by_place,
    _by_header,
    _table,
    _list_or_pipeline,
    _film,
)


def _held(path: Path) -> str:
    """Why a file is no artefact."""
    if path.suffix == ".csv":
        return f"it has no header; its columns are {', '.join(read_columns(path)[:6]) or 'none'}"
    if path.suffix == ".json":
        value = read_json(path)
        keys = ", ".join(map(repr, list(value)[:5])) if isinstance(value, dict) else ""
        return "it has no header; " + (
            f"its keys are {keys}" if isinstance(value, dict) else type(value).__name__
        )
    return "it has no header, and lies at no place of a run or workspace"
