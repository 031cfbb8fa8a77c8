"""One step of Gauss and Newton's that lays a film on another: the compiled loops that sum its normal equations, and solve them. Importing
this module compiles them, or reads numba's cache. Maps are those of `copy_kernel`.
"""

from __future__ import annotations

from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from hilum.core.compiled import array, compiled

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

_ROW: Final = 64
"""The longest row; a number that the compiler knows, by which it sees that no two sums share a place."""
SUMS: Final = 13 * _ROW

_f32, _f64 = numba.float32, numba.float64
_2d, _sums_out = array(_f32, 2), array(_f32, 1, written=True)
_PAIR = numba.types.UniTuple(_f32, 2)  # type: ignore[no-untyped-call]


@compiled(_PAIR(_2d, _2d, _2d), error_model="numpy")
def _gain(a: F32, moved: F32, inside: F32) -> tuple[np.float32, np.float32]:
    """The gain of `moved`, which may be negative, and the square of one and a half mean differences that are left."""
    size = a.shape[0]
    ab, bb, n = np.zeros(size), np.zeros(size), np.zeros(size)
    for i in range(size):
        for j in range(size):
            ab[j] += inside[i, j] * a[i, j] * moved[i, j]
            bb[j] += inside[i, j] * moved[i, j] * moved[i, j]
            n[j] += inside[i, j]
    gain, shown = np.float32(ab.sum() / (bb.sum() + 1e-6)), n.sum() + 1e-6
    n[:] = 0
    for i in range(size):
        for j in range(size):
            n[j] += inside[i, j] * abs(a[i, j] - gain * moved[i, j])
    return gain, np.float32((1.5 * (n.sum() + 1e-6) / shown) ** 2)


@compiled(numba.void(_2d, _2d, _2d, _sums_out), error_model="numpy")
def _columns(a: F32, moved: F32, inside: F32, sums: F32) -> None:
    """What the normal equations sum, column by column: of the weighted products of both gradients (rows 0 to 2, 3 to 5, 6 to 8: of y with
    itself, of both, of x with itself) times y to the power 0 to 2, and with the difference (9, 10 and 11, 12) times y to the power 0, 1.

    A column's sum waits for no other's, so that a row is vector instructions, and the order of each sum is one and the same everywhere.
    """
    size = a.shape[0]
    one = np.float32(1)
    gain, unit = _gain(a, moved, inside)
    sums[:] = 0
    quarter = gain * np.float32(size / 4)
    for i in range(1, size - 1):
        y = np.float32((i + 0.5) * 2 / size - 1)
        for j in range(1, size - 1):
            gy, gx = (
                quarter * (moved[i + 1, j] - moved[i - 1, j]),
                quarter * (moved[i, j + 1] - moved[i, j - 1]),
            )
            e = a[i, j] - gain * moved[i, j]
            near = one + e * e / unit
            w = inside[i - 1, j] * inside[i + 1, j] * inside[i, j - 1] * inside[i, j + 1] / (near * near)
            wy, wx = w * gy, w * gx
            yy, yx, xx, ey, ex = wy * gy, wy * gx, wx * gx, wy * e, wx * e
            sums[j] += yy
            sums[_ROW + j] += yy * y
            sums[2 * _ROW + j] += yy * y * y
            sums[3 * _ROW + j] += yx
            sums[4 * _ROW + j] += yx * y
            sums[5 * _ROW + j] += yx * y * y
            sums[6 * _ROW + j] += xx
            sums[7 * _ROW + j] += xx * y
            sums[8 * _ROW + j] += xx * y * y
            sums[9 * _ROW + j] += ey
            sums[10 * _ROW + j] += ey * y
            sums[11 * _ROW + j] += ex
            sums[12 * _ROW + j] += ex * y


@compiled(numba.void(array(_f32, 1), numba.int64, array(_f64, 2, written=True)), error_model="numpy")
def _equations(sums: F32, size: int, equations: F64) -> None:
    """Normal equations of a robust difference, damped, with their right sides in the seventh column; their solution is the step."""
    equations[:] = 0
    for part, k, t in ((0, 0, 0), (3, 3, 0), (6, 3, 3)):
        for j in range(1, size - 1):
            x = (j + 0.5) * 2 / size - 1
            s, sy, syy = sums[part * _ROW + j], sums[(part + 1) * _ROW + j], sums[(part + 2) * _ROW + j]
            equations[k, t] += syy
            equations[k + 1, t] += sy * x
            equations[k + 1, t + 1] += s * x * x
            equations[k + 2, t] += sy
            equations[k + 2, t + 1] += s * x
            equations[k + 2, t + 2] += s
    for top, left in ((0, 1), (0, 2), (1, 2)):  # of both gradients: the block is its own mirror image
        equations[3 + top, left] = equations[3 + left, top]
    for part, k in ((9, 0), (11, 3)):
        for j in range(1, size - 1):
            x = (j + 0.5) * 2 / size - 1
            equations[k, 6] += sums[(part + 1) * _ROW + j]
            equations[k + 1, 6] += sums[part * _ROW + j] * x
            equations[k + 2, 6] += sums[part * _ROW + j]
    trace = 1e-6
    for k in range(6):
        trace += equations[k, k]
    for k in range(6):
        equations[k, k] += 2e-3 * trace
        for t in range(k):
            equations[t, k] = equations[k, t]


@compiled(
    numba.void(array(_f64, 2, written=True), array(_f64, 1, written=True)),
    error_model="numpy",
)
def _solve(equations: F64, step: F64) -> None:
    """Gauss's elimination; of damped normal equations no pivot is 0, and none needs to be looked for."""
    for k in range(6):
        for row in range(k + 1, 6):
            share = equations[row, k] / equations[k, k]
            for t in range(k, 7):
                equations[row, t] -= share * equations[k, t]
    for k in range(5, -1, -1):
        step[k] = equations[k, 6]
        for t in range(k + 1, 6):
            step[k] -= equations[k, t] * step[t]
        step[k] /= equations[k, k]


@compiled(
    numba.void(_2d, _2d, _2d, _sums_out, array(_f64, 2, written=True), array(_f64, 1, written=True)),
    error_model="numpy",
)
def newton_step(a: F32, moved: F32, inside: F32, sums: F32, equations: F64, step: F64) -> None:
    """By how much the six numbers of a map are to change, so that `moved` comes nearer to `a`.

    Args:
        a: The film that another is laid on, (size, size), size at most 64.
        moved: The other, as the map has it now.
        inside: 1 where it is seen, else 0.
        sums: Scratch, (`SUMS`,).
        equations: Scratch, (6, 7).
        step: Written: (6,).
    """
    _columns(a, moved, inside, sums)
    _equations(sums, len(a), equations)
    _solve(equations, step)
