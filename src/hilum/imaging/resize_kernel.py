"""The compiled loops under `resize`: weighted sums of rows in fixed point, rounded and clipped to 8 bits. Importing this module compiles
them, or reads numba's cache on disk. They run without the interpreter lock, so threads of a caller resize side by side.
"""

from __future__ import annotations

from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from hilum.core.compiled import array, compiled
from hilum.imaging.fixed_point import FIXED_POINT_BITS

Film = NDArray[np.uint8]
Weights = NDArray[np.int32]

_ROWS: Final = 32  # rows turned at once; a block of them stays in the L1 cache
_SIGNATURE: Final = numba.void(
    array(numba.uint8, 2), array(numba.int32, 1), array(numba.int32, 2), array(numba.uint8, 2, written=True)
)


@compiled(_SIGNATURE)
def down_columns(film: Film, first: Weights, weights: Weights, out: Film) -> None:
    """Row y of `out` = sum over t of weights[y, t] * row first[y] + t of `film`.

    The inner loops run along rows, which the compiler turns into vector instructions; taps go by two so
    that a partial sum is loaded and stored half as often.
    """
    n_rows, width = out.shape
    n_taps = weights.shape[1]
    total = np.empty(width, np.int32)
    for y in range(n_rows):
        for x in range(width):
            total[x] = 1 << (FIXED_POINT_BITS - 1)
        for tap in range(0, n_taps - 1, 2):
            weight_a, weight_b = weights[y, tap], weights[y, tap + 1]
            row_a, row_b = film[first[y] + tap], film[first[y] + tap + 1]
            for x in range(width):
                total[x] += weight_a * np.int32(row_a[x]) + weight_b * np.int32(row_b[x])
        if n_taps % 2:
            weight_a, row_a = weights[y, n_taps - 1], film[first[y] + n_taps - 1]
            for x in range(width):
                total[x] += weight_a * np.int32(row_a[x])
        row = out[y]
        for x in range(width):
            row[x] = np.uint8(min(max(total[x] >> FIXED_POINT_BITS, 0), 255))


@compiled(_SIGNATURE)
def along_rows(film: Film, first: Weights, weights: Weights, out: Film) -> None:
    """Column x of `out` = sum over t of weights[x, t] * column first[x] + t of `film`.

    Sums along a row cannot be widened, so blocks of rows are turned, summed by `down_columns` and turned
    back.
    """
    height, width_in = film.shape
    width = out.shape[1]
    block = np.zeros((width_in, _ROWS), np.uint8)
    done = np.empty((width, _ROWS), np.uint8)
    for top in range(0, height, _ROWS):
        n_rows = min(_ROWS, height - top)
        for y in range(n_rows):
            row = film[top + y]
            for x in range(width_in):
                block[x, y] = row[x]
        down_columns(block, first, weights, done)
        for y in range(n_rows):
            row = out[top + y]
            for x in range(width):
                row[x] = done[x, y]
