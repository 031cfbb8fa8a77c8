"""The compiled loops that describe a film for the search for copies. Importing this module compiles them, or reads numba's cache.

Errors are numpy's (``error_model``): a division is then no branch, and a loop of them is vector instructions. Nothing here divides by 0.

An affine map is six numbers (a, b, c, d, e, f): the point (y, x), both from -1 to 1 over the film, goes to (a y + b x + c, d y + e x + f).
"""

from __future__ import annotations

from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from hilum.core.compiled import array, compiled

F32 = NDArray[np.float32]
VIEW_PX: Final = 32
CELLS, DIRECTIONS = 6, 6  # of the histograms, each way, and over half a turn
HISTOGRAMS: Final = CELLS * CELLS * DIRECTIONS
_NEAR, _AROUND = 4, 7  # px each way: of what is taken off, and of what it is divided by
_LEAST_SPREAD: Final = 2  # grey levels

_f32 = numba.float32


@compiled(
    numba.void(array(_f32, 2), array(_f32, 1), array(_f32, 2, written=True), array(_f32, 2, written=True)),
    error_model="numpy",
)
def sample(film: F32, place: F32, out: F32, inside: F32) -> None:
    """`out`(p) = `film`(map of p), bilinear, edges held; `inside` is 1 where that is in the film, else 0."""
    size, m = out.shape[0], film.shape[0]
    step = np.float32(2 / size)
    half = np.float32(m / 2)
    most = np.float32(m - 1.001)
    flat = film.reshape(m * m)
    width = np.uint64(m)
    # a row is worked out in two loops without a branch, which the compiler turns into vector instructions
    fv, fu, at = np.empty(size), np.empty(size), np.empty(size, np.uint64)
    for i in range(size):
        y = (i + np.float32(0.5)) * step - 1
        for j in range(size):
            x = (j + np.float32(0.5)) * step - 1
            v = (place[0] * y + place[1] * x + place[2] + 1) * half - np.float32(0.5)
            u = (place[3] * y + place[4] * x + place[5] + 1) * half - np.float32(0.5)
            inside[i, j] = np.float32((v >= -0.5) & (v <= m - 0.5) & (u >= -0.5) & (u <= m - 0.5))
            v = min(max(v, np.float32(0)), most)
            u = min(max(u, np.float32(0)), most)
            k, t = int(v), int(u)
            fv[j], fu[j], at[j] = v - k, u - t, k * m + t
        for j in range(size):
            k = at[j]
            below = k + width
            top = flat[k] + (flat[k + np.uint64(1)] - flat[k]) * fu[j]
            low = flat[below] + (flat[below + np.uint64(1)] - flat[below]) * fu[j]
            out[i, j] = top + (low - top) * fv[j]


@compiled(
    numba.void(array(_f32, 2), numba.int64, array(_f32, 2, written=True), array(_f32, 2, written=True)),
    error_model="numpy",
)
def box_sums(x: F32, reach: int, across: F32, out: F32) -> None:
    """Sums over `reach` px each way around each pixel, as far as the film goes; `across` is scratch, the size a multiple of four."""
    size = x.shape[0]
    for i in range(0, size, 4):  # four rows at once, since each sum waits for the one before it
        a = b = c = d = np.float32(0)
        for j in range(-reach, size):
            if j + reach < size:
                a += x[i, j + reach]
                b += x[i + 1, j + reach]
                c += x[i + 2, j + reach]
                d += x[i + 3, j + reach]
            if j - reach - 1 >= 0:
                a -= x[i, j - reach - 1]
                b -= x[i + 1, j - reach - 1]
                c -= x[i + 2, j - reach - 1]
                d -= x[i + 3, j - reach - 1]
            if j >= 0:
                across[i, j], across[i + 1, j], across[i + 2, j], across[i + 3, j] = a, b, c, d
    total_row = np.zeros(size, np.float32)
    for i in range(min(reach, size)):
        for j in range(size):
            total_row[j] += across[i, j]
    for i in range(size):
        if i + reach < size:
            for j in range(size):
                total_row[j] += across[i + reach, j]
        if i - reach - 1 >= 0:
            for j in range(size):
                total_row[j] -= across[i - reach - 1, j]
        for j in range(size):
            out[i, j] = total_row[j]


@compiled(
    numba.void(
        array(_f32, 2), array(_f32, 2), numba.int64, numba.int64,
        array(_f32, 2, written=True), array(_f32, 2, written=True), array(_f32, 3, written=True),
    ),
    error_model="numpy",
)  # fmt: skip
def local_contrast(film: F32, seen: F32, near: int, around: int, out: F32, spread: F32, scratch: F32) -> None:
    """What differs from the surroundings, in units of how much things differ there, of the pixels that `seen` (1 or 0) has; 0 elsewhere.

    `spread` is the unit in grey levels; `scratch` has shape (3, size, size).
    """
    size = film.shape[0]
    some, across, sums = scratch[0], scratch[1], scratch[2]
    for i in range(size):
        for j in range(size):
            some[i, j] = film[i, j] * seen[i, j]
    box_sums(seen, near, across, out)
    box_sums(some, near, across, sums)
    for i in range(size):
        for j in range(size):
            rest = film[i, j] - sums[i, j] / max(out[i, j], np.float32(1))
            out[i, j] = rest * seen[i, j]
            some[i, j] = rest * rest * seen[i, j]
    box_sums(some, around, across, sums)
    box_sums(seen, around, across, spread)
    for i in range(size):
        for j in range(size):
            spread[i, j] = np.sqrt(max(sums[i, j], np.float32(0)) / max(spread[i, j], np.float32(1)))
            out[i, j] /= spread[i, j] + _LEAST_SPREAD


@compiled(numba.void(array(_f32, 2), array(_f32, 3, written=True)), error_model="numpy")
def _histograms(x: F32, hist: F32) -> None:
    """Lengths of gradients by cell and direction, each divided between the nearest cells and directions."""
    hist[:] = 0
    scale = np.float32(CELLS / VIEW_PX)
    for i in range(1, VIEW_PX - 1):
        v = max((i + np.float32(0.5)) * scale - np.float32(0.5), np.float32(0))
        k = min(int(v), CELLS - 1)
        fv = v - k
        for j in range(1, VIEW_PX - 1):
            gy, gx = x[i + 1, j] - x[i - 1, j], x[i, j + 1] - x[i, j - 1]
            length = np.sqrt(gy * gy + gx * gx)
            turn = np.float32(np.arctan2(gy, gx) / np.pi * DIRECTIONS)
            if turn < 0:
                turn += DIRECTIONS
            o = min(int(turn), DIRECTIONS - 1)
            fo = turn - o
            u = max((j + np.float32(0.5)) * scale - np.float32(0.5), np.float32(0))
            t = min(int(u), CELLS - 1)
            fu = u - t
            after = (o + 1) % DIRECTIONS
            for a in range(2):
                wa = length * (fv if a else 1 - fv)
                for b in range(2):
                    w = wa * (fu if b else 1 - fu)
                    hist[k + a, t + b, o] += w * (1 - fo)
                    hist[k + a, t + b, after] += w * fo
    for i in range(CELLS):  # what lies beyond the last cell's middle is the last cell's
        hist[i, CELLS - 1] += hist[i, CELLS]
        hist[CELLS - 1, i] += hist[CELLS, i]
    hist[CELLS - 1, CELLS - 1] += hist[CELLS, CELLS]


@compiled(numba.void(array(_f32, 3), array(_f32, 2), array(_f32, 3, written=True)), error_model="numpy")
def describe(films: F32, places: F32, out: F32) -> None:
    """Histograms of edge directions of each film (n, m, m) seen through each map (v, 6); `out` is (n, v, HISTOGRAMS), unit vectors.

    A direction is taken over half a turn, so that a film and its negative have the same; each cell has unit length before the whole
    has, so that something painted spoils no more than the cells it is on.
    """
    view = np.empty((VIEW_PX, VIEW_PX), np.float32)
    ones = np.ones((VIEW_PX, VIEW_PX), np.float32)
    flat, spread = np.empty_like(view), np.empty_like(view)
    scratch = np.empty((3, VIEW_PX, VIEW_PX), np.float32)
    hist = np.empty((CELLS + 1, CELLS + 1, DIRECTIONS + 1), np.float32)
    for n in range(films.shape[0]):
        for v in range(places.shape[0]):
            sample(films[n], places[v], view, scratch[0])
            local_contrast(view, ones, _NEAR, _AROUND, flat, spread, scratch)
            _histograms(flat, hist)
            total = np.float32(0)
            for i in range(CELLS):
                for j in range(CELLS):
                    cell = np.float32(1e-3)
                    for o in range(DIRECTIONS):
                        cell += hist[i, j, o]
                    for o in range(DIRECTIONS):
                        share = hist[i, j, o] / cell
                        total += share
                        out[n, v, (i * CELLS + j) * DIRECTIONS + o] = np.sqrt(share)
            total = np.sqrt(max(total, np.float32(1e-6)))
            for k in range(HISTOGRAMS):
                out[n, v, k] /= total
