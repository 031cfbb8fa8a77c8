"""show: what something is, its version, and where it came from, back to the films. Reads only.

What is asked for may be a path (manifest, split, run, cell, trial, bundle, predictions, statistics, report, study file, pipeline as JSON,
film), a name (run, study, pipeline, policy, loss, cell), an image_id, or the first digits of a version.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

from hilum.artifacts.lineage import SHOWN, Artefact
from hilum.artifacts.manifest import Manifest
from hilum.core.errors import InputError
from hilum.lineage import names
from hilum.lineage.names import Entry
from hilum.lineage.noun import once
from hilum.lineage.one_film import find_film, one_film
from hilum.lineage.recognise import recognised
from hilum.lineage.surroundings import Surroundings

_HEX = re.compile(r"[0-9a-f]{4,64}")
_NAMED = ("run", "paper", "study", "suite", "pipeline", "policy", "loss", "cell")


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
        return [recognised(path, Surroundings(path, workspace, manifest, read_films))]
    if path.suffix in (".csv", ".toml", ".html") or what.endswith("/"):
        raise InputError(f"{what}: no such file or folder")
    around = Surroundings(workspace or Path.cwd(), workspace, manifest)
    entries = [*names.of_workspace(around), *names.shipped()]
    found = [e for e in entries if e.name == what] or _by_digits(what, entries)
    if not found:
        film = find_film(what, around.manifests())
        if film is not None:
            return [one_film(*film, around.runs())]
        found = _by_digits(what, names.dear(around))
    if not found:
        raise InputError(_nothing(what, entries, around))
    return [
        recognised(e.show, Surroundings(e.show, workspace, read_films=read_films))
        if isinstance(e.show, Path)
        else e.show()
        for e in _versions(found)
    ]


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


def _nothing(what: str, entries: Sequence[Entry], around: Surroundings) -> str:
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
        known |= {i for path in around.manifests() for i in once(Manifest.read, path).by_id}
    close = get_close_matches(what, known, n=1, cutoff=0.6)
    some = ", ".join(sorted({e.name for e in entries if e.kind in ("run", "study", "suite", "paper")}))
    hint = f"did you mean {close[0]!r}?" if close else f"studies and runs: {some}"
    return f"nothing is called {what!r}: no path, run, study, pipeline, policy or film; {hint} ({where})"
