"""What can be measured of a film without knowing what it shows: size, greys, border, sharpness. Two sets of films are compared by it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hilum.imaging.shortcuts import border, reduced

_SHARP_PX = 256
_DARK = 0.1  # of full scale


def measured(film: NDArray[np.uint8]) -> dict[str, float]:
    """Statistic in words -> value; greys are 0 to 1 of full scale.

    Sharpness is the standard deviation of the Laplacian over that of the greys, of the film squashed to 256 px; grain is the same at the
    film's own size.

    >>> flat = measured(np.full((64, 32), 51, np.uint8))
    >>> flat["shorter side, px"], flat["width / height"], flat["mean grey"], flat["sharpness"]
    (32.0, 0.5, 0.2, 0.0)
    """
    height, width = film.shape
    low, median, high = (float(v) / 255 for v in np.percentile(film, (1, 50, 99)))
    edge = border(reduced(film))
    return {
        "shorter side, px": float(min(height, width)),
        "width / height": width / height,
        "mean grey": float(film.mean()) / 255,
        "spread of greys": float(film.std()) / 255,
        "1st percentile of greys": low,
        "median grey": median,
        "99th percentile of greys": high,
        "grey of the border": float(edge.mean()),
        "dark share of the border": float((edge < _DARK).mean()),
        "sharpness": _roughness(reduced(film, _SHARP_PX)),
        "grain": _roughness(film.astype(np.float32) / np.float32(255)),
    }


def _roughness(film: NDArray[np.float32]) -> float:
    spread = float(film.std())
    if spread == 0 or min(film.shape) < 3:
        return 0.0
    inner = film[1:-1, 1:-1]
    laplacian = film[:-2, 1:-1] + film[2:, 1:-1] + film[1:-1, :-2] + film[1:-1, 2:] - 4 * inner
    return float(laplacian.std()) / spread
