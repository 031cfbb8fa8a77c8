"""Zooms: into the centre by a factor, or into a box drawn anywhere. Both keep the size of the film."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from hilum.augment.crop import ShareOfSides, centred, crop
from hilum.augment.operation import Drawn, Film, Operation, Points, above
from hilum.core.errors import InputError
from hilum.imaging.resize import resize


class Zoom(Operation):
    """Enlarge about the centre; a factor below 1 shrinks the film onto black.

    Attributes:
        min_factor: Smallest factor, above 0.
        max_factor: Largest factor. The draw is rounded to two digits.
    """

    op: ClassVar[str] = "zoom"

    min_factor: Annotated[float, Field(gt=0.0)]
    max_factor: Annotated[float, above("min_factor", or_equal=True)]

    def sample(self, rng: np.random.Generator, height: int, width: int) -> Drawn:
        return {"factor": round(float(rng.uniform(self.min_factor, self.max_factor)), 2)}

    def apply(self, film: Film, drawn: Drawn) -> Film:
        zoomed_height, zoomed_width, box = self._zoomed(drawn, *film.shape)
        return crop(resize(film, zoomed_height, zoomed_width), *box)

    def move(self, points: Points, drawn: Drawn, height: int, width: int) -> Points:
        zoomed_height, zoomed_width, (left, top, _, _) = self._zoomed(drawn, height, width)
        return points * (zoomed_width / width, zoomed_height / height) - (left, top)

    @staticmethod
    def _zoomed(drawn: Drawn, height: int, width: int) -> tuple[int, int, tuple[int, int, int, int]]:
        """Height and width of the enlarged film, and the box of the film's size in its middle."""
        zoomed_height, zoomed_width = (max(round(side * drawn["factor"]), 1) for side in (height, width))
        left, top, right, bottom = (
            math.floor(e) for e in centred(width, height, zoomed_width, zoomed_height)
        )
        return zoomed_height, zoomed_width, (left, top, right, bottom)

    def describe(self, drawn: Drawn) -> str:
        return f"zoom ×{drawn['factor']:.2f}"


class IntoBox(Operation):
    """Cut a box out of a film and resize it to the size of the film; what is drawn is where the box lies."""

    @property
    def resampling(self) -> str:
        """Filter of the resize."""
        return "bicubic"

    def apply(self, film: Film, drawn: Drawn) -> Film:
        left, top = drawn["left_px"], drawn["top_px"]
        box = crop(film, left, top, left + drawn["width_px"], top + drawn["height_px"])
        height, width = film.shape
        return resize(box, height, width, self.resampling)

    def move(self, points: Points, drawn: Drawn, height: int, width: int) -> Points:
        corner = (drawn["left_px"], drawn["top_px"])
        return np.asarray((points - corner) * (width / drawn["width_px"], height / drawn["height_px"]))

    def describe(self, drawn: Drawn) -> str:
        return (
            f"zoom into {drawn['width_px']}×{drawn['height_px']} px at {drawn['left_px']}, {drawn['top_px']}"
        )


class ZoomRandom(ShareOfSides, IntoBox):
    """Cut a box at a place drawn uniformly and enlarge it to the size of the film. The box has the given share of each side."""

    op: ClassVar[str] = "zoom_random"

    def sample(self, rng: np.random.Generator, height: int, width: int) -> Drawn:
        side = self.side(rng)
        box_width, box_height = math.floor(width * side), math.floor(height * side)
        if box_width < 1 or box_height < 1:
            raise InputError(
                f"zoom_random: {side!r} of a {height} x {width} px film leaves nothing; resize first"
            )
        return {
            "left_px": int(rng.integers(0, width - box_width + 1)),
            "top_px": int(rng.integers(0, height - box_height + 1)),
            "width_px": box_width,
            "height_px": box_height,
        }
