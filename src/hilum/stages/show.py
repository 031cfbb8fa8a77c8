"""show: what something is, its version, and where it came from, back to the films. Reads only.

What is asked for may be a path (manifest, split, run, cell, trial, bundle, predictions, statistics, report, study file, pipeline as JSON,
film), a name (run, study, pipeline, policy, loss, cell), an image_id, or the first digits of a version.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from hilum.artifacts.header import as_written, header_path, read_json
from hilum.artifacts.lineage import SHOWN, Artefact
from hilum.artifacts.manifest import Manifest
from hilum.artifacts.run import is_run
from hilum.artifacts.split import UnsafeSplit
from hilum.artifacts.suite_record import NAME as SUITE
from hilum.artifacts.suite_record import is_suite_folder
from hilum.artifacts.trial_files import CELLS
from hilum.core.digests import sha256_file
from hilum.core.errors import InputError
from hilum.core.tables import read_columns
from hilum.lineage import names, studies
from hilum.lineage.films import FilmReader
from hilum.lineage.models import ModelReader
from hilum.lineage.names import Entry
from hilum.lineage.one_film import find_film, one_film
from hilum.lineage.plain_files import KINDS, of_header, plain_file
from hilum.lineage.runs import RunReader
from hilum.lineage.surroundings import Surroundings, kind_of_header
from hilum.sources.tree import is_film

_HEX = re.compile(r"[0-9a-f]{4,64}")
_NAMED = ("run", "paper", "study", "suite", "pipeline", "policy", "loss", "cell")
_STATISTICS = ("statistics", "comparisons")


def show(
    what: str, workspace: Path | None = None, manifest: Path | None = None, read_films: bool = False
) -> list[Artefact]:
    """Find something and say where it came from.

    Args:
        what: A path, a name, an image_id or the beginning of a digest.
        workspace: Where names and digests are looked for, and the inputs of what a path leads to.
        manifest: Where an image_id is looked for, besides the runs.
        read_films: Read every film of a manifest and compare its digest.

    Returns:
        One artefact; several where a name stands for several versions.

    Raises:
        InputError: Nothing is called that, or the digits fit several versions.
    """
    path = Path(what)
    if path.exists():
        return [_of_path(path, workspace, manifest, read_films)]
    if path.suffix in (".csv", ".toml", ".html") or what.endswith("/"):
        raise InputError(f"{what}: no such file or folder")
    around = Surroundings(workspace or Path.cwd(), workspace)
    entries = [*names.of_workspace(around), *names.shipped()]
    manifests = _manifests(around, manifest)
    found = [e for e in entries if e.name == what] or _by_digits(what, entries)
    if not found:
        film = find_film(what, manifests)
        if film is not None:
            return [one_film(*film, around.runs())]
        found = _by_digits(what, names.dear(around)) if _HEX.fullmatch(what) else []
    if not found:
        raise InputError(_nothing(what, entries, around, manifests))
    return [_open(e, workspace, read_films) for e in _versions(found)]


def _by_digits(what: str, entries: Iterable[Entry]) -> list[Entry]:
    """Entries whose version begins with the digits.

    Raises:
        InputError: They fit several versions.
    """
    if not _HEX.fullmatch(what):
        return []
    found = _versions([e for e in entries if e.version.startswith(what)])
    if len(found) > 1:
        listed = ", ".join(f"{e.version[: SHOWN + 4]} ({e.kind} {e.name})" for e in found[:5])
        raise InputError(f"the digits {what!r} fit {len(found)} versions: {listed}; give more digits")
    return found


def _versions(entries: Sequence[Entry]) -> list[Entry]:
    """One entry a version, the first."""
    seen: dict[tuple[str, str], Entry] = {}
    for e in entries:
        seen.setdefault((e.kind, e.version or str(e.show)), e)
    return list(seen.values())


def _nothing(what: str, entries: Sequence[Entry], around: Surroundings, manifests: Sequence[Path]) -> str:
    where = (
        f"looked in the workspace {around.root}"
        if around.root
        else "this is no workspace; name one with --workspace"
    )
    if _HEX.fullmatch(what):
        close = get_close_matches(what, {e.version[: len(what)] for e in entries}, n=1, cutoff=0.6)
        hint = f"did you mean {close[0]!r}?" if close else "`hilum runs` lists the runs and their versions"
        return f"no version here begins with {what!r}; {hint} ({where})"
    known = {e.name for e in entries if e.kind in _NAMED}
    if "/" in what:  # as the ids of films are
        known |= {i for path in manifests for i in Manifest.read(path).by_id}
    close = get_close_matches(what, known, n=1, cutoff=0.6)
    some = ", ".join(sorted({e.name for e in entries if e.kind in ("run", "study", "suite", "paper")}))
    hint = f"did you mean {close[0]!r}?" if close else f"studies and runs: {some}"
    return f"nothing is called {what!r}: no path, run, study, pipeline, policy or film; {hint} ({where})"


def _open(entry: Entry, workspace: Path | None, read_films: bool) -> Artefact:
    return _of_path(entry.show, workspace, None, read_films) if isinstance(entry.show, Path) else entry.show()


def _manifests(around: Surroundings, manifest: Path | None) -> list[Path]:
    given = [manifest] if manifest is not None else []
    return given + [p for p in around.manifests() if manifest is None or p.resolve() != manifest.resolve()]


def _of_path(path: Path, workspace: Path | None, manifest: Path | None, read_films: bool) -> Artefact:
    with as_written(path):
        return _explained(path, workspace, manifest, read_films)


def _explained(path: Path, workspace: Path | None, manifest: Path | None, read_films: bool) -> Artefact:
    path = path.resolve()
    around = Surroundings(path, workspace)
    films = FilmReader(around, read_films)
    models = ModelReader(films)
    runs = RunReader(films, models)
    if path.is_dir():
        return _of_folder(path, models, runs)
    beside = of_header(path)
    if beside is not None:
        return _of_path(beside, workspace, manifest, read_films)
    if path.suffix == ".toml":
        return studies.toml(path)
    if not header_path(path).is_file() and (plain := plain_file(path, around)) is not None:
        return plain
    if path.suffix == ".html" and header_path(path).is_file():
        return runs.report(path)
    if path.suffix == ".csv":
        return _of_csv(path, films, models)
    if path.suffix == ".json":
        return _of_json(path, films, models, runs)
    if is_film(path):
        found = find_film(sha256_file(path), _manifests(around, manifest))
        if found is None:
            raise InputError(f"{path}: no manifest here has a film of these bytes; give one with --manifest")
        return one_film(*found, around.runs())
    raise InputError(_no_kind(path, "it has no header, and lies at no place of a run or workspace"))


def _no_kind(path: Path, why: str) -> str:
    return f"{path}: nothing that hilum knows: no artefact that it wrote ({why}), no study file, no table of films or scores, no film"


def _of_folder(path: Path, models: ModelReader, runs: RunReader) -> Artefact:
    if is_suite_folder(path):
        return runs.paper(path)
    if is_run(path):
        return runs.run(path)
    if (path / "bundle.json").is_file():
        return models.bundle(path)
    if (path / "bundle" / "bundle.json").is_file():
        return models.trial(path)
    if (path / "spec.json").is_file():
        return models.features(path)
    if path.parent.name == CELLS and is_run(path.parent.parent):
        return runs.cell(path)
    if (path / "runs").is_dir():
        raise InputError(f"{path} is a workspace; `hilum runs --workspace {path}` lists its runs")
    raise InputError(
        f"{path}: expected the folder of a run, a cell, a trial, a bundle or features; "
        f"it has none of run.json, bundle.json, spec.json"
    )


def _of_csv(path: Path, films: FilmReader, models: ModelReader) -> Artefact:
    kind = kind_of_header(path)
    if not kind:
        columns = read_columns(path)
        if {"image_id", "path", "sha256"} <= set(columns):
            kind = "manifest"
        elif "image_id" in columns and any(c.startswith("p_") for c in columns):
            kind = "predictions"
        else:
            shown = ", ".join(columns[:6]) or "none"
            raise InputError(_no_kind(path, f"it has no header; its columns are {shown}"))
    return models.predictions(path) if kind == "predictions" else films.manifest(path)


def _of_json(path: Path, films: FilmReader, models: ModelReader, runs: RunReader) -> Artefact:
    value = read_json(path)
    kind = kind_of_header(path)
    if kind in ("split", UnsafeSplit.kind):
        return films.split(path)
    if kind == "flow":
        return films.flow(path)
    if kind == "duplicates":
        return films.duplicates(path)
    if kind == "bundle":
        return models.bundle(path.parent)
    if kind == "features":
        return models.features(path.parent)
    if kind == "run":
        return runs.run(path.parent)
    if path.name == SUITE:
        return runs.paper(path.parent)
    if kind in _STATISTICS or (isinstance(value, list) and header_path(path).is_file()):
        return runs.statistics(path)
    if isinstance(value, dict) and "steps" in value and not kind:
        return studies.pipeline(value, str(path))
    if kind:  # of a kind that has nothing of its own: its header, its inputs compared where they can be
        found = runs.statistics(path)
        return replace(found, facts={**({"what": KINDS[kind]} if kind in KINDS else {}), **found.facts})
    if isinstance(value, list) and value and isinstance(value[0], dict) and "metric" in value[0]:
        return runs.statistics(path)
    held = (
        f"its keys are {', '.join(map(repr, list(value)[:5]))}"
        if isinstance(value, dict)
        else type(value).__name__
    )
    raise InputError(_no_kind(path, f"it has no header; {held}"))
