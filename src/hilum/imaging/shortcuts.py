"""What a model could use of a film that is not disease: border, exposure, stretch, a thumbnail, all but the lungs.

These are vectors for simple models that ask how far a shortcut alone goes. Border and thumbnail are of a film squashed to 32 x 32, in grey
values of 0 to 1, whatever its size and aspect.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

REDUCED_PX = 32
_BORDER_PX = 2  # of 32: the outer sixteenth of each side
_THUMBNAIL_PX = 8
_ERASED_PX = 16


def reduced(film: NDArray[np.uint8], size_px: int = REDUCED_PX) -> NDArray[np.float32]:
    """A film squashed to a square, float32 in 0 to 1, shape (size_px, size_px)."""
    small = Image.fromarray(film).resize((size_px, size_px), Image.Resampling.BOX)
    return np.asarray(small, np.float32) / np.float32(255)


def border(small: NDArray[np.float32]) -> NDArray[np.float32]:
    """The outer sixteenth of each side, shape (240,).

    >>> border(np.zeros((32, 32), np.float32)).shape
    (240,)
    """
    inner = np.zeros(small.shape, bool)
    inner[_BORDER_PX:-_BORDER_PX, _BORDER_PX:-_BORDER_PX] = True
    return small[~inner]


def thumbnail(small: NDArray[np.float32]) -> NDArray[np.float32]:
    """The film at 8 x 8, shape (64,)."""
    k = REDUCED_PX // _THUMBNAIL_PX
    means = small.reshape(_THUMBNAIL_PX, k, _THUMBNAIL_PX, k).mean((1, 3))
    return np.asarray(means, np.float32).ravel()


def exposure(film: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Mean and standard deviation of grey values, 0 to 1, shape (2,)."""
    return np.array([film.mean() / 255, film.std() / 255], np.float32)


def grain(film: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How rough a film is from pixel to pixel: logarithm of the mean absolute second difference along rows and along columns, of the film
    and of every second pixel of it; shape (4,). It tells a device, a resolution and a compression apart."""
    found = []
    for step in (1, 2):
        small = film[::step, ::step].astype(np.int16)
        found += [np.log1p(np.abs(np.diff(small, 2, axis)).mean()) for axis in (0, 1)]
    return np.array(found, np.float32)


def stretch(film: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How far the greys of a film reach: least, 1st and 99th percentile, greatest, 0 to 1, and the share of 256
    greys that occur; shape (5,). It tells how a film was windowed and stored, and nothing of its lungs.

    >>> stretch(np.array([[0, 51], [51, 255]], np.uint8))[[0, 3]].tolist()
    [0.0, 1.0]
    """
    counts = np.bincount(film.ravel(), minlength=256)
    share = np.cumsum(counts) / film.size
    greys = np.flatnonzero(counts)
    low, high = np.searchsorted(share, 0.01), np.searchsorted(share, 0.99)
    return np.array([greys[0] / 255, low / 255, high / 255, greys[-1] / 255, len(greys) / 256], np.float32)


def without_lungs(film: NDArray[np.uint8], lungs: NDArray[np.uint8]) -> NDArray[np.float32] | None:
    """The film at 16 x 16 with the lungs, and what touches them, set to the mean of the rest; shape (256,).

    Args:
        film: The film.
        lungs: A mask of any size that covers the same field: above 0 is lung.

    Returns:
        None when the mask leaves no lung, or leaves nothing but lung.
    """
    small = reduced(film, _ERASED_PX)
    inside = reduced(np.where(lungs > 0, 255, 0).astype(np.uint8), _ERASED_PX) > 0
    if not inside.any() or inside.all():
        return None
    out = small.copy()
    out[inside] = small[~inside].mean()
    return out.ravel()
