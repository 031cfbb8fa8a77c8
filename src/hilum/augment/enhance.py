"""The enhancements that the authors of the COVID-19 Radiography Database compared: equalised histogram, CLAHE, gamma, complement, BCET.

Rahman, Khandakar, Qiblawey et al., Exploring the effect of image enhancement techniques on COVID-19 detection using chest X-ray images,
Computers in Biology and Medicine 132 (2021) 104319. The first three are scikit-image's, rounded to whole greys. Nothing is drawn,
and no place moves.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from hilum.augment.operation import Drawn, Film, Operation, above, must_be
from hilum.core.errors import InputError
from hilum.imaging.intensity import from_unit

_Grey = Annotated[float, must_be("from 0 to 255", lambda v: 0.0 <= v <= 255.0)]


class Equalize(Operation):
    """Spread the greys so that each range of them has as many pixels as any other (`skimage.exposure.equalize_hist`, 256 bins)."""

    op: ClassVar[str] = "equalize"

    def apply(self, film: Film, drawn: Drawn) -> Film:
        from skimage.exposure import equalize_hist

        return film if film.min() == film.max() else from_unit(equalize_hist(film))


class Clahe(Operation):
    """Equalise the histogram tile by tile with limited contrast (Zuiderveld 1994; `skimage.exposure.equalize_adapthist`).

    Attributes:
        clip_limit: Share of a tile's pixels that one grey may have before it is cut, above 0 and at most 1; more is more contrast.
        tiles: Tiles along each side, at least 1.
    """

    op: ClassVar[str] = "clahe"

    clip_limit: Annotated[float, must_be("above 0 and at most 1", lambda v: 0.0 < v <= 1.0)] = 0.01
    tiles: Annotated[int, Field(ge=1)] = 8

    def apply(self, film: Film, drawn: Drawn) -> Film:
        from skimage.exposure import equalize_adapthist

        if min(film.shape) < self.tiles:
            raise InputError(
                f"clahe: {self.tiles} x {self.tiles} tiles do not fit a film of {film.shape[0]} x {film.shape[1]} px;"
                " put a resize before it, or take fewer"
            )
        if film.min() == film.max():
            return film
        tile = tuple(side // self.tiles for side in film.shape)
        return from_unit(equalize_adapthist(film, kernel_size=tile, clip_limit=self.clip_limit))


class Gamma(Operation):
    """Raise greys, as 0 to 1, to a power (`skimage.exposure.adjust_gamma`): below 1 brighter, above 1 darker.

    Attributes:
        gamma: The power, above 0.
    """

    op: ClassVar[str] = "gamma"

    gamma: Annotated[float, Field(gt=0.0)]

    def apply(self, film: Film, drawn: Drawn) -> Film:
        from skimage.exposure import adjust_gamma

        return np.asarray(adjust_gamma(film, self.gamma))

    def describe(self, drawn: Drawn) -> str:
        return f"gamma {self.gamma:g}"


class Complement(Operation):
    """Black for white: the negative of the film."""

    op: ClassVar[str] = "complement"

    def apply(self, film: Film, drawn: Drawn) -> Film:
        return 255 - film


class Bcet(Operation):
    """Balance contrast enhancement (Guo 1991): greys go through a parabola that gives the film a least, a greatest and a mean grey.

    y = a (x - b)^2 + c with y(least) = `low`, y(greatest) = `high` and mean(y) = `mean` (Guo, Balance contrast enhancement technique and
    its application in image colour composition, Int. J. Remote Sensing 12 (1991) 2133-2151), written as the straight
    line between the ends and a bow that is 0 at both. Where the bow is so strong that the parabola turns between the ends, what goes past
    0 or 255 is cut, as is done to a film whose mean lies near an end. A film of one grey stays as it is, one of two greys gets the line.

    Attributes:
        low: Least grey of the result, 0 to 255.
        mean: Mean, between the two; the Radiography authors' 110 unless it is given.
        high: Greatest grey of the result.
    """

    op: ClassVar[str] = "bcet"

    low: _Grey = 0.0
    mean: Annotated[_Grey, above("low"), Field(validate_default=True)] = 110.0
    high: Annotated[_Grey, above("mean"), Field(validate_default=True)] = 255.0

    def apply(self, film: Film, drawn: Drawn) -> Film:
        least, greatest = float(film.min()), float(film.max())
        if least == greatest:
            return film
        greys = np.arange(256, dtype=np.float64)
        line = self.low + (self.high - self.low) * (greys - least) / (greatest - least)
        bow = (greys - least) * (greatest - greys)
        share = np.bincount(film.ravel(), minlength=256) / film.size
        if share @ bow > 0.0:
            line += (self.mean - share @ line) / (share @ bow) * bow
        return from_unit(line / 255.0)[film]

    def describe(self, drawn: Drawn) -> str:
        return f"bcet, mean {self.mean:g}"
