"""A box on a film, followed through a pipeline: where it is in the prepared film, and how much of it is left.

The box goes through the operations that the film went through, with what was drawn for them (`Operation.move`), and after each it is cut
at the frame: what once left the film does not come back. Its share left is area of the film as it was, so an operation that enlarges
or bends does not change it. The outline has `PER_SIDE` places a side; between them it is straight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from hilum.augment.operation import Points
from hilum.augment.pipeline import DrawnStep, Pipeline
from hilum.core.errors import InputError

PER_SIDE: Final = 50


@dataclass(frozen=True)
class Box:
    """A box on a film, as shares of the film's sides, 0 to 1, as radiologists' boxes are published; it ends within the film."""

    left: float
    top: float
    width: float
    height: float

    def __post_init__(self) -> None:
        for start, length in ((self.left, self.width), (self.top, self.height)):
            if not (start >= 0.0 and length > 0.0 and start + length <= 1.0 + 1e-9):
                raise InputError(
                    f"a box is left,top,width,height as shares of the film's sides, from 0 to 1 and within it; got {self.words}"
                )

    @property
    def words(self) -> str:
        """The four numbers."""
        return f"{self.left:g},{self.top:g},{self.width:g},{self.height:g}"

    @classmethod
    def read(cls, text: str) -> Self:
        """Read ``left,top,width,height``.

        Raises:
            InputError: Not four numbers, or not a box within the film.

        >>> Box.read("0.25, 0.5, 0.2, 0.3").width
        0.2
        """
        try:
            left, top, width, height = (float(word) for word in text.split(","))
        except ValueError:
            raise InputError(
                f"a box is four numbers with commas between, left,top,width,height as shares of the film's sides; got {text!r}"
            ) from None
        return cls(left, top, width, height)

    def outline(self, height: int, width: int) -> Points:
        """Its outline in pixels of a film, (4 `PER_SIDE`, 2), clockwise from the top left."""
        along = np.arange(PER_SIDE) / PER_SIDE
        none, all_ = np.zeros(PER_SIDE), np.ones(PER_SIDE)
        x = np.concatenate([along, all_, 1 - along, none])
        y = np.concatenate([none, along, all_, 1 - along])
        return np.column_stack([(self.left + x * self.width) * width, (self.top + y * self.height) * height])


@dataclass(frozen=True)
class Followed:
    """A box in a prepared film.

    Attributes:
        outline: float64 (n_points, 2), (x, y) in pixels of the prepared film; no points where nothing is left.
        left: Share of the box's area that is still in the film, 0 to 1.
    """

    outline: NDArray[np.float64]
    left: float


def follow(
    box: Box, pipeline: Pipeline, drawn_steps: Sequence[DrawnStep], height: int, width: int
) -> Followed:
    """Take a box on a decoded film of this height and width, in pixels, through a pipeline with the steps drawn for that film."""
    now = box.outline(height, width)
    # each place keeps where it was on the decoded film beside where it is: (x, y, x then, y then)
    places = np.column_stack([now, now])
    whole = _area(now)
    for operation, drawn, before_height, before_width in pipeline.done(drawn_steps, height, width):
        places[:, :2] = operation.move(places[:, :2], drawn, before_height, before_width)
        frame_height, frame_width = operation.size_after(drawn, before_height, before_width)
        for axis, limit, side in ((0, 0.0, 1), (0, frame_width, -1), (1, 0.0, 1), (1, frame_height, -1)):
            places = _cut(places, axis, float(limit), side)
    return Followed(places[:, :2], _area(places[:, 2:]) / whole if len(places) else 0.0)


def _cut(places: NDArray[np.float64], axis: int, limit: float, side: int) -> NDArray[np.float64]:
    """The part of a polygon on one side of a line (Sutherland & Hodgman 1974); new corners are between their neighbours in all columns."""
    if not len(places):
        return places
    inside = (places[:, axis] - limit) * side >= 0
    if inside.all():
        return places
    kept = []
    for k in range(len(places)):
        here, there = places[k - 1], places[k]
        if inside[k - 1] != inside[k]:
            kept.append(here + (there - here) * ((limit - here[axis]) / (there[axis] - here[axis])))
        if inside[k]:
            kept.append(there)
    return np.array(kept).reshape(-1, places.shape[1])


def _area(polygon: Points) -> float:
    """Area by the shoelace formula, (n_points, 2)."""
    x, y = polygon.T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)
