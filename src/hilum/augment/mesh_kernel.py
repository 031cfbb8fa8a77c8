"""The compiled loop under `distort`: each tile of a mesh filled from its quadrilateral, Pillow's arithmetic.

It is what Pillow's `Image.transform(..., MESH, ..., BICUBIC)` does to a grey film, to the bit and sooner: a
bilinear map from tile to quadrilateral, cubic convolution with a = -1 in double precision, edges repeated,
black outside, fractions cut off. The order of the operations is Pillow's on purpose: a value that should be
100 may be 99.99.

Importing this module compiles it, or reads numba's cache on disk; `distort` imports it with its first film.
"""

from __future__ import annotations

from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from hilum.core.compiled import array, compiled

Film = NDArray[np.uint8]
Ints = NDArray[np.int64]
PAD: Final = 2  # pixels that the source is enlarged by on each side; the kernel reads so far beyond the edge

_SIGNATURE: Final = numba.void(
    array(numba.uint8, 2),
    array(numba.int64, 1),
    array(numba.int64, 1),
    array(numba.int64, 3),
    array(numba.uint8, 2, written=True),
)


@compiled(_SIGNATURE)
def fill_mesh(padded: Film, x_edges: Ints, y_edges: Ints, corners: Ints, out: Film) -> None:
    """Fill `out`, a row at a time: where each pixel comes from, the 16 pixels around that place, the cubics.

    Args: padded: The film with its edges repeated `PAD` times, shape (height + 2 PAD, width + 2 PAD).
        x_edges: The columns + 1 borders of tiles in `out`, pixels. y_edges: The rows + 1 borders of tiles
        in `out`, pixels. corners: Shape (rows + 1, columns + 1, 2): where in the film each corner of the
        grid comes from, (x, y). out: Result, shape (height, width).
    """
    height, width = out.shape
    x, y = np.empty(width), np.empty(width)
    source, stride, start = padded.ravel(), padded.shape[1], np.empty(width, np.uint32)
    around = np.empty((4, width), np.int32)
    cubic = np.empty((4, width))
    for tile_row in range(len(y_edges) - 1):
        top, bottom = y_edges[tile_row], y_edges[tile_row + 1]
        for line in range(top, bottom):
            v = line - top + 0.5
            for tile in range(len(x_edges) - 1):
                left, right = x_edges[tile], x_edges[tile + 1]
                nw, ne = corners[tile_row, tile], corners[tile_row, tile + 1]
                sw, se = corners[tile_row + 1, tile], corners[tile_row + 1, tile + 1]
                across, down = 1.0 / (right - left), 1.0 / (bottom - top)
                x_u, x_v = (ne[0] - nw[0]) * across, (sw[0] - nw[0]) * down
                y_u, y_v = (ne[1] - nw[1]) * across, (sw[1] - nw[1]) * down
                x_uv = (se[0] - sw[0] - ne[0] + nw[0]) * across * down
                y_uv = (se[1] - sw[1] - ne[1] + nw[1]) * across * down
                for i in range(left, right):
                    u = i - left + 0.5
                    x[i] = nw[0] + x_u * u + x_v * v + x_uv * u * v
                    y[i] = nw[1] + y_u * u + y_v * v + y_uv * u * v
            for i in range(width):
                inside = x[i] >= 0.0 and x[i] < width and y[i] >= 0.0 and y[i] < height
                out[line, i] = 1 if inside else 0
                column = np.floor(x[i] - 0.5) if inside else 0.0
                row = np.floor(y[i] - 0.5) if inside else 0.0
                x[i] = x[i] - 0.5 - column
                y[i] = y[i] - 0.5 - row
                start[i] = np.uint32((int(row) + PAD - 1) * stride + int(column) + PAD - 1)
            for k in range(4):
                for i in range(width):
                    first = start[i] + np.uint32(
                        k * stride
                    )  # unsigned: numba then checks for no negative index
                    around[0, i] = source[first]
                    around[1, i] = source[first + np.uint32(1)]
                    around[2, i] = source[first + np.uint32(2)]
                    around[3, i] = source[first + np.uint32(3)]
                for i in range(width):
                    a, b, c, d = around[0, i], around[1, i], around[2, i], around[3, i]
                    slope, bend, twist = (
                        np.int32(c - a),
                        np.int32(2 * (a - b) + c - d),
                        np.int32(b - a + d - c),
                    )
                    cubic[k, i] = b + x[i] * (slope + x[i] * (bend + x[i] * twist))
            for i in range(width):
                p, q, r, s = cubic[0, i], cubic[1, i], cubic[2, i], cubic[3, i]
                value = q + y[i] * ((-p + r) + y[i] * ((2 * (p - q) + r - s) + y[i] * (-p + q - r + s)))
                out[line, i] *= np.uint8(min(max(value, 0.0), 255.0))
