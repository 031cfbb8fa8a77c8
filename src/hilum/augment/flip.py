"""The horizontal flip, which no preset uses, nor do the paper's pipelines; it is for studies that ask what it does, and for COVID-Net's,
whose paper mirrors films.

A chest is not symmetric: a mirrored film shows a situs inversus, which about one person in 10 000 has. The burnt-in side marker is mirrored
too, so a network may learn the flip from the letter.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from hilum.augment.operation import Drawn, Film, Operation, Points


class FlipLeftRight(Operation):
    """Mirror the film left to right. Read the module's warning first."""

    op: ClassVar[str] = "flip_left_right"

    def apply(self, film: Film, drawn: Drawn) -> Film:
        return np.ascontiguousarray(film[:, ::-1])

    def move(self, points: Points, drawn: Drawn, height: int, width: int) -> Points:
        return np.array([width, 0.0]) + points * (-1.0, 1.0)

    def describe(self, drawn: Drawn) -> str:
        return "mirrored"
