"""Resize as an operation of a pipeline. The pixels are `hilum.imaging.resize`'s; nothing is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hilum.augment.operation import Drawn, Film, Operation, Points
from hilum.core.errors import nearest
from hilum.imaging.resize import FILTERS, resize


@dataclass(frozen=True, kw_only=True)
class Resize(Operation):
    """Squash or stretch a film to a fixed size; a film of that size already stays as it is.

    Attributes:
        width_px: Columns of the result.
        height_px: Rows of the result.
        resample_filter: "bicubic" (Augmentor's default), "bilinear" or "lanczos" (Augmentor's ANTIALIAS).
    """

    op: ClassVar[str] = "resize"
    keeps_size: ClassVar[bool] = False

    width_px: int
    height_px: int
    resample_filter: str = "bicubic"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require(self.width_px > 1, "width_px", "at least 2")
        self.require(self.height_px > 1, "height_px", "at least 2")
        self.require(
            self.resample_filter in FILTERS, "resample_filter", nearest(self.resample_filter, FILTERS)
        )

    @property
    def draws(self) -> bool:
        return False

    def sample(self, rng: np.random.Generator, height: int, width: int) -> Drawn:
        del rng, height, width
        return {}

    def size_after(self, drawn: Drawn, height: int, width: int) -> tuple[int, int]:
        del drawn, height, width
        return self.height_px, self.width_px

    def apply(self, film: Film, drawn: Drawn) -> Film:
        del drawn
        return resize(film, self.height_px, self.width_px, self.resample_filter)

    def move(self, points: Points, drawn: Drawn, height: int, width: int) -> Points:
        del drawn
        return points * (self.width_px / width, self.height_px / height)

    def describe(self, drawn: Drawn) -> str:
        del drawn
        return f"resize {self.width_px}×{self.height_px}"
