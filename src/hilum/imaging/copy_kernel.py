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
    one, half_px, least = np.float32(1), np.float32(0.5), np.float32(0)
    step = np.float32(2 / size)
    half = np.float32(m / 2)
    end, most = np.float32(m - 0.5), np.float32(m - 1.001)
    flat = film.reshape(m * m)
    # a row is worked out in two loops without a branch, which the compiler turns into vector instructions
    fv, fu, at = np.empty(size, np.float32), np.empty(size, np.float32), np.empty(size, np.int32)
    for i in range(size):
        y = (np.float32(i) + half_px) * step - one
        down, right = place[0] * y + place[2] + one, place[3] * y + place[5] + one
        for j in range(size):
            x = (np.float32(j) + half_px) * step - one
            v = (down + place[1] * x) * half - half_px
            u = (right + place[4] * x) * half - half_px
            inside[i, j] = np.float32((v >= -half_px) & (v <= end) & (u >= -half_px) & (u <= end))
            v = min(max(v, least), most)
            u = min(max(u, least), most)
            k, t = np.int32(v), np.int32(u)
            fv[j], fu[j], at[j] = v - np.float32(k), u - np.float32(t), k * np.int32(m) + t
        for j in range(size):
            above = np.uint64(at[j])
            below = above + np.uint64(m)
            top = flat[above] + (flat[above + np.uint64(1)] - flat[above]) * fu[j]
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


@compiled(
    numba.void(array(_f32, 2), numba.int64, array(_f32, 1, written=True), array(_f32, 1, written=True)),
    error_model="numpy",
)
def _edges(x: F32, i: int, length: F32, turn: F32) -> None:
    """Lengths of a row's gradients and their directions over half a turn, from 0 to `DIRECTIONS`, without a branch.

    The arc tangent is Abramowitz and Stegun's 4.4.49 (1964), right to 2e-8.
    """
    zero, tiny = np.float32(0), np.float32(1e-20)
    quarter, whole = np.float32(DIRECTIONS / 2), np.float32(DIRECTIONS)
    in_units = np.float32(DIRECTIONS / np.pi)
    for j in range(1, VIEW_PX - 1):
        gy, gx = x[i + 1, j] - x[i - 1, j], x[i, j + 1] - x[i, j - 1]
        length[j] = np.sqrt(gy * gy + gx * gx)
        up, across = abs(gy), abs(gx)
        q = min(up, across) / max(max(up, across), tiny)
        s = q * q
        p = np.float32(0.0028662257) * s - np.float32(0.0161657367)
        p = p * s + np.float32(0.0429096138)
        p = p * s - np.float32(0.0752896400)
        p = p * s + np.float32(0.1065626393)
        p = p * s - np.float32(0.1420889944)
        p = p * s + np.float32(0.1999355085)
        p = p * s - np.float32(0.3333314528)
        r = q * (p * s + np.float32(1)) * in_units
        r = quarter - r if up > across else r
        turn[j] = whole - r if gx * gy < zero else r


@compiled(numba.void(array(_f32, 2), array(_f32, 3, written=True)), error_model="numpy")
def _histograms(x: F32, hist: F32) -> None:
    """Lengths of gradients by cell and direction, each divided between the nearest cells and directions."""
    hist[:] = 0
    scale, one, half = np.float32(CELLS / VIEW_PX), np.float32(1), np.float32(0.5)
    length, turn = np.empty(VIEW_PX, np.float32), np.empty(VIEW_PX, np.float32)
    for i in range(1, VIEW_PX - 1):
        v = max((np.float32(i) + half) * scale - half, np.float32(0))
        k = min(int(v), CELLS - 1)
        fv = v - np.float32(k)
        _edges(x, i, length, turn)
        for j in range(1, VIEW_PX - 1):
            o = min(int(turn[j]), DIRECTIONS - 1)
            fo = turn[j] - np.float32(o)
            u = max((np.float32(j) + half) * scale - half, np.float32(0))
            t = min(int(u), CELLS - 1)
            fu = u - np.float32(t)
            after = o + 1 if o + 1 < DIRECTIONS else 0
            top, low = length[j] * (one - fv), length[j] * fv
            a, b, c, d = top * (one - fu), top * fu, low * (one - fu), low * fu
            hist[k, t, o] += a * (one - fo)
            hist[k, t, after] += a * fo
            hist[k, t + 1, o] += b * (one - fo)
            hist[k, t + 1, after] += b * fo
            hist[k + 1, t, o] += c * (one - fo)
            hist[k + 1, t, after] += c * fo
            hist[k + 1, t + 1, o] += d * (one - fo)
            hist[k + 1, t + 1, after] += d * fo
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
