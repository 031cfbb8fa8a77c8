"""Reading many films at once: bytes, digests, size, and what a DICOM header says of the patient.

Answers come in the order of the paths, whatever the number of workers. A film that cannot be read is an answer with a reason; one that
takes its process down is found out and named, and the others are read all the same. No pixels travel between processes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from hilum.core.digests import pixels_sha256, sha256_bytes
from hilum.core.engine import Engine, Local, available_cores
from hilum.core.errors import FilmError
from hilum.imaging.blank import nearly_blank
from hilum.imaging.decode import decode
from hilum.imaging.film import MAX_FILE_BYTES

_CHUNK = 64  # films a task: large enough that queueing costs nothing, small enough that the bar moves
_HERE_BELOW = 200  # starting processes takes longer than reading so few films


@dataclass(frozen=True, slots=True)
class FilmRead:
    """What reading a film gave; `reason` is empty when it went well.

    Attributes:
        sha256: Digest of the bytes.
        pixels_sha256: Digest of the decoded film.
        container: Format of the file.
        stored_as: How it holds its greys.
        nearly_blank: Why the film shows next to nothing; empty for most.
        facts: What a DICOM header says (`hilum.imaging.film.DecodedFilm`).
        reason: Why the film cannot be used.
        detail: One sentence.
    """

    sha256: str = ""
    pixels_sha256: str = ""
    width_px: int = 0
    height_px: int = 0
    container: str = ""
    stored_as: str = ""
    nearly_blank: str = ""
    facts: Mapping[str, str] = field(default_factory=dict, repr=False)
    reason: str = ""
    detail: str = ""


Read = Callable[[str], FilmRead]


def read_film(path: str) -> FilmRead:
    """Read one film. Never raises: what went wrong is in the answer."""
    try:
        if (size := Path(path).stat().st_size) > MAX_FILE_BYTES:
            return FilmRead(reason="too large", detail=f"the file has {size / 2**30:.1f} GiB")
        data = Path(path).read_bytes()
        film = decode(data)
    except FilmError as e:
        return FilmRead(reason=e.reason, detail=str(e))
    except FileNotFoundError:
        return FilmRead(reason="no such file", detail="it went away while films were being read")
    except OSError as e:
        return FilmRead(reason="unreadable", detail=e.strerror or type(e).__name__)
    except Exception as e:  # a defect of the decoder must not cost the other films; it stands in the table
        return FilmRead(reason="decoder failed", detail=f"{type(e).__name__}: {e}")
    return FilmRead(
        sha256=sha256_bytes(data),
        pixels_sha256=pixels_sha256(film.pixels),
        width_px=film.width_px,
        height_px=film.height_px,
        container=film.format,
        stored_as=film.mode,
        nearly_blank=nearly_blank(film.pixels),
        facts=film.facts,
    )


def read_films(
    paths: Sequence[str], engine: Engine | None = None, read: Read = read_film
) -> Iterator[FilmRead]:
    """Read films, in order.

    Args:
        paths: Files.
        engine: Where they are read; None for this machine, and for this process alone when they are few.
        read: The function that reads one; it must be importable by a worker.
    """
    where = engine or Local(0 if len(paths) < _HERE_BELOW else available_cores())
    chunks = [paths[i : i + _CHUNK] for i in range(0, len(paths), _CHUNK)]
    for chunk, answers in zip(
        chunks, where.map(partial(_read_chunk, read=read), chunks, killed=_nothing), strict=True
    ):
        yield from answers or where.map(read, chunk, killed=_crashed)


def _read_chunk(chunk: Sequence[str], read: Read) -> list[FilmRead]:
    return [read(path) for path in chunk]


def _nothing(_: Sequence[str]) -> list[FilmRead]:
    """One of the chunk's films ended the process: they are read again, each as a task of its own."""
    return []


def _crashed(_: str) -> FilmRead:
    return FilmRead(reason="decoder crashed", detail="decoding it ended the process that tried")
