"""The stretch: each film's own greys onto 0 to 255, which the decoder never does (`hilum.imaging.decode`). A study that wants the range
that occurs in each film says so with this step; it acts on films of every container alike, and in `predict` too.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from hilum.augment.operation import Drawn, Film, Operation, above, must_be
from hilum.imaging.intensity import from_range


class Stretch(Operation):
    """Scale greys linearly so that two percentiles of the film become 0 and 255; what lies outside is cut.

    A film of which both percentiles are one grey stays as it is.

    Attributes:
        low_percentile: 0 for the least grey.
        high_percentile: 100 for the greatest.
    """

    op: ClassVar[str] = "stretch"

    low_percentile: Annotated[float, must_be("from 0 to below 100", lambda v: 0.0 <= v < 100.0)] = 0.0
    high_percentile: Annotated[float, Field(le=100.0), above("low_percentile")] = 100.0

    def apply(self, film: Film, drawn: Drawn) -> Film:
        low, high = np.percentile(film, [self.low_percentile, self.high_percentile], method="nearest")
        return from_range(film, float(low), float(high)) if high > low else film
