"""Shear: lines of the film slide along one axis; what left the frame is cut and the rest stretched back."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

import numpy as np
from PIL import Image

from hilum.augment.crop import crop
from hilum.augment.operation import Drawn, Film, Operation, Points, must_be
from hilum.imaging.resize import resize

_Degrees = Annotated[int, must_be("from 1 to 25 degrees", lambda v: 1 <= v <= 25)]


class Shear(Operation):
    """Shear the film along x or y by a whole number of degrees.

    The angle is drawn uniformly from the whole degrees within the bounds, without 0. (Augmentor's draw
    takes +1 degree twice as often, goes one degree past the right bound and stops one short of the left
    one; hilum keeps the bounds.)

    Attributes:
        max_shear_left: Largest negative angle, in degrees, 1 to 25.
        max_shear_right: Largest positive angle, in degrees, 1 to 25.
    """

    op: ClassVar[str] = "shear"

    max_shear_left: _Degrees
    max_shear_right: _Degrees

    def sample(self, rng: np.random.Generator, height: int, width: int) -> Drawn:
        angle_deg = int(rng.integers(-self.max_shear_left, self.max_shear_right))
        return {"angle_deg": angle_deg + (angle_deg >= 0), "axis": "xy"[rng.integers(2)]}

    def apply(self, film: Film, drawn: Drawn) -> Film:
        # Along y is along x of the film turned over its diagonal, but for one thing: Augmentor rounds the
        # offset up to a whole pixel along x only.
        along_x = drawn["axis"] == "x"
        lying = film if along_x else np.ascontiguousarray(film.T)
        height, width = lying.shape
        slope, reach, offset = self._slide(drawn, height)
        matrix = (1, slope, offset, 0, 1, 0)
        size = (round(width + reach), height)
        sheared = Image.fromarray(lying).transform(
            size, Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC
        )
        back = resize(crop(np.array(sheared), reach, 0, width, height), height, width)
        return back if along_x else np.ascontiguousarray(back.T)

    def move(self, points: Points, drawn: Drawn, height: int, width: int) -> Points:
        if drawn["axis"] == "y":
            height, width, points = width, height, points[:, ::-1]
        slope, reach, offset = self._slide(drawn, height)
        # what `apply` asks Pillow for is where a pixel of the result comes from: this is the way back
        x = points[:, 0] - slope * points[:, 1] - offset
        x = (x - round(reach)) * width / (width - round(reach))
        moved = np.column_stack([x, points[:, 1]])
        return moved if drawn["axis"] == "x" else moved[:, ::-1]

    @staticmethod
    def _slide(drawn: Drawn, height: int) -> tuple[float, float, float]:
        """Slope (by how much a row is shifted against the one above), shift of the last row, and where the first row begins; in pixels."""
        slope = math.tan(math.radians(drawn["angle_deg"]))
        reach = abs(slope) * height
        if drawn["axis"] == "x":
            reach = math.ceil(reach)
        return slope, reach, -reach if slope > 0 else 0.0

    def describe(self, drawn: Drawn) -> str:
        return f"shear {drawn['axis']} {drawn['angle_deg']:+d}°"
