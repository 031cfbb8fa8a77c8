"""Image file directories: the tags of a TIFF, and the EXIF block of a JPEG or PNG, which is a TIFF of its own.

Only whole numbers are read, which is all that decides about pixels: types BYTE, SHORT, LONG, UNDEFINED (TIFF 6.0, section 2) and LONG8,
IFD8 (BigTIFF). Tags of other types, and private ones, are passed over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import FilmError

_WIDTHS: Final = {1: 1, 3: 2, 4: 4, 7: 1, 13: 4, 16: 8, 18: 8}
"""Type -> bytes a value."""
_SIGNATURES: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_LAST_TAG: Final = 532
"""Of TIFF 6.0. What follows are profiles and notes, which may be large."""
ORIENTATION: Final = 274
_TURNS: Final[dict[int, Callable[[NDArray[Any]], NDArray[Any]]]] = {
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).T,
    8: lambda a: np.rot90(a, 1),
}
"""Orientation -> what sets the picture upright (TIFF 6.0 and Exif 2.32, tag 274)."""


class Directory(NamedTuple):
    """The first directory of a TIFF: byte order, tag -> values, and where the next directory begins, 0 for none."""

    order: Literal["little", "big"]
    tags: dict[int, tuple[int, ...]]
    following: int

    def one(self, tag: int, otherwise: int) -> int:
        """The first value of a tag."""
        values = self.tags.get(tag)
        return values[0] if values else otherwise


def is_tiff(data: bytes) -> bool:
    """Whether bytes begin as a TIFF or a BigTIFF does.

    >>> is_tiff(b"MM\\0*\\0\\0\\0\\x08")
    True
    """
    return data[:4] in _SIGNATURES


def read(data: bytes) -> Directory:
    """Read the first directory.

    Args:
        data: A TIFF, from its byte order on.

    Raises:
        FilmError: "truncated" when the directory, or values that it points to, end after the data.
    """
    order: Literal["little", "big"] = "little" if data[:2] == b"II" else "big"
    big = data[2:4] in (b"+\0", b"\0+")
    offset_bytes, count_bytes, entry_bytes = (8, 8, 20) if big else (4, 2, 12)

    def number(at: int, n_bytes: int) -> int:
        return int.from_bytes(data[at : at + n_bytes], order)

    start = number(offset_bytes, offset_bytes)
    n_entries = number(start, count_bytes)
    end = start + count_bytes + n_entries * entry_bytes
    if end + offset_bytes > len(data):
        raise FilmError("truncated", "the TIFF ends within its directory")
    tags = {}
    for at in range(start + count_bytes, end, entry_bytes):
        width = _WIDTHS.get(number(at + 2, 2))
        if width is None or number(at, 2) > _LAST_TAG:
            continue
        count = number(at + 4, offset_bytes)
        inline = at + 4 + offset_bytes
        held = inline if count * width <= offset_bytes else number(inline, offset_bytes)
        if held + count * width > len(data):
            raise FilmError("truncated", f"the TIFF ends within the values of its tag {number(at, 2)}")
        values = np.frombuffer(data, f"{'<' if order == 'little' else '>'}u{width}", count, held)
        tags[number(at, 2)] = tuple(values.tolist())
    return Directory(order, tags, number(end, offset_bytes))


def orientation(exif: bytes) -> int:
    """The orientation that an EXIF block gives; 1, upright, where it gives none or is damaged.

    >>> orientation(b"no directory")
    1
    """
    if not is_tiff(exif):
        return 1
    try:
        return read(exif).one(ORIENTATION, 1)
    except FilmError:  # what describes a picture is no part of it
        return 1


def upright(pixels: NDArray[Any], turned: int) -> NDArray[Any]:
    """Set a picture upright by its orientation; one that the standard does not know leaves it as it is.

    >>> upright(np.array([[1, 2, 3]]), 6).tolist()
    [[1], [2], [3]]
    """
    turn = _TURNS.get(turned)
    return pixels if turn is None else turn(pixels)
