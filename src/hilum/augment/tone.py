"""Brightness and contrast by a drawn factor, with Pillow's arithmetic (`ImageEnhance`), which Augmentor uses.

Factor 1 changes nothing. Brightness blends with black, contrast with the film's mean grey rounded to a whole number; above 1 the blend goes
on past the film and is clipped to 0..255. Fractions are cut off, not rounded.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from PIL import Image, ImageEnhance
from pydantic import Field

from hilum.augment.operation import Drawn, Film, Operation, above


class _Tone(Operation):
    """A factor drawn between two bounds, the smallest at least 0."""

    min_factor: Annotated[float, Field(ge=0.0)]
    max_factor: Annotated[float, above("min_factor", or_equal=True)]

    def sample(self, rng: np.random.Generator, height: int, width: int) -> Drawn:
        return {"factor": float(rng.uniform(self.min_factor, self.max_factor))}

    def describe(self, drawn: Drawn) -> str:
        return f"{self.op.removeprefix('random_')} ×{drawn['factor']:.2f}"


class RandomBrightness(_Tone):
    """Scale the grey values by a factor drawn between `min_factor` and `max_factor`."""

    op: ClassVar[str] = "random_brightness"

    def apply(self, film: Film, drawn: Drawn) -> Film:
        return np.array(ImageEnhance.Brightness(Image.fromarray(film)).enhance(drawn["factor"]))


class RandomContrast(_Tone):
    """Scale the distance to the mean grey by a factor drawn between `min_factor` and `max_factor`."""

    op: ClassVar[str] = "random_contrast"

    def apply(self, film: Film, drawn: Drawn) -> Film:
        return np.array(ImageEnhance.Contrast(Image.fromarray(film)).enhance(drawn["factor"]))
