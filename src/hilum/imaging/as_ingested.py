"""A film of a manifest, if it is still what it was: the one place where a film's bytes are held against the manifest's digest.

A film whose bytes are others now may have another patient's picture under its id and label, so it is refused wherever films of a manifest
are read, by its id, with the reason `CHANGED`. A film without a digest (a bare file, or a manifest made elsewhere) is taken as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.manifest import FilmRow
from hilum.core.digests import sha256_bytes
from hilum.core.engine import Engine
from hilum.core.errors import FilmError, InputError
from hilum.core.progress import progress
from hilum.core.text import counted, first_of
from hilum.imaging.decode import decode_named, file_bytes
from hilum.imaging.film import DecodedFilm
from hilum.imaging.kept_films import kept_film

CHANGED: Final = "changed since ingest"
_CHUNK_FILMS: Final = 64
_Seen = TypeVar("_Seen")
_Film = tuple[str, str, str]


def bytes_as_ingested(image_id: str, path: str, sha256: str) -> bytes:
    """The bytes of a film, if they have the manifest's digest; an empty digest is not compared.

    A film that is not where the manifest has it may be at the workspace's address (`hilum.imaging.kept_films`).

    Raises:
        FilmError: It cannot be read, or is another one now (`CHANGED`).
    """
    here = Path(path)
    elsewhere = None if here.is_file() else kept_film(sha256)
    data = file_bytes(elsewhere or here)
    if sha256 and sha256_bytes(data) != sha256:
        raise changed(image_id)
    return data


def film_as_ingested(image_id: str, path: str, sha256: str) -> DecodedFilm:
    """The decoded film.

    Raises:
        FilmError: As `bytes_as_ingested`; or it cannot be decoded.
    """
    return decode_named(bytes_as_ingested(image_id, path, sha256), path)


def each_film(
    look: Callable[[NDArray[np.uint8]], _Seen],
    films: Sequence[FilmRow],
    engine: Engine,
    what: str,
    here_below: int = 256,
) -> list[_Seen]:
    """What is seen of the pixels of each film, as `each_readable_film`, where all can be used.

    Raises:
        InputError: Films that changed since they were ingested, or cannot be decoded, all of them named.
    """
    answers = each_readable_film(look, films, engine, what, here_below)
    refuse([f"{f.image_id}: {why}" for f, (_, why) in zip(films, answers, strict=True) if why])
    return [cast(_Seen, value) for value, _ in answers]


def each_readable_film(
    look: Callable[[NDArray[np.uint8]], _Seen],
    films: Sequence[FilmRow],
    engine: Engine,
    what: str,
    here_below: int = 256,
) -> list[tuple[_Seen | None, str]]:
    """What is seen of the pixels of each film, in order, or None and the reason; films are opened in tasks for an engine.

    Args:
        look: Given the pixels of a film. It goes to other processes.
        films: The films.
        engine: Where they are opened.
        what: Of the line of progress.
        here_below: Films; a process takes longer to begin than so few take.
    """
    rows = [(f.image_id, f.path, f.sha256) for f in films]
    chunks = [rows[k : k + _CHUNK_FILMS] for k in range(0, len(rows), _CHUNK_FILMS)]
    seen: list[tuple[_Seen | None, str]] = []
    with progress(what, len(rows)) as step:
        answers = engine.map(partial(_look, look), chunks, here=len(rows) < here_below)
        for answer in chain.from_iterable(answers):
            seen.append(answer)
            step()
    return seen


def _look(look: Callable[[NDArray[np.uint8]], Any], films: Sequence[_Film]) -> list[tuple[Any, str]]:
    """What is seen of each film, or why nothing is."""
    out: list[tuple[Any, str]] = []
    for film in films:
        try:
            out.append((look(film_as_ingested(*film).pixels), ""))
        except FilmError as e:
            out.append((None, e.reason))
    return out


def refuse(bad: Sequence[str]) -> None:
    """Refuse a manifest's films that cannot be used, all in one error; nothing happens when the list is empty.

    Raises:
        InputError: It names the first of them, as ``image_id: reason``.
    """
    if bad:
        films = counted(len(bad), "film")
        raise InputError(f"{films} of the manifest cannot be used; ingest again:\n{first_of(bad)}")


def changed(image_id: str) -> FilmError:
    """The error for a film whose bytes or pixels are others than at ingest."""
    return FilmError(
        CHANGED, f"film {image_id!r} is not what it was when the manifest was made; run `hilum ingest` again"
    )
