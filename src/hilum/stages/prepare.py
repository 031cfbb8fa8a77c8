"""prepare: films -> the pixels a backbone sees, under every pipeline, part and trial of a study.

A film is decoded once and passed through all that is wanted of it; equal pixels are kept once. A chunk is a few hundred films, found again
by the digest of its inputs. What is drawn for a film follows from (seed, its pixels, copy, operation), so neither its chunk nor the
worker makes a difference.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.header import Header, checked, read_json, require_digest, write_json
from hilum.artifacts.manifest import FilmRow
from hilum.artifacts.masks import MaskStore
from hilum.artifacts.prepared import PreparedRow, PreparedStore, Wanted
from hilum.augment.pipeline import Pipeline
from hilum.core.digests import SHORT, canonical_json, digest, pixels_sha256
from hilum.core.mirror import at_hand
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
        masks: Folder of the store of lung masks; empty where no pipeline reads lungs. Its task carries it, and the chunk's file does not.
        lungs: (origin, digest) of each film's mask, where one does.
    """

    films: tuple[tuple[str, str, str, str], ...]
    wanted: tuple[tuple[Wanted, ...], ...]
    pipelines: tuple[tuple[str, Any], ...]
    masks: str = ""
    lungs: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> str:
        """Digest of all that makes a difference: pixels, pipelines and preparations; not paths."""
        pipelines = {name: Pipeline.from_dict(spec).digest for name, spec in self.pipelines}
        lungs = [[mask for _, mask in self.lungs]] if self.lungs else []
        return digest([[[i, sha] for i, _, _, sha in self.films], self.wanted, pipelines, *lungs])

    def write(self, path: Path) -> None:
        """Write it for a task, which may run elsewhere."""
        write_json(path, replace(self, masks=""))

    @classmethod
    def read(cls, path: Path) -> Chunk:
        """Read what `write` wrote."""
        return checked(read_json(path), cls, path)


@dataclass(frozen=True)
class FilmLungs:
    """Where the lung masks of some films are.

    Attributes:
        folder: Of the store.
        of: image_id -> (origin, digest) of the film's mask.
    """

    folder: Path
    of: Mapping[str, tuple[str, str]]


PrepareTask = tuple[Path, Path, Path]
"""The file that says what a chunk is, the folder that its shard goes to, and that of lung masks, where it reads some."""


def plan(
    films: Mapping[str, FilmRow],
    wanted: Mapping[str, Sequence[Wanted]],
    pipelines: Mapping[str, Pipeline],
    lungs: FilmLungs | None = None,
) -> Chunks:
    """Cut the work into chunks, in the order of image ids; `lungs` is looked at where a pipeline reads them."""
    return Chunks(films, wanted, pipelines, lungs if any(p.reads_lungs for p in pipelines.values()) else None)


class Chunks(Sequence[Chunk]):
    """Films in chunks, each made when it is asked for."""

    def __init__(
        self,
        films: Mapping[str, FilmRow],
        wanted: Mapping[str, Sequence[Wanted]],
        pipelines: Mapping[str, Pipeline],
        lungs: FilmLungs | None,
    ) -> None:
        self._films, self._wanted, self._lungs = films, wanted, lungs
        self._ids = sorted(wanted)
        self._specs = tuple((name, p.to_dict()) for name, p in sorted(pipelines.items()))
        self._starts = range(0, len(self._ids), CHUNK)

    def __len__(self) -> int:
        return len(self._starts)

    @overload
    def __getitem__(self, k: int) -> Chunk: ...
    @overload
    def __getitem__(self, k: slice) -> Sequence[Chunk]: ...
    def __getitem__(self, k: int | slice) -> Chunk | Sequence[Chunk]:
        starts = self._starts[k]
        return self._at(starts) if isinstance(starts, int) else [self._at(start) for start in starts]

    def _at(self, start: int) -> Chunk:
        ids, lungs = self._ids[start : start + CHUNK], self._lungs
        films = (self._films[i] for i in ids)
        rows = tuple((f.image_id, f.path, f.sha256, f.pixels_sha256) for f in films)
        masks = (str(lungs.folder), tuple(lungs.of[i] for i in ids)) if lungs else ("", ())
        return Chunk(rows, tuple(tuple(sorted(self._wanted[i])) for i in ids), self._specs, *masks)

    @cached_property
    def keys(self) -> list[str]:
        """The key of each."""
        return [chunk.key for chunk in self]

    def lacking(self, store: PreparedStore) -> list[int]:
        """Places of those that a store has not."""
        return [k for k, key in enumerate(self.keys) if not store.has(key)]

    def ids(self, k: int) -> list[str]:
        """The films of one."""
        return self._ids[self._starts[k] : self._starts[k] + CHUNK]


def tasks_of(chunks: Iterable[Chunk], scratch: Path, folder: Path) -> Iterator[PrepareTask]:
    """Tasks. A chunk is written to a file in `scratch` when its task is asked for; shards go to `folder`."""
    for chunk in chunks:
        path = scratch / f"{chunk.key[:SHORT]}.json"
        chunk.write(path)
        yield path, folder, Path(chunk.masks)


def prepare_film(
    film: NDArray[np.uint8],
    sha: str,
    wanted: Sequence[Wanted],
    pipelines: Mapping[str, Pipeline],
    lungs: NDArray[np.uint8] | None = None,
) -> tuple[list[tuple[Wanted, str, Any]], dict[str, NDArray[np.uint8]]]:
    """Make every preparation of one decoded film; `lungs` is its mask, where a pipeline reads it.

    Returns:
        (wanted, digest, what was drawn) of each, and the distinct pixels by digest.
    """
    rows: list[tuple[Wanted, str, Any]] = []
    pixels: dict[str, NDArray[np.uint8]] = {}
    alike: dict[tuple[str, str], str] = {}
    for w in wanted:
        pipeline = pipelines[w.pipeline]
        drawn = pipeline.draw(w.seed, sha, w.copy, w.part, film.shape[0], film.shape[1], lungs)
        which = w.pipeline, canonical_json(drawn)  # most draws act on nothing, and share one result
        digest_ = alike.get(which)
        if digest_ is None:
            made = pipeline.apply(film, drawn, lungs)
            alike[which] = digest_ = pixels_sha256(made)
            pixels.setdefault(digest_, made)
        rows.append((w, digest_, drawn))
    return rows, pixels


def _mask(store: MaskStore, image_id: str, sha: str, origin: str, expected: str) -> NDArray[np.uint8]:
    """A film's lung mask.

    Raises:
        InputError: It is not there.
        DigestError: It is another one now.
    """
    found = store.read([sha], origin)[sha]
    require_digest("lung mask", expected, found.digest, image_id)
    return found.mask


def prepare_chunk(task: PrepareTask) -> int:
    """Do one task; returns the number of films.

    Raises:
        FilmError: A film that cannot be decoded, or whose bytes or pixels are not those of the manifest.
    """
    start = time.perf_counter()
    path, folder, lungs_folder = task
    chunk, store = Chunk.read(at_hand(path)), PreparedStore(folder)
    pipelines = {name: Pipeline.from_dict(spec) for name, spec in chunk.pipelines}
    rows: list[PreparedRow] = []
    pixels: dict[str, NDArray[np.uint8]] = {}
    masks = MaskStore(lungs_folder) if chunk.lungs else None
    for k, ((image_id, film_path, sha256, sha), wanted) in enumerate(
        zip(chunk.films, chunk.wanted, strict=True)
    ):
        film = film_as_ingested(image_id, film_path, sha256).pixels
        if pixels_sha256(film) != sha:
            raise changed(image_id)
        lungs = _mask(masks, image_id, sha, *chunk.lungs[k]) if masks else None
        made, new = prepare_film(film, sha, wanted, pipelines, lungs)
        rows.extend(PreparedRow(image_id, w, d, drawn) for w, d, drawn in made)
        pixels.update(new)
    header = Header("prepared", options={"pipelines": dict(chunk.pipelines)})
    store.write(chunk.key, header, rows, pixels, time.perf_counter() - start)
    return len(chunk.films)
