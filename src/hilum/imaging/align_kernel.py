"""The compiled loops that lay one film on another and say how alike they then are. Importing this module compiles them, or reads numba's
cache. Maps are those of `copy_kernel`.
"""

from __future__ import annotations

from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from hilum.core.compiled import array, compiled
from hilum.imaging.copy_kernel import box_sums, local_contrast, sample
from hilum.imaging.step_kernel import SUMS, newton_step

F32 = NDArray[np.float32]
I64 = NDArray[np.int64]

_STEPS: Final = 8, 6  # Gauss-Newton, at most: at half the sketch's size and at its whole
_STILL: Final = 1e-3  # a step that moves no corner by more is the last
_FURTHEST: Final = 0.16  # that a step moves a corner, in halves of a side
_LOOK: Final = 3, 1  # steps of either after which a pair that is hopeless goes no further
_HOPELESS: Final = 0.60, 0.55  # correlation of local contrast, of either, below which it is
_FLAT: Final = 1.5  # grey levels of spread below which a place says nothing
_STRANGE: Final = (
    0.6  # mean squared difference of local contrast around a pixel; above it something is painted there
)
_MOST_STRANGE: Final = 0.25  # of what both show; more is no paint but another film
_LEAST_SEEN: Final = 0.15  # of the sketch, else nothing is said

_f32 = numba.float32
_2d, _2d_out = array(_f32, 2), array(_f32, 2, written=True)


@compiled(numba.float32(_2d, _2d, _2d), error_model="numpy")
def _correlation(a: F32, b: F32, seen: F32) -> np.float32:
    """Pearson's, of the pixels that `seen` has; 0 where one of them is flat."""
    size = a.shape[1]
    n, sa, sb = np.zeros(size), np.zeros(size), np.zeros(size)
    for i in range(a.shape[0]):
        for j in range(size):
            n[j] += seen[i, j]
            sa[j] += seen[i, j] * a[i, j]
            sb[j] += seen[i, j] * b[i, j]
    shown = n.sum()
    if shown < 2:
        return np.float32(0)
    ma, mb = sa.sum() / shown, sb.sum() / shown
    n[:], sa[:], sb[:] = 0, 0, 0
    for i in range(a.shape[0]):
        for j in range(size):
            x, y = (a[i, j] - ma) * seen[i, j], (b[i, j] - mb) * seen[i, j]
            sa[j] += x * x
            sb[j] += y * y
            n[j] += x * y
    aa, bb, ab = sa.sum(), sb.sum(), n.sum()
    return np.float32(ab / np.sqrt(aa * bb)) if aa * bb > 1e-6 else np.float32(0)


@compiled(numba.float32(_2d, _2d, array(_f32, 1, written=True), numba.int64), error_model="numpy")
def _register(a: F32, b: F32, place: F32, level: int) -> np.float32:
    """Gauss-Newton on a robust difference, at half (0) or the whole size (1); improves `place` and returns the last correlation.

    Weights are Geman and McClure's (1985), in units of one and a half mean differences.
    """
    moved, inside = np.empty_like(a), np.empty_like(a)
    sums, equations, step = np.empty(SUMS, np.float32), np.empty((6, 7)), np.empty(6)
    for k in range(_STEPS[level]):
        sample(b, place, moved, inside)
        if k == _LOOK[level]:
            r = _correlation(a, moved, inside)
            if abs(r) < _HOPELESS[level]:
                return r
        newton_step(a, moved, inside, sums, equations, step)
        far = max(abs(step[0]) + abs(step[1]) + abs(step[2]), abs(step[3]) + abs(step[4]) + abs(step[5]))
        if far > _FURTHEST:
            step *= _FURTHEST / far
        for row in (0, 3):  # the new map is the old one of (1 + step)
            p, q = place[row], place[row + 1]
            for t in range(3):
                place[row + t] += p * step[t] + q * step[t + 3]
        if far < _STILL:
            break
    sample(b, place, moved, inside)
    return _correlation(a, moved, inside)


@compiled(numba.void(_2d, _2d, _2d, array(_f32, 3, written=True)), error_model="numpy")
def _contrasts(a: F32, b: F32, seen: F32, work: F32) -> None:
    """Local contrast of two films where both are seen, in work[0] and work[1], and its units in work[2] and work[3]."""
    local_contrast(a, seen, 2, 5, work[0], work[2], work[4:7])
    local_contrast(b, seen, 2, 5, work[1], work[3], work[4:7])


@compiled(numba.float32(array(_f32, 3, written=True), _2d_out), error_model="numpy")
def _unpaint(work: F32, seen: F32) -> np.float32:
    """Take what only one film shows out of `seen`, and return its share; nothing is taken where it is too much to be paint."""
    size = seen.shape[0]
    together = np.float32(0)
    for i in range(size):
        for j in range(size):
            together += work[0, i, j] * work[1, i, j]
    sign = np.float32(-1 if together < 0 else 1)
    for i in range(size):
        for j in range(size):
            work[2, i, j] = (work[0, i, j] - sign * work[1, i, j]) ** 2
    box_sums(work[2], 2, work[6], work[3])
    box_sums(seen, 2, work[6], work[2])
    strange = shown = np.float32(0)
    for i in range(size):
        for j in range(size):
            shown += seen[i, j]
            strange += seen[i, j] * np.float32(work[3, i, j] > _STRANGE * work[2, i, j])
    share = strange / max(shown, np.float32(1))
    if share <= _MOST_STRANGE:
        for i in range(size):
            for j in range(size):
                if work[3, i, j] > _STRANGE * work[2, i, j]:
                    seen[i, j] = 0
    return share


@compiled(
    numba.void(_2d, _2d, array(_f32, 1), array(_f32, 1, written=True), array(_f32, 3, written=True)),
    error_model="numpy",
)
def _judge(a: F32, b: F32, place: F32, out: F32, work: F32) -> None:
    """How alike two films are where both show something that was not painted on: see `lay_on`."""
    size = a.shape[0]
    moved, seen = work[7], work[8]
    sample(b, place, moved, seen)
    out[2] = seen.sum() / (size * size)
    _contrasts(a, moved, seen, work)
    out[3] = _unpaint(work, seen)
    _contrasts(a, moved, seen, work)
    for i in range(size):
        for j in range(size):
            if work[2, i, j] < _FLAT or work[3, i, j] < _FLAT:
                seen[i, j] = 0
    out[4] = seen.sum() / (size * size)
    if out[4] >= _LEAST_SEEN:
        out[0] = _correlation(a, moved, seen)
        out[1] = _correlation(work[0], work[1], seen)


@compiled(
    numba.void(
        array(_f32, 3), array(numba.int64, 1), array(numba.int64, 1),
        array(_f32, 2, written=True), array(_f32, 2, written=True),
    ),
    error_model="numpy",
)  # fmt: skip
def lay_on(films: F32, first: I64, second: I64, places: F32, out: F32) -> None:
    """Lay the second film of each pair on the first.

    Args:
        films: Sketches, shape (n, size, size).
        first: Row of the one, shape (m,).
        second: Row of the other.
        places: Where to begin, shape (m, 6): the map from the first's points to the second's; on return, where it ended.
        out: Shape (m, 5): correlation of grey values and of local contrast (negative for a negative; 0 where the pair was hopeless), the
            share of the first that the second covers, the share of that which looks painted on, the share of the first that was compared.
    """
    n, size = films.shape[0], films.shape[1]
    half = size // 2
    fine = np.empty((n, size, size), np.float32)
    coarse = np.empty((n, half, half), np.float32)
    work = np.empty((9, size, size), np.float32)
    ones, small = np.ones((size, size), np.float32), np.ones((half, half), np.float32)
    little, spread = np.empty((half, half), np.float32), np.empty((half, half), np.float32)
    scratch = np.empty((3, half, half), np.float32)
    known = np.zeros(n, np.bool_)
    for k in range(n):
        for i in range(half):
            for j in range(half):
                y, x = 2 * i, 2 * j
                little[i, j] = (
                    films[k, y, x] + films[k, y + 1, x] + films[k, y, x + 1] + films[k, y + 1, x + 1]
                ) / 4
        local_contrast(little, small, 4, 5, coarse[k], spread, scratch)
    out[:] = 0
    for k in range(len(first)):
        a, b = first[k], second[k]
        if abs(_register(coarse[a], coarse[b], places[k], 0)) < _HOPELESS[0]:
            continue
        for film in (a, b):  # few pairs come here, so few films are described at their whole size
            if not known[film]:
                local_contrast(films[film], ones, 4, 7, fine[film], work[0], work[1:4])
                known[film] = True
        if abs(_register(fine[a], fine[b], places[k], 1)) >= _HOPELESS[1]:
            _judge(films[a], films[b], places[k], out[k], work)
