"""Where the mass of a heat map lies: in the lungs, on the border, in the sign where it is known. Mass is what speaks for the class: the
map's positive part.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from hilum.artifacts.explanations import MapCheck
from hilum.explain.checks import Asked

Map = NDArray[np.float32]
Mask = NDArray[np.bool_]
BORDER = 0.1
"""Of the film's side: how wide the border is on each side."""
NEAR_PX = 15
"""Tolerance of the pointing game in its paper."""
NOTHING = "nothing on the map speaks for the class"


def share_in(heat: Map, where: Mask) -> float | None:
    """Share of the mass in a part of the film; None where the map has none.

    Quantus has the same as RelevanceMassAccuracy and AttributionLocalisation of a map without negative values.
    """
    mass = np.clip(heat, 0, None).astype(np.float64)
    total = float(mass.sum())
    return float(mass[where].sum() / total) if total > 0 else None


def border_of(shape: tuple[int, ...]) -> Mask:
    """The outer tenth of a film of (height, width)."""
    border = np.ones(shape, bool)
    down, right = (round(BORDER * side) for side in shape)
    border[down : shape[0] - down, right : shape[1] - right] = False
    return border


def lung_centres(lungs: Mask) -> Map:
    """The map to stand beside: it always points at the middle of a lung, whatever the film. The farther inside the lungs, the higher."""
    return np.asarray(distance_transform_edt(np.pad(lungs, 1))[1:-1, 1:-1], np.float32)


def hits(heat: Map, truth: Mask, near_px: float = 0) -> bool:
    """Whether a highest pixel of a map lies in the sign, or at most `near_px` from it."""
    top = heat == heat.max()
    return bool((distance_transform_edt(~truth)[top] <= near_px).any())


def highest(heat: Map, n: int) -> Mask:
    """The n highest pixels of a map; of like pixels the first."""
    mask = np.zeros(heat.size, bool)
    mask[np.argsort(-heat, axis=None, kind="stable")[:n]] = True
    return mask.reshape(heat.shape)


def intersection_over_union(heat: Map, truth: Mask) -> float:
    """Of the sign and as many of the map's highest pixels as it has."""
    marked = highest(heat, int(truth.sum()))
    return float((marked & truth).sum() / (marked | truth).sum())


def _share(asked: Asked, name: str, where: Mask, place: str, wanted: bool) -> MapCheck:
    """Share of the mass in a place beside the share of the area: it passes where it is above, if it is `wanted` there, else below."""
    share, area = share_in(asked.map, where), float(where.mean())
    if share is None:
        return MapCheck.of(name, None, area, None, NOTHING)
    words = f"{share:.0%} of what speaks for the class lies {place}, which is {area:.0%} of the film"
    return MapCheck.of(name, share, area, share > area if wanted else share <= area, words)


def in_lungs(asked: Asked) -> MapCheck:
    """Share of the mass in the lungs; more than their share of the film is expected."""
    if asked.lungs is None or not asked.lungs.any():
        return MapCheck.of("lungs", None, None, None, "where the lungs are is not known")
    return _share(asked, "lungs", asked.lungs, "in the lungs", wanted=True)


def on_border(asked: Asked) -> MapCheck:
    """Share of the mass on the border; at most its share of the film is expected."""
    return _share(asked, "border", border_of(asked.map.shape), "in the outer tenth", wanted=False)


def mass(asked: Asked) -> MapCheck | None:
    """Share of the mass in the sign."""
    if asked.truth is None or not asked.truth.any():
        return None
    return _share(asked, "mass", asked.truth, "in the sign", wanted=True)


def pointing(asked: Asked) -> MapCheck | None:
    """Whether the map points at the sign, exactly; and within the paper's tolerance."""
    if asked.truth is None or not asked.truth.any():
        return None
    exact, near = hits(asked.map, asked.truth), hits(asked.map, asked.truth, NEAR_PX)
    where = "in the sign" if exact else f"within {NEAR_PX} px of the sign" if near else "away from the sign"
    words = f"the highest pixel lies {where}"
    return MapCheck.of("pointing", float(exact), None, exact, words, near=float(near))


def overlap(asked: Asked) -> MapCheck | None:
    """Intersection over union with the sign; more than a map at random reaches on average is expected."""
    if asked.truth is None or not asked.truth.any():
        return None
    found, area = intersection_over_union(asked.map, asked.truth), float(asked.truth.mean())
    chance = area / (2 - area)
    words = f"the map's highest pixels and the sign share {found:.0%} of what either covers; by chance {chance:.0%}"
    return MapCheck.of("overlap", found, chance, found > chance, words)
