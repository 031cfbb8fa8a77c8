"""Cutting a box out of a film, as Pillow cuts; and crops: the centre by a share of each side, or a box of a given size."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

import numpy as np

from hilum.augment.operation import Drawn, Film, Operation, Points, SidePx, must_be
from hilum.core.errors import InputError

Edges = tuple[float, float, float, float]
"""Left, top, right and bottom of a box, in pixels from the top left corner of a film."""


def crop(film: Film, left: float, top: float, right: float, bottom: float) -> Film:
    """The part of a film between four edges, in pixels from the top left corner.

    Edges are rounded one by one, half to even, so a centred box of odd width in a film of even width may
    come out one pixel wider (219 px in 244 px: from 12.5 to 231.5, so from 12 to 232). What lies outside
    the film is 0.

    >>> crop(np.arange(6, dtype=np.uint8).reshape(2, 3), 1, 0, 4, 1).tolist()
    [[1, 2, 0]]
    """
    x0, y0, x1, y1 = round(left), round(top), round(right), round(bottom)
    height, width = film.shape
    if 0 <= x0 <= x1 <= width and 0 <= y0 <= y1 <= height:
        return film[y0:y1, x0:x1].copy()
    out = np.zeros((y1 - y0, x1 - x0), np.uint8)
    inside = film[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)]
    below, beside = max(-y0, 0), max(-x0, 0)
    out[below : below + inside.shape[0], beside : beside + inside.shape[1]] = inside
    return out


def centred(width: int, height: int, of_width: int, of_height: int) -> Edges:
    """The edges of a centred box, before rounding."""
    x, y = of_width / 2, of_height / 2
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


class BoxCrop(Operation):
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


class ShareOfSides(Operation):
    """Options of an operation that takes a share of each side of a film.

    Attributes:
        percentage_area: Share of each SIDE, 0.1 to below 1, as in Augmentor; so 0.9 is 81 % of the area.
        randomise_percentage_area: Draw the share between 0.1 and `percentage_area`, to two digits as Augmentor does.
    """

    percentage_area: Annotated[float, must_be("from 0.1 to below 1", lambda v: 0.1 <= v < 1.0)]
    randomise_percentage_area: bool = False

    def side(self, rng: np.random.Generator) -> float:
        """The share of each side, drawn or as it is given."""
        if not self.randomise_percentage_area:
            return self.percentage_area
        return round(float(rng.uniform(0.1, self.percentage_area)), 2)


class CropCentre(BoxCrop, ShareOfSides):
    """Keep the centre of a film."""

    op: ClassVar[str] = "crop_centre"

    @property
    def draws(self) -> bool:
        return self.randomise_percentage_area

    def sample(self, rng: np.random.Generator, height: int, width: int) -> Drawn:
        return {"side": self.side(rng)} if self.draws else {}

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


class CropBySize(BoxCrop):
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
