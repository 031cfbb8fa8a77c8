"""Are two films copies of one? A descriptor proposes pairs, the pixels of the aligned films decide.

A copy is the same exposure stored again: re-encoded, resized, squashed to another aspect, brighter or flatter, framed by a constant border,
or cropped (by up to about a tenth of each side). Two films of one patient are no copies, nor are films that look alike because every
frontal chest film does. Missed are copies that are mirrored, inverted, turned by more than a degree or painted on.

A film is first reduced to its *sketch*: constant borders cut off, then squashed to 64 x 64 px. Proposing compares partly whitened principal
components of 16 x 16 reductions, so that what all chest films share counts little; it keeps the nearest few of each film and never decides.
Deciding registers one sketch on the other (a scale and a shift for each axis, Gauss-Newton) and asks for two correlations over the
overlap: of grey values, and of detail (local contrast), which different films of one chest do not share.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import uniform_filter

SKETCH_PX = 64
# the least of each for a copy, chosen by measurement: docs/how-to/split-and-audit.md
CORRELATION = 0.97
DETAIL = 0.90
_FLAT = 20  # grey levels between the darkest and the brightest pixel of a row that is border, with JPEG noise
_MOST_BORDER = 0.25  # of a side
_SMALL_PX = 16
_DIMS = 128
_WHITENING = 0.75
_PRIOR_FILMS = 300  # weight of what is known of pictures in general, against the films at hand
CROPS = (0.0, 0.04, 0.08)  # of each side, tried when proposing
_PYRAMID = (  # px, Gauss-Newton steps, least correlation and least detail to go on
    (32, 6, 0.95, 0.7),
    (64, 3, 0.95, 0.0),
)
_BATCH = 256  # pairs at a time, so that the work stays in the cache

F32 = NDArray[np.float32]


def trim(film: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Cut constant rows and columns off the edges, at most a quarter of a side at each.

    >>> film = np.pad((np.arange(100) * 37 % 251).astype(np.uint8).reshape(10, 10), 2)
    >>> trim(film).shape
    (10, 10)
    """
    keep = film
    for _ in range(2):  # the second pass sees columns without the rows that the first took
        rows = _inner(np.ptp(keep, axis=1) > _FLAT)
        keep = keep[rows]
        keep = keep[:, _inner(np.ptp(keep, axis=0) > _FLAT)]
    return keep


def _inner(busy: NDArray[np.bool_]) -> slice:
    n = len(busy)
    most = int(n * _MOST_BORDER)
    where = np.flatnonzero(busy)
    if len(where) == 0:
        return slice(0, n)
    return slice(min(int(where[0]), most), max(int(where[-1]) + 1, n - most))


def sketch(film: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The sketch of a film: shape (64, 64), uint8."""
    size = (SKETCH_PX, SKETCH_PX)
    return np.asarray(Image.fromarray(trim(film)).resize(size, Image.Resampling.BILINEAR))


@dataclass(frozen=True)
class Proposals:
    """Pairs of films that may be copies.

    Attributes:
        first: Row of the one, shape (m,).
        second: Row of the other, larger than `first`.
        start: Scale of the second's coordinates at which the pair was nearest, shape (m,): 1 when whole films were compared, below 1 when
            the first was like the middle of the second, above 1 the other way round.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    start: F32


def propose(sketches: NDArray[np.uint8], nearest: int = 10, least: float = 0.5) -> Proposals:
    """The nearest neighbours of each film among all.

    Args:
        sketches: Shape (n, 64, 64), uint8.
        nearest: Neighbours kept for each film.
        least: Cosine below which a neighbour is not kept; not applied to so few films that all are neighbours.
    """
    n = len(sketches)
    if n < 2:
        return Proposals(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32))
    whole = _reduced(sketches, 0.0)
    trust = n / (n + _PRIOR_FILMS)  # few films say little about how films differ
    mean = whole.mean(0) * np.float32(trust)
    spread = np.cov((whole - mean).T)
    power, axes = np.linalg.eigh(trust * spread + (1 - trust) * np.trace(spread) * _prior())
    order = np.argsort(-power)[:_DIMS]
    floor = max(float(power[order[0]]) * 1e-6, 1e-12)
    basis = (axes[:, order] / np.maximum(power[order], floor) ** (_WHITENING / 2)).astype(np.float32)
    by_crop = [_unit((_reduced(sketches, c) - mean) @ basis) for c in CROPS]
    best: dict[tuple[int, int], tuple[float, float]] = {}
    k = min(nearest, n - 1)
    floor_of_score = least if n - 1 > nearest else -2.0
    for top in range(0, n, 512):
        rows = slice(top, min(top + 512, n))
        score = by_crop[0][rows] @ by_crop[0].T
        which = np.zeros(score.shape, np.int8)
        for c in range(1, len(CROPS)):
            for sign, other in (
                (-1, by_crop[0][rows] @ by_crop[c].T),
                (1, by_crop[c][rows] @ by_crop[0].T),
            ):
                better = other > score
                np.copyto(score, other, where=better)
                which[better] = sign * c
        score[np.arange(rows.stop - top), np.arange(top, rows.stop)] = -3.0
        near = np.argpartition(-score, k - 1, axis=1)[:, :k]
        for i, js in enumerate(near):
            for j in js:
                s, w = float(score[i, j]), int(which[i, j])
                if s < floor_of_score:
                    continue
                a, b = top + i, int(j)
                scale = (1 - 2 * CROPS[abs(w)]) ** (1 if w < 0 else -1)
                if a > b:
                    a, b, scale = b, a, 1 / scale
                if s > best.get((a, b), (-4.0, 0.0))[0]:
                    best[a, b] = (s, scale)
    pairs = sorted(best)
    index = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return Proposals(index[:, 0], index[:, 1], np.array([best[p][1] for p in pairs], np.float32))


def _prior() -> NDArray[np.float64]:
    """How 16 x 16 pictures differ in general: power falls with the square of frequency; trace 1."""
    k = np.arange(_SMALL_PX)
    wave = np.cos(np.pi * np.outer(k, k + 0.5) / _SMALL_PX) * np.where(k == 0, 1, np.sqrt(2))[:, None] / 4
    basis = np.kron(wave, wave)  # orthonormal: the two-dimensional cosine transform
    power = 1 / np.maximum((k[:, None] ** 2 + k**2).ravel(), 1)
    power[0] = 0
    prior: NDArray[np.float64] = basis.T * power @ basis / power.sum()
    return prior


def _reduced(sketches: NDArray[np.uint8], crop: float) -> F32:
    """Sketches without `crop` of each side, as unit vectors of 16 x 16 centred area means; shape (n, 256)."""
    edges = np.linspace(SKETCH_PX * crop, SKETCH_PX * (1 - crop), _SMALL_PX + 1)
    px = np.arange(SKETCH_PX)
    cover = np.minimum(edges[1:, None], px + 1) - np.maximum(edges[:-1, None], px)
    weights = np.maximum(cover, 0).astype(np.float32)
    weights /= weights.sum(1, keepdims=True)
    out = np.empty((len(sketches), _SMALL_PX * _SMALL_PX), np.float32)
    for top in range(0, len(sketches), 1024):
        block = sketches[top : top + 1024].astype(np.float32)
        out[top : top + 1024] = (weights @ block @ weights.T).reshape(len(block), -1)
    return _unit(out - out.mean(1, keepdims=True))


def _unit(x: F32) -> F32:
    unit: F32 = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), np.float32(1e-6))
    return unit


@dataclass(frozen=True)
class Alignment:
    """How alike the films of each pair are once one is laid on the other.

    Attributes:
        correlation: Pearson's, of grey values over the overlap, float32, shape (m,); at the coarser size for a pair that went no further.
        detail: The same of local contrast; 0 for a pair that went no further.
        overlap: Share of the first film that the second covers.
    """

    correlation: F32
    detail: F32
    overlap: F32


def align(sketches: NDArray[np.uint8], proposals: Proposals) -> Alignment:
    """Lay the second film of each pair on the first; sketches are (n, 64, 64). Pairs that are hopeless at 32 x 32 px go no further."""
    m = len(proposals.first)
    correlation, detail, overlap = (np.zeros(m, np.float32) for _ in range(3))
    place = np.zeros((m, 4), np.float32)
    place[:, 0] = place[:, 2] = proposals.start - 1
    left = np.arange(m)
    for size, steps, least, least_detail in _PYRAMID:
        k = SKETCH_PX // size
        films = sketches.reshape(-1, size, k, size, k).mean((2, 4), dtype=np.float32)
        smooth = _blur(films)
        for top in range(0, len(left), _BATCH):
            rows = left[top : top + _BATCH]
            a, b = proposals.first[rows], proposals.second[rows]
            place[rows], correlation[rows], overlap[rows] = _register(
                smooth[a], smooth[b], place[rows], steps
            )
            moved, inside = _warp(films[b], place[rows])
            detail[rows] = _correlation(_contrast(films[a]), _contrast(moved), inside)
        keep = (correlation[left] >= least) & (detail[left] >= least_detail)
        detail[left[~keep]] = 0
        left = left[keep]
    return Alignment(correlation, detail, overlap)


def _blur(x: F32) -> F32:
    return np.asarray(uniform_filter(x, (0, 3, 3), mode="nearest"), np.float32)


def _contrast(x: F32) -> F32:
    """Local contrast: what differs from the surroundings, in units of how much things differ there."""
    near, around = (9, 15) if x.shape[1] == SKETCH_PX else (5, 9)
    rest = x - uniform_filter(x, (0, near, near), mode="nearest")
    spread = np.sqrt(np.maximum(uniform_filter(rest * rest, (0, around, around), mode="nearest"), 0))
    return np.asarray(rest / (spread + 2), np.float32)


def _grid(size_px: int) -> F32:
    """Pixel centres from -1 to 1."""
    return ((np.arange(size_px) + 0.5) * (2 / size_px) - 1).astype(np.float32)


def _warp(x: F32, place: F32) -> tuple[F32, NDArray[np.bool_]]:
    """Sample films at y' = (1 + p0) y + p1, x' = (1 + p2) x + p3 (bilinear); and where that is inside."""
    n, size = len(x), x.shape[1]
    grid = _grid(size)
    out: list[tuple[NDArray[np.int64], F32, NDArray[np.bool_]]] = []
    for s in (0, 2):
        at = ((1 + place[:, s, None]) * grid + place[:, s + 1, None] + 1) * (size / 2) - 0.5
        inside = (at >= -0.5) & (at <= size - 0.5)
        at = np.clip(at, 0, size - 1.001)
        low = at.astype(np.int64)
        out.append((low, (at - low).astype(np.float32), inside))
    (y, fy, in_y), (z, fz, in_z) = out
    k = np.arange(n)[:, None]
    rows = x[k, y] * (1 - fy[:, :, None]) + x[k, y + 1] * fy[:, :, None]
    left = np.take_along_axis(rows, z[:, None, :], axis=2)
    right = np.take_along_axis(rows, z[:, None, :] + 1, axis=2)
    moved = left + (right - left) * fz[:, None, :]
    return moved, in_y[:, :, None] & in_z[:, None, :]


def _correlation(a: F32, b: F32, inside: NDArray[np.bool_]) -> F32:
    w = inside.astype(np.float32)
    n = np.maximum(w.sum((1, 2), keepdims=True), 1)
    a = (a - (a * w).sum((1, 2), keepdims=True) / n) * w
    b = (b - (b * w).sum((1, 2), keepdims=True) / n) * w
    both = np.sqrt((a * a).sum((1, 2)) * (b * b).sum((1, 2)))
    return np.where(both > 1e-3, (a * b).sum((1, 2)) / np.maximum(both, 1e-3), 0).astype(np.float32)


def _register(a: F32, b: F32, place: F32, steps: int) -> tuple[F32, F32, F32]:
    """Gauss-Newton on the normalised difference; returns the best place seen, its correlation and overlap."""
    grid = _grid(a.shape[1])
    best = place.copy()
    best_r = np.full(len(a), -2, np.float32)
    best_overlap = np.zeros(len(a), np.float32)
    for step in range(steps + 1):
        moved, inside = _warp(b, place)
        overlap = inside.mean((1, 2), dtype=np.float32)
        r = np.where(overlap >= 0.5, _correlation(a, moved, inside), np.float32(-1))
        better = r > best_r
        best[better], best_r[better], best_overlap[better] = place[better], r[better], overlap[better]
        if step == steps:
            break
        w = inside.astype(np.float32)
        n = np.maximum(w.sum((1, 2), keepdims=True), 1)

        def standard(x: F32, w: F32 = w, n: F32 = n) -> tuple[F32, F32]:
            x = (x - (x * w).sum((1, 2), keepdims=True) / n) * w
            sd = np.sqrt((x * x).sum((1, 2), keepdims=True) / n) + np.float32(1e-3)
            return x / sd, sd

        sa, _ = standard(a)
        sb, sd = standard(moved)
        gy, gx = np.gradient(moved, 2 / a.shape[1], axis=(1, 2))
        gy, gx = gy / sd * w, gx / sd * w
        j = np.stack([gy * grid[:, None], gy, gx * grid, gx], axis=1).reshape(len(a), 4, -1)
        e = (sa - sb).reshape(len(a), -1, 1)
        h = j @ j.transpose(0, 2, 1)
        h += np.eye(4, dtype=np.float32) * (1e-3 * np.trace(h, axis1=1, axis2=2)[:, None, None] + 1e-3)
        delta = np.linalg.solve(h, j @ e)[:, :, 0]
        place = place + np.clip(delta, -0.06, 0.06)
        place = np.clip(place, -0.35, 0.35).astype(np.float32)
    return best, best_r, best_overlap
