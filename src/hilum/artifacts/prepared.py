"""Prepared films: the pixels that a backbone sees, and what was drawn for each of them.

A shard is two files: ``<key>.json`` (rows and digests; it is there only when the shard is whole) and one array file a film size,
``<key>.<height>x<width>.npy``. Pixels are kept once however many pipelines, parts and trials arrive at them; a row points
at them by digest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.header import Header, read_json, write_json
from hilum.core.digests import SHORT
from hilum.core.files import writing
from hilum.core.mirror import at_hand


class Wanted(NamedTuple):
    """One preparation of a film: by which pipeline, for which part of the split, drawn with which seed, as which copy."""

    pipeline: str
    part: str
    seed: int
    copy: int = 0


class PreparedRow(NamedTuple):
    """A prepared film: its preparation, what was drawn for it, and the digest of its pixels."""

    image_id: str
    wanted: Wanted
    digest: str
    drawn: Any


class FilmOf(Protocol):
    """A prepared film of a trial, as far as a store asks of it."""

    @property
    def image_id(self) -> str: ...
    @property
    def pixels_sha256(self) -> str: ...


class ArrayStore:
    """Arrays in a folder, a row a film; films are found by the digest of their prepared pixels."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._where: dict[str, tuple[Path, int]] = {}

    def _save(self, name: str, array: NDArray[Any]) -> None:
        """Write an array, whole or not at all."""
        with writing(self.folder / name) as beside, beside.open("wb") as f:
            np.save(f, array)

    def key_of(self, film: FilmOf) -> str:
        """What a film's row is found by."""
        return film.pixels_sha256

    def locations(self, digests: Iterable[str]) -> list[tuple[str, int]]:
        """(array file, row) of each film, for a task that runs elsewhere."""
        return [(str(path), row) for path, row in map(self._where.__getitem__, digests)]


class PreparedStore(ArrayStore):
    """Shards of prepared films in a folder."""

    def _index_path(self, key: str) -> Path:
        return self.folder / f"{key[:SHORT]}.json"

    def has(self, key: str) -> bool:
        """Whether a whole shard is there."""
        return at_hand(self._index_path(key)).is_file()

    def write(
        self,
        key: str,
        header: Header,
        rows: Sequence[PreparedRow],
        pixels: dict[str, NDArray[np.uint8]],
        seconds: float,
    ) -> None:
        """Write a shard: arrays first, its index last."""
        by_shape: dict[tuple[int, ...], list[str]] = {}
        for d, film in pixels.items():
            by_shape.setdefault(film.shape, []).append(d)
        files = {}
        for (height, width), digests in sorted(by_shape.items()):
            name = f"{key[:SHORT]}.{height}x{width}.npy"
            self._save(name, np.stack([pixels[d] for d in digests]))
            files[name] = digests
        write_json(
            self._index_path(key),
            {
                "header": header,
                "seconds": round(seconds, 4),
                "files": files,
                "rows": [[r.image_id, *r.wanted, r.digest, r.drawn] for r in rows],
            },
        )

    def read(self, key: str) -> tuple[list[PreparedRow], float]:
        """Rows of a shard and the seconds it took when it was made; its pixels can then be asked for."""
        value = self._located(key)
        rows = [PreparedRow(i, Wanted(*wanted), d, drawn) for i, *wanted, d, drawn in value["rows"]]
        return rows, float(value["seconds"])

    def _located(self, key: str) -> dict[str, Any]:
        """The index of a shard, after its pixels were noted where they lie."""
        value: dict[str, Any] = read_json(at_hand(self._index_path(key)))
        for name, digests in value["files"].items():
            for k, d in enumerate(digests):
                self._where[d] = (self.folder / name, k)
        return value

    def located(self, keys: Iterable[str]) -> Self:
        """The store after the pixels of some shards were noted where they lie: what a task that runs elsewhere needs of it."""
        for key in keys:
            self._located(key)
        return self

    def sizes(self) -> set[tuple[int, int]]:
        """(height, width) of all films in the shards that were read."""
        names = {path.name.split(".")[1] for path in {path for path, _ in self._where.values()}}
        return {(int(h), int(w)) for h, w in (n.split("x") for n in names)}
