"""Array files of shards, opened: mapped where they are here; of one that is at an address only, all of it or the rows that are needed.

A row's place follows from the file's head: ``.npy`` has shape and type first, then the rows one after another
(https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
"""

from __future__ import annotations

import io
import os
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hilum.core.memory import available_bytes
from hilum.core.mirror import Mirror, at_hand, in_force, mirror_of

_HEAD_BYTES = 4096
_FEW = 0.125
"""Of a shard's bytes: where fewer are needed, they alone are read, and held in memory."""
_AT_ONCE = 8
_MOST = 0.25
"""Of a shard's rows: where so many are needed, all of it is read at once, ahead of whoever asks."""
_OF_MEMORY = 0.5
"""Of the memory that is free, what is read ahead at most."""


class Shard(Protocol):
    """Rows of an array file."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    def __getitem__(self, row: int, /) -> NDArray[Any]: ...


def opened_all(rows: Mapping[str, Collection[int]]) -> list[Shard]:
    """Array files with the rows that will be asked for, in this order; several at a time are brought from an address."""
    if in_force():
        with ThreadPoolExecutor(_AT_ONCE) as several:
            found = list(several.map(opened, map(Path, rows), rows.values()))
    else:
        found = [opened(Path(path), which) for path, which in rows.items()]
    _read_ahead(
        [
            Path(path)
            for shard, (path, which) in zip(found, rows.items(), strict=True)
            if isinstance(shard, np.ndarray) and len(which) >= _MOST * len(shard)
        ]
    )
    return found


def _read_ahead(files: Collection[Path]) -> None:
    """Ask the system for files before their rows are asked for in any order: a disk gives a file from end to end many times as fast as
    rows of it here and there. Nothing where they would fill the memory, or the system has no such call."""
    if (
        not hasattr(os, "posix_fadvise")
        or sum(f.stat().st_size for f in files) > _OF_MEMORY * available_bytes()
    ):
        return
    for file in files:
        with file.open("rb") as f:
            os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_WILLNEED)


def opened(path: Path, rows: Collection[int]) -> Shard:
    """An array file, of which these rows will be asked for and no other.

    Raises:
        InputError: It cannot be brought from its address.
        OSError: It is nowhere.
    """
    found = None if path.is_file() else mirror_of(path)
    few = _some_rows(*found, rows) if found is not None else None
    if few is not None:
        return few
    return np.asarray(np.load(at_hand(path), mmap_mode="r"))  # still mapped; a memmap itself is slow to index


@dataclass(frozen=True)
class _Some:
    """Some rows of a file, by their numbers."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    rows: dict[int, NDArray[Any]]

    def __getitem__(self, row: int, /) -> NDArray[Any]:
        return self.rows[row]


def _some_rows(mirror: Mirror, name: str, rows: Collection[int]) -> _Some | None:
    """Rows of a file at an address; None where they are most of it, its rows do not lie one after another, or it is not there."""
    entry = mirror.at.entry(name)
    if entry is None:
        return None
    size = entry.size
    head = io.BytesIO(mirror.at.ranges(name, [(0, min(_HEAD_BYTES, size))])[0])
    version = np.lib.format.read_magic(head)
    if version != (1, 0):
        return None
    shape, in_columns, dtype = np.lib.format.read_array_header_1_0(head)
    start, row_bytes = head.tell(), dtype.itemsize * int(np.prod(shape[1:]))
    if in_columns or len(rows) * row_bytes >= _FEW * size:
        return None
    runs = [
        [k for _, k in run] for _, run in groupby(enumerate(sorted(rows)), key=lambda pair: pair[1] - pair[0])
    ]
    parts = mirror.at.ranges(
        name, [(start + r[0] * row_bytes, start + (r[-1] + 1) * row_bytes) for r in runs]
    )
    found: dict[int, NDArray[Any]] = {}
    for run, data in zip(runs, parts, strict=True):
        array = np.frombuffer(data, dtype).reshape(len(run), *shape[1:])
        found.update(zip(run, array, strict=True))
    return _Some(shape, dtype, found)
