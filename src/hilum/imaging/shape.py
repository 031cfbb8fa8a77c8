"""What a plain model sees of a film's shape: edges by direction in 8 x 8 places (HOG), and the film at 16 x 16.

It sees a film at 64 x 64, so that how sharply a film was stored makes next to no difference to it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hilum.imaging.quality.kinds import without_dark_margins

SHAPE_RULES: Final = 1
"""Raised when a film would have another shape."""
_EDGES_PX, _SMALL_PX, _CELL_PX, _DIRECTIONS = 64, 16, 8, 8
_PLACES = _EDGES_PX // _CELL_PX
SHAPE_LENGTH: Final = _PLACES**2 * _DIRECTIONS + _SMALL_PX**2
"""Numbers of a shape."""
_FIRST = np.kron(
    np.arange(_PLACES**2).reshape(_PLACES, _PLACES) * _DIRECTIONS, np.ones((_CELL_PX, _CELL_PX), int)
)
"""Of each pixel the number of its place's first direction."""


def shape_of(film: NDArray[np.uint8]) -> NDArray[np.float16]:
    """Shape (768,): 8 directions of edges in each of 8 x 8 places, as shares of the place's edges, and 16 x 16 standardised greys.

    Dark margins are cut off first.
    """
    inner = Image.fromarray(without_dark_margins(film))
    grey = np.asarray(inner.resize((_EDGES_PX, _EDGES_PX), Image.Resampling.BOX), np.float32)
    small = grey.reshape(_SMALL_PX, 4, _SMALL_PX, 4).mean((1, 3)).ravel()
    return np.concatenate([_edges(grey), (small - small.mean()) / (small.std() + 1e-3)]).astype(np.float16)


def _edges(grey: NDArray[np.float32]) -> NDArray[np.float64]:
    """Histograms of oriented gradients (Dalal & Triggs, CVPR 2005), each place a block of its own: those of scikit-image with
    ``block_norm="L1"``, whose own take three times as long and a second to load."""
    x = grey.astype(np.float64)
    down, across = np.zeros_like(x), np.zeros_like(x)
    down[1:-1], across[:, 1:-1] = x[2:] - x[:-2], x[:, 2:] - x[:, :-2]
    directions = np.rad2deg(np.arctan2(down, across)) % 180 / (180 / _DIRECTIONS)
    which = _FIRST + np.minimum(directions.astype(np.int64), _DIRECTIONS - 1)
    sums = np.bincount(which.ravel(), np.hypot(across, down).ravel(), _PLACES**2 * _DIRECTIONS)
    by_place = sums.reshape(-1, _DIRECTIONS) / _CELL_PX**2
    shares: NDArray[np.float64] = by_place / (by_place.sum(1, keepdims=True) + 1e-5)
    return shares.ravel()
