"""Painting a part of a film with one grey: the mean of what remains, or a grey that is given."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from hilum.augment.operation import Film, must_be

Fill = Annotated[
    int | str,
    must_be(
        '"mean" or a grey from 0 to 255', lambda v: v == "mean" or (isinstance(v, int) and 0 <= v <= 255)
    ),
]
"""What the painted part becomes: "mean", the mean grey of what remains, rounded; or a grey."""


def painted(film: Film, part: NDArray[np.bool_], fill: int | str) -> Film:
    """The film with a part of it painted.

    Args:
        film: uint8 (height, width).
        part: Of the same shape, true where it is painted.
        fill: "mean" or a grey; "mean" is black where nothing remains.

    >>> painted(np.array([[10, 13, 99]], np.uint8), np.array([[False, False, True]]), "mean").tolist()
    [[10, 13, 12]]
    """
    if fill == "mean":
        remains = film[~part]
        fill = round(float(remains.mean())) if remains.size else 0
    return np.where(part, np.uint8(int(fill)), film)
