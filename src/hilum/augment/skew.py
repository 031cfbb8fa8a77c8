"""Perspective skew: the film leans back, forward or to a side, or one corner is pulled; the size stays."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hilum.augment.operation import Drawn, Film, Operation, Points, must_be

# Which corners of the film move, and where to: (x, y) steps for upper left, upper right, lower right, lower
# left.
_STILL: Final = (0, 0)
_TILTS: Final = (
    ((0, -1), _STILL, _STILL, (0, 1)),  # left
    (_STILL, (0, -1), (0, 1), _STILL),  # right
    ((-1, 0), (1, 0), _STILL, _STILL),  # forward
    (_STILL, _STILL, (1, 0), (-1, 0)),  # backward
)
_CORNERS: Final = (
    ((-1, 0), _STILL, _STILL, _STILL),
    ((0, -1), _STILL, _STILL, _STILL),
    (_STILL, (1, 0), _STILL, _STILL),
    (_STILL, (0, -1), _STILL, _STILL),
    (_STILL, _STILL, (1, 0), _STILL),
    (_STILL, _STILL, (0, 1), _STILL),
    (_STILL, _STILL, _STILL, (-1, 0)),
    (_STILL, _STILL, _STILL, (0, 1)),
)
_KINDS: Final = {
    "tilt": _TILTS,
    "tilt_left_right": _TILTS[:2],
    "tilt_top_bottom": _TILTS[2:],
    "corner": _CORNERS,
}


class Skew(Operation):
    """Skew the film in a drawn direction by a drawn number of pixels.

    Attributes:
        skew_type: "random" (one of the others, drawn; Augmentor's `skew`), "tilt", "tilt_left_right",
            "tilt_top_bottom" or "corner".
        magnitude: Largest shift of a corner as a share of the film's longer side, above 0 to 1.
    """

    op: ClassVar[str] = "skew"

    skew_type: Literal["random", "tilt", "tilt_left_right", "tilt_top_bottom", "corner"] = "random"
    magnitude: Annotated[float, must_be("above 0 and at most 1", lambda v: 0.0 < v <= 1.0)] = 1.0

    def sample(self, rng: np.random.Generator, height: int, width: int) -> Drawn:
        amount_px = int(rng.integers(1, math.ceil(max(height, width) * self.magnitude) + 1))
        kind = list(_KINDS)[rng.integers(len(_KINDS))] if self.skew_type == "random" else self.skew_type
        moves = _KINDS[kind][rng.integers(len(_KINDS[kind]))]
        return {"kind": kind, "corners_px": [[x * amount_px, y * amount_px] for x, y in moves]}

    def apply(self, film: Film, drawn: Drawn) -> Film:
        coefficients = self._coefficients(drawn, *film.shape)
        image = Image.fromarray(film)
        return np.array(
            image.transform(image.size, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BICUBIC)
        )

    def move(self, points: Points, drawn: Drawn, height: int, width: int) -> Points:
        backward = np.append(self._coefficients(drawn, height, width), 1.0).reshape(3, 3)
        moved = np.column_stack([points, np.ones(len(points))]) @ np.linalg.inv(backward).T
        return np.asarray(moved[:, :2] / moved[:, 2:])

    @staticmethod
    def _coefficients(drawn: Drawn, height: int, width: int) -> list[float]:
        corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)
        return _perspective(corners + np.array(drawn["corners_px"], np.float64), corners)

    def describe(self, drawn: Drawn) -> str:
        amount_px = max(abs(v) for corner in drawn["corners_px"] for v in corner)
        return f"skew {drawn['kind'].replace('_', ' ')} {amount_px} px"


def _perspective(target: NDArray[np.float64], source: NDArray[np.float64]) -> list[float]:
    """The eight coefficients a..h of x' = (ax + by + c) / (gx + hy + 1), y' = (dx + ey + f) / (gx + hy + 1), by four points (4, 2), pixels.

    Pillow asks for each pixel of the result where it comes from, so (x, y) run over the target.
    """
    rows = []
    for (x, y), (u, v) in zip(target, source, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
    solution: list[float] = np.linalg.solve(np.array(rows), source.reshape(8)).tolist()
    return solution
