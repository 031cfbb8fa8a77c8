"""Operations after which a film has little left that could be disease: its border, a thumbnail, its patches in another order.

A model that is as good on such films does not read the lungs. They are put before the steps of a pipeline (`hilum.augment.probe_steps`),
or among them like any other operation.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from hilum.augment.fill import Fill, painted
from hilum.augment.operation import Drawn, Film, Operation, Points, must_be
from hilum.core.errors import InputError
from hilum.imaging.resize import resize


class KeepBorder(Operation):
    """Keep a frame along the edges and paint what it encloses.

    Attributes:
        share: Width of the frame as a share of each side, above 0 and below 0.5; at least one pixel is kept.
        fill: What it encloses becomes: "mean", the mean grey of the frame, or a grey from 0 to 255.
    """

    op: ClassVar[str] = "keep_border"

    share: Annotated[float, must_be("above 0 and below 0.5", lambda v: 0.0 < v < 0.5)] = 1 / 16
    fill: Fill = "mean"

    def apply(self, film: Film, drawn: Drawn) -> Film:
        inner = np.zeros(film.shape, bool)
        y, x = (max(round(self.share * side), 1) for side in film.shape)
        inner[y:-y, x:-x] = True
        return painted(film, inner, self.fill)

    def describe(self, drawn: Drawn) -> str:
        return f"border only, {self.share:.3g} of each side"


class Thumbnail(Operation):
    """Shrink a film to a few pixels and enlarge it again to its size, bilinear both ways (shrinking takes the mean of what it covers).

    Attributes:
        size: Pixels a side that are left, at least 2. A side that has no more stays as it is.
    """

    op: ClassVar[str] = "thumbnail"

    size: Annotated[int, Field(ge=2)] = 16

    def apply(self, film: Film, drawn: Drawn) -> Film:
        height, width = film.shape
        small = resize(film, min(self.size, height), min(self.size, width), "bilinear")
        return resize(small, height, width, "bilinear")

    def describe(self, drawn: Drawn) -> str:
        return f"thumbnail {self.size}×{self.size}"


class ShufflePatches(Operation):
    """Cut a film into equal patches and lay them in another order: what is local stays, where it is in the chest does not.

    The order follows from `seed` and the film's pixels: a film has the same one in every part, copy and trial, and in `predict`. What is
    left over of a side that the patches do not divide, fewer than `n` pixels at the right or the bottom, stays where it is.

    Attributes:
        n: Patches along each side, at least 2.
        seed: Another number gives other orders.
    """

    op: ClassVar[str] = "shuffle_patches"
    by_film: ClassVar[bool] = True

    n: Annotated[int, Field(ge=2)]
    seed: int = 0

    def chance(self, seed: int, copy: int) -> tuple[int, int]:
        return self.seed, 0

    def sample(self, rng: np.random.Generator, height: int, width: int) -> Drawn:
        """Draw `order`: for each place, row by row from the top left, the patch that comes there."""
        if min(height, width) < self.n:
            raise InputError(
                f"shuffle_patches: {self.n} x {self.n} patches do not fit a film of {height} x {width} px;"
                " put a resize before it, or take fewer"
            )
        return {"order": rng.permutation(self.n * self.n).tolist()}

    def apply(self, film: Film, drawn: Drawn) -> Film:
        n, out = self.n, film.copy()
        high, wide = (side // n for side in film.shape)
        patches = (
            film[: n * high, : n * wide].reshape(n, high, n, wide).swapaxes(1, 2).reshape(-1, high, wide)
        )
        laid = patches[self._order(drawn)].reshape(n, n, high, wide).swapaxes(1, 2)
        out[: n * high, : n * wide] = laid.reshape(n * high, n * wide)
        return out

    def move(self, points: Points, drawn: Drawn, height: int, width: int) -> Points:
        """Where places go, each with its patch; of a box that lies on several patches the outline comes apart."""
        side = np.array([width // self.n, height // self.n])
        column, row = np.clip(np.floor(points / side), 0, self.n).astype(np.int64).T
        inside = (column < self.n) & (row < self.n)
        came_to = np.argsort(self._order(drawn))
        to = came_to[np.where(inside, row * self.n + column, 0)]
        shift = np.column_stack([to % self.n - column, to // self.n - row]) * side
        return points + np.where(inside[:, None], shift, 0)

    def describe(self, drawn: Drawn) -> str:
        return f"{self.n}×{self.n} patches shuffled"

    @staticmethod
    def _order(drawn: Drawn) -> NDArray[np.int64]:
        return np.asarray(drawn["order"], np.int64)
