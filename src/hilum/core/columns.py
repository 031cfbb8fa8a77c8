"""Columns of many rows in little memory: how a list of films is held.

A value that few rows differ in is kept once, with a number a row (1 to 4 bytes); texts that differ are kept one behind another as UTF-8,
with the end of each (8 bytes). As Python objects a text takes 49 bytes and more beyond its letters, a row with a table of its own a KiB.
Columns are not changed once they are made; what is asked of them is made then and not kept.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import islice, pairwise
from typing import Any, Generic, TypeVar, cast, overload

import numpy as np
from numpy.typing import NDArray

BLOCK = 4096
"""Rows that are taken together, and different values from which on texts are kept one behind another."""

Value = TypeVar("Value", bound=Hashable)
Made = TypeVar("Made", bound=Hashable)
Item = TypeVar("Item")


def blocks(items: Iterable[Item], n: int = BLOCK) -> Iterator[list[Item]]:
    """Items, `n` at a time."""
    rest = iter(items)
    return iter(lambda: list(islice(rest, n)), [])


class Column(Sequence[Value]):
    """Values of rows, in their order."""

    def take(self, rows: Sequence[int] | NDArray[np.intp]) -> Column[Value]:
        """Those of some rows, in the order named."""
        raise NotImplementedError

    def mapped(self, of: Callable[[Value], Made]) -> Column[Made]:
        """What a function makes of each value; it is asked once for those that are kept once."""
        raise NotImplementedError

    @overload
    def __getitem__(self, k: int) -> Value: ...
    @overload
    def __getitem__(self, k: slice) -> Sequence[Value]: ...
    def __getitem__(self, k: int | slice) -> Value | Sequence[Value]:
        rows = range(len(self))[k]
        return self._at(rows) if isinstance(rows, int) else [self._at(row) for row in rows]

    def _at(self, row: int) -> Value:
        raise NotImplementedError


class Coded(Column[Value], Generic[Value]):
    """Each different value once, and a number a row."""

    def __init__(self, values: Sequence[Value], codes: NDArray[Any]) -> None:
        self._values = tuple(values)
        self._codes = codes.astype(np.min_scalar_type(max(len(self._values) - 1, 0)), copy=False)

    def __len__(self) -> int:
        return len(self._codes)

    def _at(self, row: int) -> Value:
        return self._values[int(self._codes[row])]

    def __iter__(self) -> Iterator[Value]:
        for top in range(0, len(self), BLOCK):
            yield from map(self._values.__getitem__, self._codes[top : top + BLOCK].tolist())

    def take(self, rows: Sequence[int] | NDArray[np.intp]) -> Coded[Value]:
        return Coded(self._values, self._codes[np.asarray(rows, dtype=np.intp)])

    def mapped(self, of: Callable[[Value], Made]) -> Coded[Made]:
        return Coded(tuple(map(of, self._values)), self._codes)


class Packed(Column[str]):
    """Texts one behind another; `starts` has the first byte of each and the end of the last."""

    def __init__(self, text: bytes | bytearray, starts: NDArray[np.int64]) -> None:
        self._text, self._starts = text, starts

    def __len__(self) -> int:
        return len(self._starts) - 1

    def _at(self, row: int) -> str:
        return _decoded(self._text[self._starts[row] : self._starts[row + 1]])

    def __iter__(self) -> Iterator[str]:
        for top in range(0, len(self), BLOCK):
            starts = self._starts[top : top + BLOCK + 1]
            part, at = self._text[starts[0] : starts[-1]], (starts - starts[0]).tolist()
            ends = pairwise(at)
            if part.isascii():
                letters = part.decode("ascii")
                yield from [letters[a:b] for a, b in ends]
            else:
                yield from [_decoded(part[a:b]) for a, b in ends]

    def take(self, rows: Sequence[int] | NDArray[np.intp]) -> Packed:
        return _packed(map(self._at, np.asarray(rows, dtype=np.intp).tolist()))

    def mapped(self, of: Callable[[str], Made]) -> Column[Made]:
        return column_of(map(of, self))


def column_of(values: Iterable[Value]) -> Column[Value]:
    """A column of values. Those that are no texts are kept once each, however many differ.

    >>> list(column_of(["a", "b", "a"])), column_of(["a", "b", "a"])[-1]
    (['a', 'b', 'a'], 'a')
    """
    found: Building[Value] = Building()
    for block in blocks(values):
        found.extend(block)
    return found.column()


class Building(Generic[Value]):
    """A column that grows."""

    def __init__(self) -> None:
        self._index: dict[Value, int] = {}
        self._codes = array("I")
        self._packing: Packing | None = None

    def extend(self, values: Sequence[Value]) -> None:
        """Add values."""
        if self._packing is not None:
            self._packing.extend(cast(Sequence[str], values))
            return
        index = self._index
        self._codes.extend([index.setdefault(v, len(index)) for v in values])
        if len(index) > BLOCK and all(isinstance(v, str) for v in index):
            self._packing = Packing()
            for block in blocks(cast(Column[str], self._coded())):
                self._packing.extend(block)
            self._index, self._codes = {}, array("I")

    def column(self) -> Column[Value]:
        """What was added so far."""
        return self._coded() if self._packing is None else cast(Column[Value], self._packing.column())

    def _coded(self) -> Coded[Value]:
        return Coded(tuple(self._index), np.array(self._codes))


class Packing:
    """Texts one behind another, growing."""

    def __init__(self) -> None:
        self._text, self._starts = bytearray(), array("q", [0])

    def extend(self, texts: Sequence[str]) -> None:
        """Add texts."""
        encoded = [t.encode("utf-8", "surrogatepass") for t in texts]
        lengths = np.fromiter(map(len, encoded), np.int64, len(encoded))
        self._starts.frombytes((self._starts[-1] + np.cumsum(lengths)).tobytes())
        self._text += b"".join(encoded)

    def column(self) -> Packed:
        """What was added so far."""
        return Packed(self._text, np.array(self._starts, dtype=np.int64))


def _packed(texts: Iterable[str]) -> Packed:
    found = Packing()
    for block in blocks(texts):
        found.extend(block)
    return found.column()


def _decoded(text: bytes | bytearray) -> str:
    return text.decode("utf-8", "surrogatepass")
