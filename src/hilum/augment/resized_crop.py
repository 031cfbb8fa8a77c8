"""A box of drawn area and shape, enlarged to the size of the film: torchvision's ``RandomResizedCrop`` as an operation of a pipeline."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

import numpy as np

from hilum.augment.operation import Drawn, above, must_be
from hilum.augment.zoom import IntoBox

_TRIES = 10  # boxes drawn before the largest centred one is taken
_Share = Annotated[float, must_be("above 0, to 1", lambda v: 0.0 < v <= 1.0)]
_Shape = Annotated[float, must_be("above 0", lambda v: v > 0.0)]


class RandomResizedCrop(IntoBox):
    """Cut a box of drawn area and shape at a place drawn uniformly, and resize it to the size of the film.

    It is torchvision's ``RandomResizedCrop`` to the film's own size, with its defaults
    (https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.RandomResizedCrop.html; Szegedy et al. 2015, section 6): the
    share of the area is uniform, the logarithm of width over height is, and sides are rounded half to even. A box that does not fit is
    drawn again, ten times at most; then the largest centred one of a shape in range is taken. The numbers are hilum's own generator's, so a
    film has other boxes than under torch, from the same distribution.

    Attributes:
        min_area: Smallest share of the film's area, above 0.
        max_area: Largest share, up to 1.
        min_ratio: Least width over height.
        max_ratio: Greatest width over height.
        resample_filter: Of the resize; torchvision's default is "bilinear".
    """

    op: ClassVar[str] = "random_resized_crop"

    min_area: _Share = 0.08
    max_area: Annotated[_Share, above("min_area", or_equal=True)] = 1.0
    min_ratio: _Shape = 3 / 4
    max_ratio: Annotated[_Shape, above("min_ratio", or_equal=True)] = 4 / 3
    resample_filter: Literal["bicubic", "bilinear", "lanczos"] = "bilinear"

    def sample(self, rng: np.random.Generator, height: int, width: int) -> Drawn:
        for _ in range(_TRIES):
            area = height * width * float(rng.uniform(self.min_area, self.max_area))
            ratio = math.exp(float(rng.uniform(math.log(self.min_ratio), math.log(self.max_ratio))))
            box_width, box_height = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
            if 0 < box_width <= width and 0 < box_height <= height:
                top, left = rng.integers(0, height - box_height + 1), rng.integers(0, width - box_width + 1)
                return _box(int(left), int(top), box_width, box_height)
        return self.largest(height, width)

    def largest(self, height: int, width: int) -> Drawn:
        """The centred box that is as large as a shape in range allows.

        >>> RandomResizedCrop().largest(100, 400)
        {'left_px': 133, 'top_px': 0, 'width_px': 133, 'height_px': 100}
        """
        box_width, box_height = width, height
        if width / height < self.min_ratio:
            box_height = round(width / self.min_ratio)
        elif width / height > self.max_ratio:
            box_width = round(height * self.max_ratio)
        return _box((width - box_width) // 2, (height - box_height) // 2, box_width, box_height)

    @property
    def resampling(self) -> str:
        return self.resample_filter


def _box(left: int, top: int, width: int, height: int) -> Drawn:
    return {"left_px": left, "top_px": top, "width_px": width, "height_px": height}
