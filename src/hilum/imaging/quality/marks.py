"""What was done to a film, by formula: words painted on it, a wide border, greys cut off at an end."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hilum.imaging.quality.kinds import percentiles

Film = NDArray[np.uint8]
_LONGEST_PX = 320
_STROKE_PX = 9
"""What is thinner than this stands out as a stroke."""
_CONTRAST, _LIGHT, _DARK = 45, 140, 110
_LEAST_PX, _MOST = 5, 0.12
_SAME = 4
"""Greys within which a border is one grey (JPEG leaves that much)."""
_BUT_FEW = np.array([0.005, 0.995])
_ENDS = 2
"""Greys within which a pixel counts as at an end."""


def painted_letters(film: Film) -> float:
    """Letters of the longest line of crisp light or dark marks, as many as its width holds of its height.

    A mark is a connected piece of strokes thinner than 9 px that differ from what is around them by 45 greys (what a morphological opening,
    or closing, takes away), from 5 px to an eighth of the longest side high; marks of like height side by side are a line. Films are looked
    at with at most 320 px on the longest side.
    """
    most = max(film.shape)
    if most > _LONGEST_PX:
        size = (round(film.shape[1] * _LONGEST_PX / most), round(film.shape[0] * _LONGEST_PX / most))
        film = np.asarray(Image.fromarray(film).resize(size, Image.Resampling.BOX))
    light = film - _extreme(_extreme(film, np.minimum), np.maximum)
    dark = _extreme(_extreme(film, np.maximum), np.minimum) - film
    return max(
        _longest_line((light > _CONTRAST) & (film > _LIGHT)),
        _longest_line((dark > _CONTRAST) & (film < _DARK)),
    )


def _extreme(film: Film, of: Callable[[Film, Film], Film]) -> Film:
    """The least, or greatest, grey within `_STROKE_PX` x `_STROKE_PX` of each pixel; windows double, which takes a tenth of scipy's time.

    >>> from scipy import ndimage
    >>> film = np.random.default_rng(0).integers(0, 256, (30, 40), np.uint8)
    >>> bool((_extreme(film, np.minimum) == ndimage.minimum_filter(film, _STROKE_PX, mode="nearest")).all())
    True
    """
    half = _STROKE_PX // 2
    for _ in range(2):  # down the columns, then along the rows
        film = np.concatenate([*[film[:1]] * half, film, *[film[-1:]] * half])
        for step in (1, 2, 4, _STROKE_PX - 8):
            film = of(film[:-step], film[step:])
        film = film.T
    return film


def _longest_line(mask: NDArray[np.bool_]) -> float:
    from hilum.imaging.quality.pieces_kernel import pieces_of  # compiles

    if not mask.any():
        return 0.0
    pieces = pieces_of(np.ascontiguousarray(mask))
    boxes, area = pieces[:, :4], pieces[:, 4]
    high, wide = boxes[:, 1] - boxes[:, 0], boxes[:, 3] - boxes[:, 2]
    filled = area / (high * wide)
    letters = (
        (high >= _LEAST_PX)
        & (high <= _MOST * max(mask.shape))
        & (filled > 0.2)
        & (filled < 0.95)
        & (wide <= 12 * high)
    )
    boxes, high = boxes[letters], high[letters]
    order = np.argsort(boxes[:, 2])
    boxes, high = boxes[order], high[order]
    middle = (boxes[:, 0] + boxes[:, 1]) / 2
    best, length = 0.0, np.zeros(len(boxes))
    for k in range(len(boxes)):
        own = (boxes[k, 3] - boxes[k, 2]) / max(high[k], 1)
        alike = (
            (np.abs(middle[:k] - middle[k]) < 0.35 * high[k])
            & (high[:k] < 1.6 * high[k])
            & (high[k] < 1.6 * high[:k])
        )
        gap = boxes[k, 2] - boxes[:k, 3]
        near = alike & (gap < 1.5 * high[k]) & (gap > -0.3 * high[k])
        length[k] = own + (length[:k][near].max() if near.any() else 0.0)
        best = max(best, float(length[k]))
    return best


def border_share(film: Film) -> float:
    """Share of the picture that is a border of one grey, from 0 to 1.

    >>> film = np.zeros((40, 40), np.uint8)
    >>> film[10:30, 10:30] = np.arange(400).reshape(20, 20) % 256
    >>> border_share(film)
    0.75
    """
    inside = [_inside(lines) for lines in (film, film.T)]
    return 1.0 - float(inside[0] * inside[1]) / film.size


def _inside(lines: Film) -> int:
    """Lines that are left when those of one grey are taken from both ends; 999 of 1000 of a line's pixels count."""

    n = len(lines)
    return max(n - _of_one_grey(lines) - _of_one_grey(lines[::-1]), 0)


def _of_one_grey(lines: Film) -> int:
    """Lines before the first that is not of one grey; it looks at a few, then at twice as many, for most films have next to none."""
    start, many = 0, 16
    while start < len(lines):
        found = percentiles(lines[start : start + many], _BUT_FEW)
        ends = found[:, 1] - found[:, 0] > _SAME
        if ends.any():
            return start + int(ends.argmax())
        start, many = start + many, 2 * many
    return len(lines)


def clipped_share(film: Film) -> float:
    """Share of the film at its lightest grey, or in its middle (half of each side) at its darkest, whichever is more.

    A film without clipping has a few hundredths; air around the body is dark by right, so only the middle counts for the dark end.
    """
    h, w = film.shape
    middle = film[h // 4 : h - h // 4, w // 4 : w - w // 4]
    light = float((film >= int(film.max()) - _ENDS).mean())
    dark = float((middle <= int(film.min()) + _ENDS).mean())
    return max(light, dark)
