"""The sign of disease that a synthetic patient has: what it is, where, how strong. `kernel` draws it.

As radiology describes them: covid, bilateral peripheral ground glass, more in the lower zones, through which vessels stay visible;
bacterial, one lobe consolidated, dense, with a straight border at the fissure and an air bronchogram; viral, diffuse bilateral
interstitial streaks about the hila. How strongly a sign shows varies from barely to plainly: the classes can be learnt and are not trivial.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import require_known
from hilum.synthetic.anatomy import Plane, noise

LABELS = ("bacterial", "covid", "normal", "viral")
BACTERIAL, COVID, NORMAL, VIRAL = range(4)

_STRENGTH = {"bacterial": (0.14, 0.40), "covid": (0.10, 0.32), "normal": (0.0, 0.0), "viral": (0.07, 0.20)}
"""Class -> least and greatest brightening, as a share of the film's whole range."""


class Sign(NamedTuple):
    """What a disease adds to a chest.

    Attributes:
        kind: Index of the class in `LABELS`.
        strength: Brightening where the sign is fullest, in units of film brightness.
        shape: float32 numbers of the kind: covid, a row of (side, aside, y, width, height, weight) for each
            patch; bacterial, one row of (side, direction, fissure y, its slope, reach, inner edge, outer
            edge); viral, one row of (reach).
        texture: float32 noise, the film's shape: ragged edges, or the net.
        fine: float32 noise, the film's shape: what turns vessels into streaks.
    """

    kind: int
    strength: float
    shape: NDArray[np.float32]
    texture: Plane
    fine: Plane


def sample_sign(label: str, rng: np.random.Generator, size_px: int) -> tuple[Sign, dict[str, float | str]]:
    """Draw the sign of a class for a film of a size; and what was drawn, in words and numbers.

    Raises:
        InputError: For a label that is not one of `LABELS`.
    """
    require_known(label, LABELS, "expected a class of the synthetic films, got")
    kind, plane = LABELS.index(label), (size_px, size_px)
    strength = float(rng.uniform(*_STRENGTH[label]))
    facts: dict[str, float | str] = {"strength": strength}
    shape, texture, fine = [[0.0]], np.zeros((1, 1), np.float32), np.zeros((1, 1), np.float32)
    if kind == COVID:
        shape = [_patch(rng, side) for side in (0.0, 1.0) for _ in range(int(rng.integers(2, 5)))]
        texture = noise(rng, plane, (22, 22))
        facts["n_patches"] = len(shape)
    elif kind == BACTERIAL:
        side, upper = int(rng.integers(2)), bool(rng.random() < 0.4)
        fissure, slope, reach = rng.uniform(-0.12, 0.08), rng.uniform(-0.25, 0.25), rng.uniform(0.30, 0.60)
        inner, outer = rng.uniform(-0.10, 0.25), rng.uniform(0.75, 1.10)
        shape = [[float(side), -1.0 if upper else 1.0, fissure, slope, reach, inner, outer]]
        texture = noise(rng, plane, (14, 14))
        facts["lobe"] = ("left " if side else "right ") + ("upper" if upper else "lower")
    elif kind == VIRAL:
        shape = [[rng.uniform(0.30, 0.48)]]
        texture, fine = noise(rng, plane, (46, 46)), noise(rng, plane, (30, 30))
    return Sign(kind, strength, np.array(shape, np.float32), texture, fine), facts


def _patch(rng: np.random.Generator, side: float) -> list[float]:
    """A patch of ground glass near the chest wall, most often low."""
    aside, y = rng.uniform(0.40, 0.62), rng.triangular(-0.35, 0.30, 0.50)
    return [side, aside, y, rng.uniform(0.09, 0.19), rng.uniform(0.10, 0.24), rng.uniform(0.6, 1.0)]
