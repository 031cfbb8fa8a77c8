"""The films that a command's arguments name: files, folders and manifests, for commands that do not ingest.

A film of a folder is called by its path in it, with its ending; films that would share a name take the last parts of their paths that tell
them apart (`places`). A bare film that is named twice, or by a manifest too, counts once; every row of a manifest counts. A folder is
listed as an ingest lists it, and what is no film there is given back by reason.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.core.errors import InputError
from hilum.core.table_paths import absolute
from hilum.core.text import counted
from hilum.sources.places import unique_tails
from hilum.sources.tree import films_in

_SHOWN = 3


@dataclass(frozen=True)
class NamedFilms:
    """Films, and what lay beside them.

    Attributes:
        rows: A row a film; a bare one where no manifest tells more.
        left_out: Reason -> files of the folders that are no films.
    """

    rows: tuple[FilmRow, ...]
    left_out: Mapping[str, tuple[str, ...]]

    def notes(self) -> list[str]:
        """A sentence a reason, with the number of files and the first few."""
        notes = []
        for reason, files in sorted(self.left_out.items()):
            more = ", ..." if len(files) > _SHOWN else ""
            notes.append(f"left out, {reason}: {len(files)} ({', '.join(files[:_SHOWN])}{more})")
        return notes


def named_films(paths: Sequence[Path]) -> NamedFilms:
    """The films that a command names: files, folders (searched), or manifests.

    Raises:
        InputError: A path that is not there, a folder without a film, or manifests that give one id to several films.
    """
    rows: dict[tuple[Path, str], FilmRow] = {}
    left_out: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        if path.suffix.lower() == ".csv":
            found = list(Manifest.read(path).films)
        elif path.is_dir():
            found = _in_folder(path, left_out)
        elif path.is_file():
            found = [_bare(path, path.name)]
        else:
            raise InputError(f"{path}: no such film, folder or manifest")
        for row in found:
            rows.setdefault((absolute(Path(row.path)), row.image_id if row.source else ""), row)
    told = {place for (place, _), r in rows.items() if r.source}
    rows = {key: r for key, r in rows.items() if r.source or key[0] not in told}
    return NamedFilms(tuple(_called_apart(rows)), {r: tuple(f) for r, f in left_out.items()})


def _in_folder(folder: Path, left_out: dict[str, list[str]]) -> list[FilmRow]:
    films, others = films_in(folder)
    for oddity in others:
        left_out[oddity.reason].append(oddity.path)
    if not films:
        beside = (
            f"; it holds {counted(len(others), 'other file or folder', 'other files or folders')}"
            if others
            else ""
        )
        raise InputError(f"{folder}: no film in this folder (PNG, JPEG, BMP, TIFF or DICOM){beside}")
    return [_bare(folder / f, f) for f in films]


def _called_apart(rows: Mapping[tuple[Path, str], FilmRow]) -> list[FilmRow]:
    own = Counter(r.image_id for r in rows.values() if r.source)
    twice = [i for i, n in own.items() if n > 1]
    if twice:
        raise InputError(
            f"the manifests given have different films of one image_id: {twice[0]!r} ({len(twice)} ids); give one manifest at a time"
        )
    ids = [r.image_id for r in rows.values()]
    if len(set(ids)) == len(ids):
        return list(rows.values())
    bare = [place for (place, _), r in rows.items() if not r.source]
    names = dict(zip(bare, unique_tails(bare, own), strict=True))  # a manifest's ids stay
    return [r if r.source else replace(r, image_id=names[place]) for (place, _), r in rows.items()]


def _bare(path: Path, name: str) -> FilmRow:
    return FilmRow(
        image_id=name, patient_id="", path=str(path), sha256="", pixels_sha256="", label="", source=""
    )
