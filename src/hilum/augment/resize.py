"""Resize as an operation of a pipeline. The pixels are `hilum.imaging.resize`'s; nothing is drawn."""

from __future__ import annotations

from typing import ClassVar, Literal

from hilum.augment.operation import Drawn, Film, Operation, Points, SidePx
from hilum.imaging.resize import resize


class Resize(Operation):
    """Squash or stretch a film to a fixed size; a film of that size already stays as it is.

    Attributes:
        width_px: Columns of the result.
        height_px: Rows of the result.
        resample_filter: "bicubic" (Augmentor's default), "bilinear" or "lanczos" (Augmentor's ANTIALIAS).
    """

    op: ClassVar[str] = "resize"
    keeps_size: ClassVar[bool] = False

    width_px: SidePx
    height_px: SidePx
    resample_filter: Literal["bicubic", "bilinear", "lanczos"] = "bicubic"

    def size_after(self, drawn: Drawn, height: int, width: int) -> tuple[int, int]:
        return self.height_px, self.width_px

    def apply(self, film: Film, drawn: Drawn) -> Film:
        return resize(film, self.height_px, self.width_px, self.resample_filter)

    def move(self, points: Points, drawn: Drawn, height: int, width: int) -> Points:
        return points * (self.width_px / width, self.height_px / height)

    def describe(self, drawn: Drawn) -> str:
        return f"resize {self.width_px}×{self.height_px}"
