"""What a plain model sees of a film's shape: edges by direction in 8 x 8 places (HOG), and the film at 16 x 16."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hilum.imaging.quality.kinds import without_dark_margins

_EDGES_PX, _SMALL_PX, _CELL_PX, _DIRECTIONS = 64, 16, 8, 8


def shape_of(film: NDArray[np.uint8]) -> NDArray[np.float16]:
    """Shape (768,): 8 directions of edges in each of 8 x 8 places, as shares of the film's mean, and 16 x 16 standardised greys.

    Dark margins are cut off first. Histograms of oriented gradients are Dalal & Triggs' (CVPR 2005), without blocks.
    """
    inner = Image.fromarray(without_dark_margins(film))
    grey = np.asarray(inner.resize((_EDGES_PX, _EDGES_PX), Image.Resampling.BOX), np.float32)
    from skimage.feature import hog  # late: it takes a second to load

    edges = hog(grey, _DIRECTIONS, (_CELL_PX, _CELL_PX), (1, 1), block_norm="L1", feature_vector=True)
    small = grey.reshape(_SMALL_PX, 4, _SMALL_PX, 4).mean((1, 3)).ravel()
    return np.concatenate([edges, (small - small.mean()) / (small.std() + 1e-3)]).astype(np.float16)
