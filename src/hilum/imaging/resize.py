"""Resizing a film: the pixels Pillow 13 gives, to the bit, several times sooner.

A resize is Pillow's two-pass resampling of 8-bit grey images (`Image.resize`, which Augmentor calls): an antialiasing kernel stretched by
the scale when shrinking, weights rounded to 22-bit fixed point, each pass rounded and clipped to 0..255. Everything after the weights is
integer arithmetic, so a film's pixels do not depend on the processor, the number of threads or the Pillow that is installed. (Pillow
before 13 always takes rows first and so differs in the last bit for films that shrink mostly in height.) The aspect ratio is not kept:
films are squashed to a square on purpose, as in the paper. `resize_kernel` has the two passes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import InputError, require_known
from hilum.imaging.fixed_point import FIXED_POINT_BITS

Film = NDArray[np.uint8]


def _bicubic(x: float) -> float:
    """Keys' cubic convolution, a = -0.5 (Keys 1981, equation 15), which Pillow calls BICUBIC."""
    x = abs(x)
    if x < 1.0:
        return (1.5 * x - 2.5) * x * x + 1.0
    return (((x - 5.0) * x + 8.0) * x - 4.0) * -0.5 if x < 2.0 else 0.0


def _bilinear(x: float) -> float:
    return max(1.0 - abs(x), 0.0)


def _lanczos(x: float) -> float:
    """The sinc windowed by a wider sinc, 3 lobes; Augmentor's and old Pillow's ANTIALIAS."""

    def sinc(v: float) -> float:
        return math.sin(v * math.pi) / (v * math.pi) if v else 1.0

    return sinc(x) * sinc(x / 3.0) if -3.0 <= x < 3.0 else 0.0


FILTERS: Final[dict[str, tuple[Callable[[float], float], float]]] = {
    "bicubic": (_bicubic, 2.0),
    "bilinear": (_bilinear, 1.0),
    "lanczos": (_lanczos, 3.0),
}
"""Name -> (kernel, half width in pixels of the larger grid)."""


class _Taps(NamedTuple):
    """For each output pixel: the first input pixel it reads, and the weights, in 1 / 2**22, from there on."""

    first: NDArray[np.int32]
    weights: NDArray[np.int32]


@lru_cache(maxsize=256)
def _taps(n_in: int, n_out: int, filter_name: str) -> _Taps:
    """Pillow's weights (`precompute_coeffs` and its rounding) for one axis.

    All pixels get the same number of taps, an even one if it can be: short ones are padded with zero
    weights, and moved left where that would read past the end. A zero weight adds nothing, so the sums stay
    Pillow's.
    """
    kernel, half_width = FILTERS[filter_name]
    scale = n_in / n_out
    stretch = max(scale, 1.0)
    support = half_width * stretch
    rows: list[tuple[int, list[float]]] = []
    for i in range(n_out):
        centre = (i + 0.5) * scale
        low = max(int(centre - support + 0.5), 0)
        high = min(int(centre + support + 0.5), n_in)
        values = [kernel((x - centre + 0.5) * (1.0 / stretch)) for x in range(low, high)]
        total = 0.0
        for value in values:  # left to right as Pillow adds; sum() compensates and may end one bit off
            total += value
        rows.append((low, [value / total for value in values] if total else values))
    n_taps = max(len(values) for _, values in rows)
    n_taps = min(n_taps + n_taps % 2, n_in)
    first = np.zeros(n_out, np.int32)
    weights = np.zeros((n_out, n_taps), np.int32)
    for i, (low, values) in enumerate(rows):
        first[i] = min(low, n_in - n_taps)
        for j, value in enumerate(values):
            weights[i, low - first[i] + j] = int(value * (1 << FIXED_POINT_BITS) + math.copysign(0.5, value))
    first.flags.writeable = weights.flags.writeable = False
    return _Taps(first, weights)


def resize(film: Film, height_px: int, width_px: int, filter_name: str = "bicubic") -> Film:
    """Return the film at another size, as Pillow's `Image.resize` would.

    Args:
        film: Grey film, uint8, shape (height, width).
        height_px: Rows of the result, at least 1.
        width_px: Columns of the result, at least 1.
        filter_name: A name of `FILTERS`.

    Returns:
        A new array, uint8, shape (height_px, width_px), C order. At the size it has already, a copy.

    Raises:
        InputError: For a size below 1, an unknown filter, or an array that is no film.

    >>> resize(np.array([[0, 100]], np.uint8), 1, 4).tolist()
    [[0, 21, 79, 109]]
    """
    require_known(filter_name, FILTERS, "unknown filter")
    if film.dtype != np.uint8 or film.ndim != 2 or 0 in film.shape:
        raise InputError(f"expected a film (uint8, height x width), got {film.dtype} of shape {film.shape}")
    if height_px < 1 or width_px < 1:
        raise InputError(
            f"a film cannot be resized to {height_px!r} x {width_px!r} px; both must be at least 1"
        )
    height, width = film.shape
    if (height, width) == (height_px, width_px):
        return film.copy()
    film = np.ascontiguousarray(film)
    # Pillow 13's rule: columns first if the height shrinks by more than twice what the width does.
    columns_first = height > height_px and height - height_px > 2 * (width - width_px)
    for down in (columns_first, not columns_first):
        film = _one_pass(film, height_px if down else width_px, filter_name, down)
    return film


def _one_pass(film: Film, n_out: int, filter_name: str, down: bool) -> Film:
    """Resize down the columns, or along the rows."""
    height, width = film.shape
    n_in = height if down else width
    if n_in == n_out:
        return film
    from hilum.imaging.resize_kernel import along_rows, down_columns

    out = np.empty((n_out, width) if down else (height, n_out), np.uint8)
    (down_columns if down else along_rows)(film, *_taps(n_in, n_out, filter_name), out)
    return out
