"""Prepared films: the pixels that a backbone sees, and what was drawn for each of them.

A shard is two files: ``<key>.json`` (rows and digests; it is there only when the shard is whole) and one array file a film size,
``<key>.<height>x<width>.npy``. Pixels are kept once however many pipelines, parts and trials arrive at them; a row points
at them by digest.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self, overload

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.header import Header, read_json, write_json
from hilum.artifacts.places import DIGEST_BYTES, Places, of_hex
from hilum.core.columns import Building, Column
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


class PreparedRows(Sequence[PreparedRow]):
    """Prepared films in columns, in the order that they were added; found by (film, what was wanted of it)."""

    def __init__(self) -> None:
        self.image_ids: list[str] = []
        self._wanted, self._drawn, self._digests = Building[Wanted](), Building[str](), bytearray()
        self._place_of: dict[Wanted, dict[str, int]] = {}

    def add(self, image_ids: Iterable[str], rows: Sequence[PreparedRow]) -> None:
        """Add rows; `image_ids` are those that they may have, as they are kept elsewhere."""
        as_kept = {i: i for i in image_ids}
        for k, row in enumerate(rows, len(self.image_ids)):
            self._place_of.setdefault(row.wanted, {})[as_kept.get(row.image_id, row.image_id)] = k
        self.image_ids += [as_kept.get(r.image_id, r.image_id) for r in rows]
        self._wanted.extend([r.wanted for r in rows])
        self._drawn.extend([json.dumps(r.drawn) for r in rows])
        self._digests += of_hex([r.digest for r in rows]).tobytes()
        self.__dict__.pop("_columns", None)

    def __len__(self) -> int:
        return len(self.image_ids)

    @cached_property
    def _columns(self) -> tuple[Column[Wanted], Column[str]]:
        return self._wanted.column(), self._drawn.column()

    @overload
    def __getitem__(self, k: int) -> PreparedRow: ...
    @overload
    def __getitem__(self, k: slice) -> Sequence[PreparedRow]: ...
    def __getitem__(self, k: int | slice) -> PreparedRow | Sequence[PreparedRow]:
        if isinstance(k, slice):
            return [self[row] for row in range(len(self))[k]]
        wanted, drawn = self._columns
        return PreparedRow(self.image_ids[k], wanted[k], self.digest(k), json.loads(drawn[k]))

    def line(self, k: int) -> str:
        """One as a trial's list has it (`hilum.artifacts.drawn_films`): JSON of its film, copy, digest, and what was drawn."""
        wanted, drawn = self._columns
        return f'[{json.dumps(self.image_ids[k])}, {wanted[k].copy}, "{self.digest(k)}", {drawn[k]}]'

    def digest(self, k: int) -> str:
        """Digest of the pixels of one."""
        return self._digests[DIGEST_BYTES * k : DIGEST_BYTES * (k + 1)].hex()

    def places(self, asked: Iterable[tuple[str, Wanted]]) -> NDArray[np.int64]:
        """Where prepared films stand among the rows."""
        place_of = self._place_of
        return np.fromiter((place_of[w][i] for i, w in asked), np.int64)


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
        self._places = Places()

    def _save(self, name: str, array: NDArray[Any]) -> None:
        """Write an array, whole or not at all."""
        with writing(self.folder / name) as beside, beside.open("wb") as f:
            np.save(f, array)

    def key_of(self, film: FilmOf) -> str:
        """What a film's row is found by."""
        return film.pixels_sha256

    def locations(self, digests: Iterable[str]) -> list[tuple[str, int]]:
        """(array file, row) of each film, for a task that runs elsewhere."""
        asked = list(digests)
        file, row = self._places.find(asked)
        for lost in np.flatnonzero(file < 0)[:1]:
            raise KeyError(asked[lost])
        paths = list(map(str, self._places.files))
        return [(paths[f], r) for f, r in zip(file.tolist(), row.tolist(), strict=True)]


class PreparedStore(ArrayStore):
    """Shards of prepared films in a folder."""

    def _index_path(self, key: str) -> Path:
        return self.folder / f"{key[:SHORT]}.json"

    def _index(self, key: str) -> dict[str, Any]:
        found: dict[str, Any] = read_json(at_hand(self._index_path(key)))
        return found

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
        value = self._index(key)
        for name, digests in value["files"].items():
            self._places.add(self.folder / name, of_hex(digests))
        return value

    def pixels(self, key: str) -> Iterator[tuple[list[str], NDArray[np.uint8]]]:
        """Digests and pixels of a shard's films, size by size, (n, height, width); each file is read in one go."""
        for name, digests in self._index(key)["files"].items():
            yield digests, np.load(at_hand(self.folder / name))

    def located(self, keys: Iterable[str]) -> Self:
        """The store after the pixels of some shards were noted where they lie: what a task that runs elsewhere needs of it."""
        for key in keys:
            self._located(key)
        return self

    def sizes(self) -> set[tuple[int, int]]:
        """(height, width) of all films in the shards that were read."""
        names = {path.name.split(".")[1] for path in self._places.files}
        return {(int(h), int(w)) for h, w in (n.split("x") for n in names)}
