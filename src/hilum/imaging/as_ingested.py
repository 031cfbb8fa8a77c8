"""A film of a manifest, if it is still what it was: the one place where a film's bytes are held against the manifest's digest.

A film whose bytes are others now may have another patient's picture under its id and label, so it is refused wherever films of a manifest
are read, by its id, with the reason `CHANGED`. A film without a digest (a bare file, or a manifest made elsewhere) is taken as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from hilum.core.digests import sha256_bytes
from hilum.core.errors import FilmError, InputError
from hilum.core.text import counted, first_of
from hilum.imaging.decode import decode_named, file_bytes
from hilum.imaging.film import DecodedFilm

CHANGED: Final = "changed since ingest"


def bytes_as_ingested(image_id: str, path: str, sha256: str) -> bytes:
    """The bytes of a film, if they have the manifest's digest; an empty digest is not compared.

    Raises:
        FilmError: It cannot be read, or is another one now (`CHANGED`).
    """
    data = file_bytes(Path(path))
    if sha256 and sha256_bytes(data) != sha256:
        raise changed(image_id)
    return data


def film_as_ingested(image_id: str, path: str, sha256: str) -> DecodedFilm:
    """The decoded film.

    Raises:
        FilmError: As `bytes_as_ingested`; or it cannot be decoded.
    """
    return decode_named(bytes_as_ingested(image_id, path, sha256), path)


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
