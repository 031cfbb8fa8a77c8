"""Cutting a box out of a film, as Pillow cuts: edges rounded half to even, outside is black."""

from __future__ import annotations

import numpy as np

from hilum.augment.operation import Film

Edges = tuple[float, float, float, float]
"""Left, top, right and bottom of a box, in pixels from the top left corner of a film."""


def crop(film: Film, left: float, top: float, right: float, bottom: float) -> Film:
    """The part of a film between four edges, in pixels from the top left corner.

    Edges are rounded one by one, half to even, so a centred box of odd width in a film of even width may
    come out one pixel wider (219 px in 244 px: from 12.5 to 231.5, so from 12 to 232). What lies outside
    the film is 0.

    >>> crop(np.arange(6, dtype=np.uint8).reshape(2, 3), 1, 0, 4, 1).tolist()
    [[1, 2, 0]]
    """
    x0, y0, x1, y1 = round(left), round(top), round(right), round(bottom)
    height, width = film.shape
    if 0 <= x0 <= x1 <= width and 0 <= y0 <= y1 <= height:
        return film[y0:y1, x0:x1].copy()
    out = np.zeros((y1 - y0, x1 - x0), np.uint8)
    inside = film[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)]
    below, beside = max(-y0, 0), max(-x0, 0)
    out[below : below + inside.shape[0], beside : beside + inside.shape[1]] = inside
    return out


def centred(width: int, height: int, of_width: int, of_height: int) -> Edges:
    """The edges of a centred box, before rounding."""
    x, y = of_width / 2, of_height / 2
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2
