"""Rotation without black corners: rotate, cut a box inside, enlarge it to the size of the film.

The box is Augmentor's. Its formula for the left edge is E = t (Y - t X) - t**2, with t the tangent of the angle, where the largest box
inside a turned square needs a division by 1 - t**2. The box is 7 % wider than high at 15 degrees (68 % at 25), so the chest comes out that
much narrower. hilum keeps the formula: who says "Augmentor's rotate" means these pixels.
"""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

import numpy as np
from PIL import Image

from hilum.augment.crop import Edges, crop
from hilum.augment.operation import Drawn, Film, Operation, Points, must_be
from hilum.imaging.resize import resize

_Degrees = Annotated[int, must_be("from 0 to 25 degrees", lambda v: 0 <= v <= 25)]


class Rotate(Operation):
    """Turn the film by a whole number of degrees.

    As in Augmentor one angle is drawn for each direction, 0 to the bound, and a coin says which is taken. A
    positive angle turns counter-clockwise (Pillow's sense), though Augmentor calls that side "right".

    Attributes:
        max_left_rotation: Largest angle clockwise, in degrees, 0 to 25.
        max_right_rotation: Largest angle counter-clockwise, in degrees, 0 to 25.
    """

    op: ClassVar[str] = "rotate"

    max_left_rotation: _Degrees
    max_right_rotation: _Degrees

    def sample(self, rng: np.random.Generator, height: int, width: int) -> Drawn:
        left = -int(rng.integers(0, self.max_left_rotation + 1))
        right = int(rng.integers(0, self.max_right_rotation + 1))
        return {"angle_deg": right if rng.integers(0, 2) else left}

    def apply(self, film: Film, drawn: Drawn) -> Film:
        angle_deg = drawn["angle_deg"]
        if angle_deg == 0:
            return film.copy()
        turned = np.array(Image.fromarray(film).rotate(angle_deg, Image.Resampling.BICUBIC, expand=True))
        return resize(crop(turned, *self._box(angle_deg, *turned.shape)), *film.shape)

    def move(self, points: Points, drawn: Drawn, height: int, width: int) -> Points:
        angle_deg = drawn["angle_deg"]
        if angle_deg == 0:
            return points
        angle = math.radians(angle_deg)
        turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
        middle = np.array([width / 2, height / 2])
        # Pillow's enlarged canvas: whole pixels that hold the turned corners, and the middle stays the middle
        corners = (np.array([(0, 0), (width, 0), (width, height), (0, height)]) - middle) @ turn.T + middle
        size = np.ceil(corners.max(axis=0)) - np.floor(corners.min(axis=0))
        box = self._box(angle_deg, int(size[1]), int(size[0]))
        left, top, right, bottom = (round(edge) for edge in box)
        turned = (points - middle) @ turn.T + size / 2
        return np.asarray((turned - (left, top)) * (width / (right - left), height / (bottom - top)))

    @staticmethod
    def _box(angle_deg: int, height: int, width: int) -> Edges:
        """The box inside a turned film, from the size of its enlarged canvas."""
        t = math.tan(math.radians(abs(angle_deg)))
        left = t * (height - width * t) - t * t
        top = t * (width - left)
        return left, top, width - left, height - top

    def describe(self, drawn: Drawn) -> str:
        return f"rotate {drawn['angle_deg']:+d}°"
