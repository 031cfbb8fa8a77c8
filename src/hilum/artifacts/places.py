"""Where the rows of arrays in files are found by a digest: 56 bytes a row, as columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

DIGEST_BYTES = 32


class Places:
    """Digests with the file and the row of each; of a digest that was added twice the first counts."""

    def __init__(self) -> None:
        self.files: list[Path] = []
        self._sorted: list[_Sorted] = []

    def add(self, file: Path, digests: NDArray[np.uint8]) -> None:
        """Add the rows of a file by their digests, uint8 (n, 32)."""
        rows = np.arange(len(digests), dtype=np.int32)
        self._sorted.append(_in_order(digests, np.full(len(digests), len(self.files), np.int32), rows))
        self.files.append(file)
        while len(self._sorted) > 1 and len(self._sorted[-2].row) <= 2 * len(self._sorted[-1].row):
            later, earlier = self._sorted.pop(), self._sorted.pop()
            self._sorted.append(
                _in_order(
                    np.concatenate([earlier.digests, later.digests]),
                    np.concatenate([earlier.file, later.file]),
                    np.concatenate([earlier.row, later.row]),
                )
            )

    def find(self, digests: Sequence[str]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """File (by its place among `files`) and row of each; -1 where it is not known."""
        asked = of_hex(digests)
        file, row = np.full(len(asked), -1, np.int32), np.full(len(asked), -1, np.int32)
        begins = _begins(asked)
        for known in self._sorted:
            at = np.searchsorted(known.begins, begins)
            open_ = (file < 0) & (at < len(known.row))
            while open_.any():  # more than once only where digests begin alike
                k = np.flatnonzero(open_)
                k = k[known.begins[at[k]] == begins[k]]
                same = (known.digests[at[k]] == asked[k]).all(axis=1)
                file[k[same]], row[k[same]] = known.file[at[k[same]]], known.row[at[k[same]]]
                open_[:] = False
                at[k] += 1
                open_[k[~same]] = at[k[~same]] < len(known.row)
        return file, row

    def has(self, digests: Sequence[str]) -> NDArray[np.bool_]:
        """Whether each is known."""
        known: NDArray[np.bool_] = self.find(digests)[0] >= 0
        return known


class _Sorted(NamedTuple):
    """Rows in the order of how their digests begin, of those that begin alike the first added first."""

    begins: NDArray[np.uint64]
    digests: NDArray[np.uint8]
    file: NDArray[np.int32]
    row: NDArray[np.int32]


def of_hex(digests: Sequence[str]) -> NDArray[np.uint8]:
    """Digests as uint8 (n, 32)."""
    return np.frombuffer(bytes.fromhex("".join(digests)), np.uint8).reshape(-1, DIGEST_BYTES)


def _begins(digests: NDArray[np.uint8]) -> NDArray[np.uint64]:
    return np.ascontiguousarray(digests[:, :8]).view(np.uint64).ravel()


def _in_order(digests: NDArray[np.uint8], file: NDArray[np.int32], row: NDArray[np.int32]) -> _Sorted:
    begins = _begins(digests)
    order = np.argsort(begins, kind="stable")
    return _Sorted(begins[order], digests[order], file[order], row[order])
