"""The stretch: each film's own greys onto 0 to 255, which the decoder never does.

The decoder maps the range that a file declares, so that a film has the same greys in every container (see
`hilum.imaging.decode`). A study that wants the range that occurs in each film, as many readers of DICOM give
it, says so with this step; it then acts on films of every container alike, and `predict` does the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hilum.augment.operation import Drawn, Film, Operation
from hilum.imaging.intensity import from_range


@dataclass(frozen=True, kw_only=True)
class Stretch(Operation):
    """Scale greys linearly so that two percentiles of the film become 0 and 255; what lies outside is cut.

    A film of which both percentiles are one grey stays as it is.

    Attributes:
        low_percentile: 0 for the least grey.
        high_percentile: 100 for the greatest.
    """

    op: ClassVar[str] = "stretch"

    low_percentile: float = 0.0
    high_percentile: float = 100.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require(0.0 <= self.low_percentile < 100.0, "low_percentile", "from 0 to below 100")
        self.require(
            self.low_percentile < self.high_percentile <= 100.0,
            "high_percentile",
            f"above low_percentile ({self.low_percentile!r}), at most 100",
        )

    @property
    def draws(self) -> bool:
        return False

    def sample(self, rng: np.random.Generator, height: int, width: int) -> Drawn:
        del rng, height, width
        return {}

    def apply(self, film: Film, drawn: Drawn) -> Film:
        del drawn
        low, high = np.percentile(film, [self.low_percentile, self.high_percentile], method="nearest")
        return from_range(film, float(low), float(high)) if high > low else film

    def describe(self, drawn: Drawn) -> str:
        del drawn
        return "stretch"
