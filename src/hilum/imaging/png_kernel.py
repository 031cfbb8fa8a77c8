"""The compiled loop under `png`: the row filters of PNG, undone (W3C PNG, third edition, section 9). Importing this module compiles it, or
reads numba's cache on disk. It runs without the interpreter lock, so threads of a caller decode side by side.
"""

from __future__ import annotations

from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from hilum.core.compiled import array, compiled

Bytes = NDArray[np.uint8]

_SIGNATURE: Final = numba.boolean(array(numba.uint8, 1), numba.intp, array(numba.uint8, 2, written=True))


@compiled(_SIGNATURE)
def unfilter(raw: Bytes, step: int, out: Bytes) -> bool:
    """Undo the filter of each row.

    Args:
        raw: Shape (height * (width + 1),): for each row a byte that names its filter, then `width` bytes.
        step: Bytes a pixel.
        out: Shape (height, width), written to.

    Returns:
        False when a row names a filter that does not exist.
    """
    height, width = out.shape
    above = np.zeros(width, np.uint8)
    for y in range(height):
        kind = raw[y * (width + 1)]
        row = raw[y * (width + 1) + 1 : (y + 1) * (width + 1)]
        to = out[y]
        if kind == 0:
            for x in range(width):
                to[x] = row[x]
        elif kind == 1:
            for x in range(step):
                to[x] = row[x]
            for x in range(step, width):
                to[x] = row[x] + to[x - step]
        elif kind == 2:
            for x in range(width):
                to[x] = row[x] + above[x]
        elif kind == 3:
            for x in range(step):
                to[x] = row[x] + (above[x] >> 1)
            for x in range(step, width):
                to[x] = row[x] + ((np.int32(to[x - step]) + np.int32(above[x])) >> 1)
        elif kind == 4:
            # Paeth's neighbour (the nearest to left + up - corner) as a choice between the lesser of left
            # and up, the greater, and the corner: no branch to guess wrong, a short chain from one pixel to
            # the next
            for first in range(step):
                corner = np.int32(above[first])
                left = (np.int32(row[first]) + corner) & 255
                to[first] = left
                for x in range(first + step, width, step):
                    up = np.int32(above[x])
                    low, high = min(left, up), max(left, up)
                    turn = 3 * corner - (left + up)
                    inner = low if high <= turn else corner
                    nearest = high if turn <= low else inner
                    left = (nearest + np.int32(row[x])) & 255
                    to[x] = left
                    corner = up
        else:
            return False
        above = to
    return True
