"""prepare: films -> the pixels a backbone sees, under every pipeline, part and trial of a study.

A film is decoded once and passed through all that is wanted of it; equal pixels are kept once. A chunk is a few hundred films, found again
by the digest of its inputs. What is drawn for a film follows from (seed, its pixels, copy, operation), so neither its chunk nor the
worker makes a difference.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.header import Header, checked, read_json, write_json
from hilum.artifacts.manifest import FilmRow
from hilum.artifacts.prepared import PreparedRow, PreparedStore, Wanted
from hilum.augment.pipeline import Pipeline
from hilum.core.digests import SHORT, digest, pixels_sha256
from hilum.imaging.as_ingested import changed, film_as_ingested

CHUNK = 256
"""Films a task: the unit that is repeated after a kill."""


@dataclass(frozen=True)
class Chunk:
    """Films, each with the preparations that are made of it.

    Attributes:
        films: (image_id, path, sha256, pixels_sha256) of each film.
        wanted: For each film, what to make of it.
        pipelines: Name -> pipeline, as `Pipeline.to_dict` gives it.
    """

    films: tuple[tuple[str, str, str, str], ...]
    wanted: tuple[tuple[Wanted, ...], ...]
    pipelines: tuple[tuple[str, Any], ...]

    @property
    def key(self) -> str:
        """Digest of all that makes a difference: pixels, pipelines and preparations; not paths."""
        pipelines = {name: Pipeline.from_dict(spec).digest for name, spec in self.pipelines}
        return digest([[[i, sha] for i, _, _, sha in self.films], self.wanted, pipelines])

    def write(self, path: Path) -> None:
        """Write it for a task, which may run elsewhere."""
        write_json(path, self)

    @classmethod
    def read(cls, path: Path) -> Chunk:
        """Read what `write` wrote."""
        return checked(read_json(path), cls, path)


PrepareTask = tuple[Path, Path]
"""The file that says what a chunk is, and the folder that its shard goes to."""


def plan(
    films: Mapping[str, FilmRow],
    wanted: Mapping[str, Sequence[Wanted]],
    pipelines: Mapping[str, Pipeline],
) -> list[Chunk]:
    """Cut the work into chunks, in the order of image ids."""
    specs = tuple((name, p.to_dict()) for name, p in sorted(pipelines.items()))
    ids = sorted(wanted)
    chunks = []
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        rows = tuple((i, films[i].path, films[i].sha256, films[i].pixels_sha256) for i in chunk)
        chunks.append(Chunk(rows, tuple(tuple(sorted(wanted[i])) for i in chunk), specs))
    return chunks


def tasks_of(chunks: Iterable[Chunk], scratch: Path, folder: Path) -> Iterator[PrepareTask]:
    """Tasks. A chunk is written to a file in `scratch` when its task is asked for; shards go to `folder`."""
    for chunk in chunks:
        path = scratch / f"{chunk.key[:SHORT]}.json"
        chunk.write(path)
        yield path, folder


def prepare_film(
    film: NDArray[np.uint8], sha: str, wanted: Sequence[Wanted], pipelines: Mapping[str, Pipeline]
) -> tuple[list[tuple[Wanted, str, Any]], dict[str, NDArray[np.uint8]]]:
    """Make every preparation of one decoded film.

    Returns:
        (wanted, digest, what was drawn) of each, and the distinct pixels by digest.
    """
    rows: list[tuple[Wanted, str, Any]] = []
    pixels: dict[str, NDArray[np.uint8]] = {}
    undrawn: dict[str, str] = {}
    for w in wanted:
        pipeline = pipelines[w.pipeline]
        drawn = pipeline.draw(w.seed, sha, w.copy, w.part, film.shape[0], film.shape[1])
        digest_ = None if drawn else undrawn.get(w.pipeline)
        if digest_ is None:
            made = pipeline.apply(film, drawn)
            digest_ = pixels_sha256(made)
            pixels.setdefault(digest_, made)
            if not drawn:  # most draws act on nothing: such films share one result a pipeline
                undrawn[w.pipeline] = digest_
        rows.append((w, digest_, drawn))
    return rows, pixels


def prepare_chunk(task: PrepareTask) -> int:
    """Do one task; returns the number of films.

    Raises:
        FilmError: A film that cannot be decoded, or whose bytes or pixels are not those of the manifest.
    """
    start = time.perf_counter()
    path, folder = task
    chunk, store = Chunk.read(path), PreparedStore(folder)
    pipelines = {name: Pipeline.from_dict(spec) for name, spec in chunk.pipelines}
    rows: list[PreparedRow] = []
    pixels: dict[str, NDArray[np.uint8]] = {}
    for (image_id, film_path, sha256, sha), wanted in zip(chunk.films, chunk.wanted, strict=True):
        film = film_as_ingested(image_id, film_path, sha256).pixels
        if pixels_sha256(film) != sha:
            raise changed(image_id)
        made, new = prepare_film(film, sha, wanted, pipelines)
        rows.extend(PreparedRow(image_id, w, d, drawn) for w, d, drawn in made)
        pixels.update(new)
    header = Header("prepared", options={"pipelines": dict(chunk.pipelines)})
    store.write(chunk.key, header, rows, pixels, time.perf_counter() - start)
    return len(chunk.films)
