"""The connected pieces of a mask: a compiled loop over what is marked, which is next to nothing of a film."""

from __future__ import annotations

from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from hilum.core.compiled import array, compiled

_SIGNATURE: Final = numba.int64[:, ::1](array(numba.boolean, 2))


@compiled(_SIGNATURE)
def pieces_of(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Each 8-connected piece as (top, below, left, right, pixels), `below` and `right` past it, in the order of scipy's labels."""
    height, width = mask.shape
    left = mask.copy()
    found = np.empty((mask.size // 2 + 1, 5), np.int64)
    stack = np.empty((mask.size, 2), np.int32)
    n = 0
    for i in range(height):
        for j in range(width):
            if not left[i, j]:
                continue
            top, below, first, last, size = i, i, j, j, 0
            stack[0, 0], stack[0, 1], depth = i, j, 1
            left[i, j] = False
            while depth:
                depth -= 1
                y, x = stack[depth, 0], stack[depth, 1]
                size += 1
                top, below, first, last = min(top, y), max(below, y), min(first, x), max(last, x)
                for v in range(max(y - 1, 0), min(y + 2, height)):
                    for u in range(max(x - 1, 0), min(x + 2, width)):
                        if left[v, u]:
                            left[v, u] = False
                            stack[depth, 0], stack[depth, 1] = v, u
                            depth += 1
            found[n] = (top, below + 1, first, last + 1, size)
            n += 1
    return found[:n].copy()
