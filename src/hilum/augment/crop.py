"""Crops: the centre by a share of each side, or a box of a given size. A resize should follow."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from hilum.augment.box import Edges, centred, crop
from hilum.augment.operation import Drawn, Film, Operation, Points, ShareOfSide, SidePx
from hilum.core.errors import InputError


class _Crop(Operation):
    """A crop: the part of a film in a box."""

    keeps_size: ClassVar[bool] = False

    def size_after(self, drawn: Drawn, height: int, width: int) -> tuple[int, int]:
        left, top, right, bottom = (round(edge) for edge in self._box(drawn, height, width))
        return bottom - top, right - left

    def apply(self, film: Film, drawn: Drawn) -> Film:
        return crop(film, *self._box(drawn, *film.shape))

    def move(self, points: Points, drawn: Drawn, height: int, width: int) -> Points:
        left, top, _, _ = self._box(drawn, height, width)
        return points - (round(left), round(top))

    def _box(self, drawn: Drawn, height: int, width: int) -> Edges:
        raise NotImplementedError


class CropCentre(_Crop):
    """Keep the centre of a film.

    Attributes:
        percentage_area: Share of each SIDE that is kept, 0.1 to below 1, as in Augmentor; so 0.9 keeps 81 % of the area.
        randomise_percentage_area: Draw the share between 0.1 and `percentage_area`, to two digits.
    """

    op: ClassVar[str] = "crop_centre"

    percentage_area: ShareOfSide
    randomise_percentage_area: bool = False

    @property
    def draws(self) -> bool:
        return self.randomise_percentage_area

    def sample(self, rng: np.random.Generator, height: int, width: int) -> Drawn:
        return {"side": drawn_side(rng, self.percentage_area)} if self.randomise_percentage_area else {}

    def describe(self, drawn: Drawn) -> str:
        return f"crop to the centre, {drawn.get('side', self.percentage_area):.0%} of each side"

    def _box(self, drawn: Drawn, height: int, width: int) -> Edges:
        side = drawn.get("side", self.percentage_area)
        kept_width, kept_height = math.floor(width * side), math.floor(height * side)
        if kept_width < 1 or kept_height < 1:
            raise InputError(
                f"crop_centre: {side!r} of a {height} x {width} px film leaves nothing; resize first"
            )
        return centred(kept_width, kept_height, width, height)


class CropBySize(_Crop):
    """Keep a box of a given size, in the centre or anywhere.

    Attributes:
        width_px: Columns kept.
        height_px: Rows kept.
        centre: The centre if true, else a place drawn uniformly.
    """

    op: ClassVar[str] = "crop_by_size"

    width_px: SidePx
    height_px: SidePx
    centre: bool = True

    @property
    def draws(self) -> bool:
        return not self.centre

    def sample(self, rng: np.random.Generator, height: int, width: int) -> Drawn:
        self._fits(height, width)
        if self.centre:
            return {}
        return {
            "left_px": int(rng.integers(0, width - self.width_px + 1)),
            "top_px": int(rng.integers(0, height - self.height_px + 1)),
        }

    def apply(self, film: Film, drawn: Drawn) -> Film:
        self._fits(*film.shape)
        return super().apply(film, drawn)

    def describe(self, drawn: Drawn) -> str:
        where = f"at {drawn['left_px']}, {drawn['top_px']}" if drawn else "centre"
        return f"{self.width_px}×{self.height_px} px, {where}"

    def _box(self, drawn: Drawn, height: int, width: int) -> Edges:
        if not drawn:
            return centred(self.width_px, self.height_px, width, height)
        left, top = drawn["left_px"], drawn["top_px"]
        return left, top, left + self.width_px, top + self.height_px

    def _fits(self, height: int, width: int) -> None:
        if self.width_px > width or self.height_px > height:
            raise InputError(
                f"crop_by_size: a box of {self.height_px} x {self.width_px} px does not fit a film of"
                f" {height} x {width} px; put a resize before it, or take a smaller box"
            )


def drawn_side(rng: np.random.Generator, at_most: float) -> float:
    """A share of each side from 0.1 to `at_most`, rounded to two digits as Augmentor does."""
    return round(float(rng.uniform(0.1, at_most)), 2)
