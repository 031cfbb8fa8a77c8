"""Reading many films at once: bytes, digests, size, and what a DICOM header says of the patient.

Convention: answers come in the order of the paths, whatever the number of workers. A film that cannot be read
is an answer with a reason; one that takes its process down is found out and named, and the others are read
all the same. Workers import the decoder and nothing of torch; no pixels travel between processes.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from hilum.core.digests import pixels_sha256, sha256_bytes
from hilum.core.errors import FilmError
from hilum.core.processes import pool
from hilum.imaging.blank import nearly_blank
from hilum.imaging.decode import decode
from hilum.imaging.film import MAX_FILE_BYTES

_CHUNK = 64  # films a task: large enough that queueing costs nothing, small enough that the bar moves
_AHEAD = 3  # tasks waiting for each worker: memory does not grow with the number of films
_ALONE_BELOW = 200  # starting processes takes longer than reading so few films


@dataclass(frozen=True, slots=True)
class FilmRead:
    """What reading a film gave; `reason` is empty when it went well.

    Attributes:
        sha256: Digest of the bytes.
        pixels_sha256: Digest of the decoded film.
        width_px: Width.
        height_px: Height.
        container: Format of the file.
        stored_as: How it holds its greys.
        nearly_blank: Why the film shows next to nothing; empty for most.
        patient_id: PatientID of a DICOM file.
        view: ViewPosition of a DICOM file.
        age: PatientAge of a DICOM file, as ``"065Y"``.
        sex: PatientSex of a DICOM file.
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
    patient_id: str = ""
    view: str = ""
    age: str = ""
    sex: str = ""
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
        patient_id=film.facts.get("patient_id", ""),
        view=film.facts.get("view", ""),
        age=film.facts.get("age", ""),
        sex=film.facts.get("sex", ""),
    )


def default_workers() -> int:
    """The processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def read_films(
    paths: Sequence[str], workers: int | None = None, read: Read = read_film
) -> Iterator[FilmRead]:
    """Read films, in order.

    Args:
        paths: Files.
        workers: Processes; None for one a processor (none for a few films), 0 to read in this process.
        read: The function that reads one; it must be importable by a worker.
    """
    if workers is None:
        workers = 0 if len(paths) < _ALONE_BELOW else default_workers()
    if workers == 0:
        yield from map(read, paths)
        return
    chunks = [paths[i : i + _CHUNK] for i in range(0, len(paths), _CHUNK)]
    done = 0
    while done < len(chunks):
        for answers in _read_until_broken(chunks[done:], workers, read):
            yield from answers
            done += 1
        if done < len(chunks):  # a worker died: somewhere in this task or in one that ran beside it
            for k in range(done, min(done + workers * _AHEAD, len(chunks))):
                yield from _read_one_by_one(chunks[k], read)
                done += 1


def _read_until_broken(chunks: Sequence[Sequence[str]], workers: int, read: Read) -> Iterator[list[FilmRead]]:
    waiting: deque[Future[list[FilmRead]]] = deque()
    rest = iter(chunks)
    with pool(min(workers, len(chunks))) as processes:
        try:
            for chunk in rest:
                waiting.append(processes.submit(_read_chunk, chunk, read))
                if len(waiting) >= workers * _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool:
            return
        finally:
            for task in waiting:
                task.cancel()


def _read_one_by_one(chunk: Sequence[str], read: Read) -> Iterator[FilmRead]:
    todo = deque(chunk)
    while todo:
        with pool(1) as processes:
            processes.submit(int).result()  # a process that cannot even begin is no fault of a film
            while todo:
                try:
                    answer = processes.submit(read, todo[0]).result()
                except BrokenProcessPool:
                    todo.popleft()
                    yield FilmRead(
                        reason="decoder crashed", detail="decoding it ended the process that tried"
                    )
                    break
                todo.popleft()
                yield answer


def _read_chunk(chunk: Sequence[str], read: Read) -> list[FilmRead]:
    return [read(path) for path in chunk]
