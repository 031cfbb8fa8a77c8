"""The colours of a heat map over its film, for every page and picture.

Convention: a map (float32 (height, width), in its method's units) is laid over its film in colours of even steps of lightness (viridis),
the more opaque the larger; one with a sign has two colours and is clear at zero. Colours begin at the map's least value (RISE is far
above zero everywhere) and end at the 99.5th percentile of its size, so that one pixel does not hide the others.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import ListedColormap, Normalize
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

PERCENTILE: Final = 99.5
SMOOTHED_PX: Final = 1.5
"""Sigma of the Gaussian that a grainy map is drawn with; its numbers and its checks are of the map as it is."""
_GRAINY: Final = 0.5
"""Correlation of neighbouring pixels below which a map is."""
_MOST_OPAQUE = 0.65


def in_colours(
    values: NDArray[np.float32], signed: bool
) -> tuple[NDArray[np.float32], ListedColormap, Normalize]:
    """A map as it is drawn, its colours, clear at zero, and the values that they stand for.

    One that changes from pixel to pixel is smoothed, else nobody could see it.
    """
    rest = values - values.mean()
    alike = float((rest[:, 1:] * rest[:, :-1]).mean() / max(float((rest * rest).mean()), 1e-30))
    if alike <= _GRAINY:
        values = gaussian_filter(values, SMOOTHED_PX)
    size = np.abs(values) if signed else values
    most = float(np.percentile(size, PERCENTILE)) or float(size.max()) or 1.0
    at = np.linspace(0, 1, 256)
    rgba = colormaps["RdBu_r" if signed else "viridis"](at)
    if signed:
        rgba[:, 3] = 0.85 * np.abs(2 * at - 1) ** 0.7
        return values, ListedColormap(rgba), Normalize(-most, most, clip=True)
    rgba[:, 3] = _MOST_OPAQUE * np.minimum(1.0, 1.6 * at)
    least = float(values.min())
    return values, ListedColormap(rgba), Normalize(least if least < most else 0.0, most, clip=True)


def map_rgba(values: NDArray[np.float32], signed: bool) -> NDArray[np.uint8]:
    """A map as a picture to lay over its film: uint8 (height, width, 4), the last its opacity."""
    values, colours, norm = in_colours(values, signed)
    return np.asarray(colours(norm(values), bytes=True), np.uint8)


def film_with_map(film: NDArray[np.uint8], values: NDArray[np.float32], signed: bool) -> NDArray[np.uint8]:
    """A prepared film with a map of it laid over: uint8 (height, width, 3)."""
    rgba = map_rgba(values, signed).astype(np.float64)
    opacity = rgba[..., 3:] / 255
    mixed = film[..., None] * (1 - opacity) + rgba[..., :3] * opacity
    return np.asarray(np.rint(mixed), np.uint8)
