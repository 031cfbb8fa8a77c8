"""Are two films copies of one? Descriptions propose pairs (`copy_views`), the pixels of the aligned films decide.

A copy is the same exposure stored again: re-encoded, resized, squashed to another aspect, brighter or flatter or clipped, framed by a
constant border, mirrored, inverted, turned by up to ten degrees, cropped to 70 % of a side, painted on, or several of these. Two films of
one patient are no copies, nor are films that look alike because every frontal chest film does.

A film is first reduced to its *sketch*: constant borders cut off, then squashed to 64 x 64 px. Deciding lays one sketch on the other by an
affine map, leaves out what looks painted on and what is flat, and asks for two correlations of the rest: of grey values, and of detail
(local contrast), which different films of one chest do not share.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hilum.imaging.copy_views import Proposals, inverse

SKETCH_PX = 64
# the least of each for a copy, chosen by measurement: docs/how-to/split-and-audit.md
CORRELATION = 0.90
DETAIL = 0.92
_TURNED_DEG = 16.0  # at most
_SCALES = 0.55, 1.8  # of either axis
_SQUASHED = 1.45  # one axis against the other
_FLAT = 20  # grey levels between the darkest and the brightest pixel of a row that is border, with JPEG noise
_MOST_BORDER = 0.25  # of a side

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
class Alignment:
    """How alike the films of each pair are once one is laid on the other; every array has shape (m,).

    Attributes:
        correlation: Pearson's, of grey values; negative for a negative.
        detail: The same of local contrast, without sign; 0 for a pair that went no further.
        overlap: Share of the first film that the second covers.
        painted: Share of that which was left out because only one of them shows it.
        mirrored: Whether one is the other's mirror image.
        turned_deg: By how much the second is turned against the first, clockwise.
        scale: Side of what the second shows, against the first's side: .7 where the second was cropped to 70 %.
        possible: Whether a copy could have been made so: neither turned, cropped nor squashed too far.
    """

    correlation: F32
    detail: F32
    overlap: F32
    painted: F32
    mirrored: NDArray[np.bool_]
    turned_deg: F32
    scale: F32
    possible: NDArray[np.bool_]

    @property
    def copies(self) -> NDArray[np.bool_]:
        """Which pairs are copies."""
        found: NDArray[np.bool_] = (
            self.possible & (np.abs(self.correlation) >= CORRELATION) & (self.detail >= DETAIL)
        )
        return found


def align(sketches: NDArray[np.uint8], proposals: Proposals) -> Alignment:
    """Lay the films of each pair on one another; sketches are (n, 64, 64). The finer of the two is laid on the coarser."""
    from hilum.imaging.align_kernel import lay_on

    start = proposals.start
    grows = np.abs(start[:, 0] * start[:, 4] - start[:, 1] * start[:, 3]) >= 1
    a = np.where(grows, proposals.first, proposals.second)
    b = np.where(grows, proposals.second, proposals.first)
    places = np.where(grows[:, None], start, inverse(start))
    out = np.zeros((len(a), 5), np.float32)
    lay_on(sketches.astype(np.float32), a, b, places, out)
    places = np.where(grows[:, None], places, inverse(places))
    maps = places.reshape(-1, 2, 3)[:, :, :2].astype(np.float64)
    mirrored = np.linalg.det(maps) < 0
    maps[mirrored, :, 1] *= -1
    turned = np.degrees(np.arctan2(maps[:, 0, 1] - maps[:, 1, 0], maps[:, 0, 0] + maps[:, 1, 1]))
    axes = np.linalg.svd(maps, compute_uv=False)
    possible = (np.abs(turned) <= _TURNED_DEG) & (axes[:, 0] <= axes[:, 1] * _SQUASHED)
    possible &= (axes[:, 1] >= _SCALES[0]) & (axes[:, 0] <= _SCALES[1])
    scale = 1 / np.sqrt(np.maximum(axes.prod(1), 1e-6))
    return Alignment(
        out[:, 0], np.abs(out[:, 1]), out[:, 2], out[:, 3],
        mirrored, turned.astype(np.float32), scale.astype(np.float32), possible,
    )  # fmt: skip
