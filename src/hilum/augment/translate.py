"""Translation: the film slides by whole pixels, and what comes in from outside is black.

Augmentor has none; the draw is that of ``RandomAffine(0, translate)`` of torchvision
(https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.RandomAffine.html): uniform along each side by itself, rounded.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np

from hilum.augment.crop import crop
from hilum.augment.operation import Drawn, Film, Operation, Points, must_be


class Translate(Operation):
    """Slide the film by a drawn number of pixels along each side; what was outside of it is black.

    Attributes:
        max_share: Largest shift either way, as a share of the side, above 0 and at most 0.5.
    """

    op: ClassVar[str] = "translate"

    max_share: Annotated[float, must_be("above 0 and at most 0.5", lambda v: 0.0 < v <= 0.5)]

    def sample(self, rng: np.random.Generator, height: int, width: int) -> Drawn:
        x, y = (round(float(rng.uniform(-self.max_share, self.max_share)) * side) for side in (width, height))
        return {"right_px": x, "down_px": y}

    def apply(self, film: Film, drawn: Drawn) -> Film:
        height, width = film.shape
        left, top = -drawn["right_px"], -drawn["down_px"]
        return crop(film, left, top, left + width, top + height)

    def move(self, points: Points, drawn: Drawn, height: int, width: int) -> Points:
        return np.asarray(points + np.array([drawn["right_px"], drawn["down_px"]]))

    def describe(self, drawn: Drawn) -> str:
        return f"shift {drawn['right_px']:+d}, {drawn['down_px']:+d} px"
