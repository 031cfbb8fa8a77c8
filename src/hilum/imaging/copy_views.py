"""Which films may be copies of which? Each is described through several maps and looked for among all, so that a copy that was mirrored,
turned or cropped has a view and a window of its original that show nearly the same.

*Windows* are parts of an upright film: what a crop may have left. *Views* are the whole film, mirrored and turned. A description is
histograms of edge directions (`copy_kernel.describe`; Dalal and Triggs, 2005), projected on the directions in which different films
differ most against what turning, moving, cropping and painting by less than the grid of maps does to one film (linear discriminants,
learnt from the films at hand). It proposes and never decides. What is compiled, and faiss, is imported where it is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hilum.core.files import writing
from hilum.core.seeding import generator

F32 = NDArray[np.float32]
I64 = NDArray[np.int64]

_DIMS: Final = 96
_LEARNT_FROM, _SPOILT = 400, 6  # films, and times that each is spoilt
_RIDGE: Final = 0.2
_NEAREST_WINDOWS: Final = 32  # of a view
_FLAT_BELOW: Final = 60_000  # windows; more are divided into lists, of which a view looks into a few
_LISTS_LOOKED_INTO: Final = 24
_TURNS = (-7.0, 0.0, 7.0)  # degrees
_CROPS = ((1.0, (0.0,)), (0.85, (-0.075, 0.075)), (0.7, (-0.225, -0.075, 0.075, 0.225)))


def affine(turn_deg: float = 0, scale: float = 1, y: float = 0, x: float = 0, mirrored: bool = False) -> Any:
    """The map that turns, scales, moves, and mirrors first."""
    c, s = scale * np.cos(np.deg2rad(turn_deg)), scale * np.sin(np.deg2rad(turn_deg))
    flip = -1 if mirrored else 1
    return np.array([c, s * flip, y, -s, c * flip, x], np.float32)


WINDOWS: Final[F32] = np.array(
    [affine(0, scale, y, x) for scale, at in _CROPS for y, x in product(at, at)], np.float32
)
VIEWS: Final[F32] = np.array([affine(t, mirrored=m) for m in (False, True) for t in _TURNS], np.float32)


def matrix(places: F32) -> NDArray[np.float64]:
    """Maps (m, 6) as matrices (m, 3, 3)."""
    out = np.zeros((len(places), 3, 3), np.float64)
    out[:, :2] = places.reshape(-1, 2, 3)
    out[:, 2, 2] = 1
    return out


@dataclass(frozen=True)
class Projection:
    """What makes a description of histograms: `(histograms - mean) @ axes`, as a unit vector."""

    mean: F32
    axes: F32

    def write(self, path: Path) -> None:
        """Keep it in a file, for tasks."""
        with writing(path) as part, part.open("wb") as file:
            np.savez(file, mean=self.mean, axes=self.axes)

    @classmethod
    def read(cls, path: Path) -> Projection:
        """The projection of a file."""
        with np.load(path) as file:
            return cls(file["mean"], file["axes"])

    def __call__(self, sketches: NDArray[np.uint8], places: F32) -> F32:
        """Descriptions of sketches (n, 64, 64) through maps (v, 6): shape (n, v, dims)."""
        x = (_histograms(_smooth(sketches), places) - self.mean) @ self.axes
        unit: F32 = x / np.maximum(np.linalg.norm(x, axis=2, keepdims=True), np.float32(1e-6))
        return unit


def learn(sketches: NDArray[np.uint8]) -> Projection:
    """The projection for films (at least two), the same for the same films in the same order."""
    from scipy.linalg import eigh

    rows = np.unique(np.linspace(0, len(sketches) - 1, 5 * _LEARNT_FROM).astype(int))
    films = _smooth(sketches[rows])
    upright = _histograms(films, WINDOWS[:1])[:, 0]
    mean = upright.mean(0)
    n = len(mean)
    spoilt = np.stack([_spoilt(f, k) for k, f in enumerate(films[:: max(1, len(films) // _LEARNT_FROM)])])
    rest = (spoilt - spoilt.mean(1, keepdims=True)).reshape(-1, n)
    within = rest.T @ rest / len(rest)
    within = within + np.eye(n) * (_RIDGE * np.trace(within) / n + 1e-9)
    between = (upright - mean).T @ (upright - mean) / len(upright)
    _, axes = eigh(between, within, subset_by_index=(n - _DIMS, n - 1))
    return Projection(mean, np.ascontiguousarray(axes, np.float32))


def _spoilt(film: F32, k: int) -> F32:
    """Histograms of a film as its copies look through the nearest map: shape (6, 216)."""
    from hilum.imaging.copy_kernel import sample

    chance = generator(0, "copies", k)
    size = len(film)
    out = np.empty((_SPOILT, size, size), np.float32)
    copy, inside = np.empty_like(film), np.empty_like(film)
    for r in range(_SPOILT):
        near = float(chance.choice(_TURNS))
        sample(film, affine(near + chance.uniform(-4, 4)), copy, inside)
        copy *= inside  # a turned film has black corners
        if r % 2:
            h, w = chance.integers(size // 10, size // 4), chance.integers(size // 6, size * 3 // 8)
            y, x = chance.integers(0, size - h), chance.integers(0, size - w)
            copy[y : y + h, x : x + w] = chance.choice([0, 128, 255])
        place = affine(-near, chance.uniform(0.9, 1.1), *chance.uniform(-0.09, 0.09, 2))
        sample(copy, place, out[r], inside)
    return _histograms(out, WINDOWS[:1])[:, 0]


def _smooth(sketches: NDArray[np.uint8]) -> F32:
    """Means of 2 x 2 px around each pixel's corner."""
    x = np.pad(sketches.astype(np.float32), ((0, 0), (1, 0), (1, 0)), mode="edge")
    return np.asarray((x[:, 1:, 1:] + x[:, :-1, 1:] + x[:, 1:, :-1] + x[:, :-1, :-1]) / 4, np.float32)


def _histograms(films: F32, places: F32) -> F32:
    from hilum.imaging.copy_kernel import HISTOGRAMS, describe

    out = np.empty((len(films), len(places), HISTOGRAMS), np.float32)
    describe(np.ascontiguousarray(films), np.ascontiguousarray(places), out)
    return out


def windows_index(described: NDArray[np.float16]) -> Any:
    """What finds the nearest among descriptions of windows, shape (n, windows, dims); made with one thread, so always the same."""
    with _one_thread():
        return _made(described)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Faiss with one thread; torch, which may have the same OpenMP, has as many as before afterwards."""
    import faiss

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def _made(described: NDArray[np.float16]) -> Any:
    import faiss

    index: Any
    n, dims = described.shape[0] * described.shape[1], described.shape[2]
    flat = described.reshape(n, dims)
    if n <= _FLAT_BELOW:
        index = faiss.IndexScalarQuantizer(dims, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    else:
        lists = int(min(2.5 * n**0.5, 2048))
        index = faiss.IndexIVFScalarQuantizer(
            faiss.IndexFlatIP(dims), dims, lists, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        )
        index.by_residual = False
        index.nprobe = _LISTS_LOOKED_INTO
        index.train(np.ascontiguousarray(flat[:: max(1, n // (40 * lists))], np.float32))
    for top in range(0, n, 65_536):
        index.add(np.ascontiguousarray(flat[top : top + 65_536], np.float32))
    return index


def write_index(index: Any, path: Path) -> None:
    """Keep an index in a file."""
    import faiss

    with writing(path) as part:
        faiss.write_index(index, str(part))


@lru_cache(1)
def read_index(path: Path) -> Any:
    """The index of a file, mapped: processes of one machine share it."""
    import faiss

    return faiss.read_index(str(path), faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY)


@dataclass(frozen=True)
class Proposals:
    """Pairs of films that may be copies.

    Attributes:
        first: Row of the one, shape (m,).
        second: Row of the other.
        start: The map from the first's points to the second's at which they were nearest, shape (m, 6).
        score: Cosine of their descriptions there.
    """

    first: I64
    second: I64
    start: F32
    score: F32

    def part(self, rows: Any) -> Proposals:
        """Some of them."""
        return Proposals(self.first[rows], self.second[rows], self.start[rows], self.score[rows])


def nearest(index: Any, described: F32, first_row: int, keep: int) -> Proposals:
    """The films nearest to each of some.

    Args:
        index: Of `windows_index`.
        described: Descriptions of the films through `VIEWS`, shape (n, views, dims).
        first_row: Row of the first of them among all.
        keep: Films kept for each.
    """
    n, views, dims = described.shape
    k = index.ntotal if index.ntotal <= 2048 else _NEAREST_WINDOWS
    with _one_thread():
        score, found = index.search(np.ascontiguousarray(described.reshape(-1, dims)), k)
    score = score.reshape(n, -1)
    view = np.tile(np.repeat(np.arange(views), k), (n, 1))
    order = np.argsort(-score, axis=1, kind="stable")
    score, found, view = (np.take_along_axis(x, order, 1) for x in (score, found.reshape(n, -1), view))
    other, window = found // len(WINDOWS), found % len(WINDOWS)
    rows = []
    for i in range(n):
        films, at = np.unique(other[i], return_index=True)  # the best of each, since the best come first
        at = np.sort(at[(films >= 0) & (films != first_row + i)])[:keep]
        rows.append(np.stack([np.full(len(at), i), at]))
    i, at = np.concatenate(rows, axis=1)
    start = matrix(VIEWS)[view[i, at]] @ np.linalg.inv(matrix(WINDOWS))[window[i, at]]
    return Proposals(
        other[i, at], i + first_row, start[:, :2].reshape(-1, 6).astype(np.float32), score[i, at]
    )


def best_of_each(found: list[Proposals]) -> Proposals:
    """Every pair once, from where it was nearest; of two films the first is always the smaller row."""
    if not found:
        empty = np.zeros(0, np.int64)
        return Proposals(empty, empty, np.zeros((0, 6), np.float32), np.zeros(0, np.float32))
    a, b, start, score = (
        np.concatenate([getattr(p, name) for p in found]) for name in ("first", "second", "start", "score")
    )
    turn = a > b
    start = np.where(turn[:, None], inverse(start), start)
    a, b = np.where(turn, b, a), np.where(turn, a, b)
    order = np.lexsort((-score, b, a))
    a, b, start, score = a[order], b[order], start[order], score[order]
    new = np.ones(len(a), bool)
    new[1:] = (a[1:] != a[:-1]) | (b[1:] != b[:-1])
    return Proposals(a[new], b[new], start[new], score[new])


def inverse(places: F32) -> F32:
    """Maps (m, 6) the other way."""
    return np.linalg.inv(matrix(places))[:, :2].reshape(-1, 6).astype(np.float32)
