"""Operations that read a film's lungs: crop to them, erase them, erase all else; and the mask on its way through a pipeline.

A mask covers the same field as the decoded film, in any size; above `hilum.artifacts.masks.LUNG` is lung. It goes through the steps
that move places with what was drawn for the film, so that a step finds the lungs where they are by then. What a step found is listed: the
box of a crop, which replays without the mask, or the digest of the mask that is erased with.
"""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Final, Literal

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.masks import LUNG
from hilum.augment.crop import BoxCrop, Edges
from hilum.augment.fill import Fill, painted
from hilum.augment.operation import Drawn, Film, Operation, must_be
from hilum.core.digests import pixels_sha256
from hilum.core.errors import InputError
from hilum.imaging.resize import resize

DIGEST = "lungs_sha256"
"""What the list of drawn steps calls the mask that was erased with."""
ALL_LUNG: Final = np.full((2, 2), 255, np.uint8)
"""A stand-in for a mask where it makes no difference where the lungs are."""
_Margin = Annotated[float, must_be("from 0 to 0.5", lambda v: 0.0 <= v <= 0.5)]


class Lungs:
    """A film's lungs on their way through a pipeline; nothing is computed until a step asks where they are.

    Attributes:
        digest: Of the mask as it was given.

    Raises:
        InputError: The mask is none, or has no lung.
    """

    def __init__(self, mask: Film, height: int, width: int) -> None:
        if mask.dtype != np.uint8 or mask.ndim != 2:
            raise InputError(
                f"expected a lung mask (uint8, height x width), got {mask.dtype} of shape {mask.shape}"
            )
        if not (mask > LUNG).any():
            raise InputError("the film's lung mask has no lung; leave the film out, or give another mask")
        self.digest = pixels_sha256(mask)
        self._mask, self._size = mask, (height, width)
        self._where: NDArray[np.bool_] | None = None
        self._waiting: list[tuple[Operation, Drawn]] = []

    def through(self, step: Operation, drawn: Drawn) -> None:
        """Take them through a step; one that moves no place leaves them as they are."""
        if type(step).move is not Operation.move:
            self._waiting.append((step, drawn))

    @property
    def inside(self) -> NDArray[np.bool_]:
        """Where lung is, bool (height, width) of the film as it is by now."""
        now = resize(self._mask, *self._size, "bilinear") > LUNG if self._where is None else self._where
        for step, drawn in self._waiting:
            now = step.apply(np.where(now, np.uint8(255), np.uint8(0)), drawn) > LUNG
        self._where, self._waiting = now, []
        return now


def box_around(inside: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the smallest box that holds all that is true, in pixels.

    >>> box_around(np.array([[False, False, False], [False, True, True]]))
    (1, 1, 3, 2)
    """
    columns, rows = np.flatnonzero(inside.any(0)), np.flatnonzero(inside.any(1))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


class ReadsLungs(Operation):
    """An operation that must be shown the film's lungs."""

    by_film: ClassVar[bool] = True

    def find(self, lungs: Lungs) -> Drawn:
        """What is listed of a film's lungs: by default the digest of the mask, which `apply_to` needs again."""
        return {DIGEST: lungs.digest}

    def apply_to(self, film: Film, drawn: Drawn, lungs: Lungs) -> Film:
        """Do it to a film with these lungs."""
        return self.apply(film, drawn)


class CropToLungs(BoxCrop, ReadsLungs):
    """Keep the smallest box that holds both lungs, and a margin around it, within the film.

    Attributes:
        margin: Share of the box's own sides that is added at each of them, 0 to 0.5.
    """

    op: ClassVar[str] = "crop_to_lungs"

    margin: _Margin = 0.05

    def find(self, lungs: Lungs) -> Drawn:
        inside = lungs.inside
        if not inside.any():
            raise InputError(
                "crop_to_lungs: what was drawn before it left no lung in the film; put it before those steps"
            )
        left, top, right, bottom = box_around(inside)
        height, width = inside.shape
        x, y = self.margin * (right - left), self.margin * (bottom - top)
        left, top = max(math.floor(left - x), 0), max(math.floor(top - y), 0)
        right, bottom = min(math.ceil(right + x), width), min(math.ceil(bottom + y), height)
        return {"left_px": left, "top_px": top, "width_px": right - left, "height_px": bottom - top}

    def describe(self, drawn: Drawn) -> str:
        return f"crop to the lungs, {drawn['width_px']}×{drawn['height_px']} px"

    def _box(self, drawn: Drawn, height: int, width: int) -> Edges:
        left, top = drawn["left_px"], drawn["top_px"]
        return left, top, left + drawn["width_px"], top + drawn["height_px"]


class EraseOutsideLungs(ReadsLungs):
    """Paint all that is not lung.

    Attributes:
        fill: It becomes: "mean", the mean grey of the lungs, or a grey from 0 to 255. The mean tells how dark the lungs were.
    """

    op: ClassVar[str] = "erase_outside_lungs"

    fill: Fill = "mean"

    def apply_to(self, film: Film, drawn: Drawn, lungs: Lungs) -> Film:
        return painted(film, ~lungs.inside, self.fill)

    def describe(self, drawn: Drawn) -> str:
        return "lungs only"


class EraseLungs(ReadsLungs):
    """Paint the lungs, and what touches them.

    The outline of what was painted stays to be seen, and a lung that a mask misses in part, as where it is opaque, is not painted there;
    ``shape = "box"`` hides both.

    Attributes:
        fill: They become: "mean", the mean grey of the rest, or a grey from 0 to 255.
        margin: How far around them is painted too, along each side, as a share of the film's, 0 to 0.5.
        shape: "mask" paints the lungs, "box" all of the smallest box that holds them.
    """

    op: ClassVar[str] = "erase_lungs"

    fill: Fill = "mean"
    margin: _Margin = 0.03
    shape: Literal["mask", "box"] = "mask"

    def apply_to(self, film: Film, drawn: Drawn, lungs: Lungs) -> Film:
        from scipy.ndimage import maximum_filter1d  # late: no other operation needs scipy

        part = lungs.inside.astype(np.uint8)
        if self.shape == "box" and part.any():
            left, top, right, bottom = box_around(part > 0)
            part[top:bottom, left:right] = 1
        for axis, side in enumerate(part.shape):
            part = maximum_filter1d(part, 2 * round(self.margin * side) + 1, axis, mode="constant")
        return painted(film, part > 0, self.fill)

    def describe(self, drawn: Drawn) -> str:
        return "lungs erased" if self.shape == "mask" else "box of the lungs erased"
