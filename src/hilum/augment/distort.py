"""Elastic distortion on a grid: inner corners of the tiles move, and each tile is pulled along (a mesh)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hilum.augment.operation import Drawn, Film, Operation
from hilum.core.errors import InputError


@dataclass(frozen=True, kw_only=True)
class RandomDistortion(Operation):
    """Move every inner corner of a grid by whole pixels, drawn uniformly, and resample each tile (bicubic).

    The tiles are equal but for the last column and row, which take what is left over. The border stays.
    A shift is where the corner's grey comes from, so what is seen moves the other way.

    Attributes:
        grid_width: Tiles in a row, at least 1.
        grid_height: Tiles in a column, at least 1.
        magnitude: Largest shift of a corner along each axis, in pixels, at least 0.
    """

    op: ClassVar[str] = "random_distortion"

    grid_width: int
    grid_height: int
    magnitude: int

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require(self.grid_width >= 1, "grid_width", "at least 1")
        self.require(self.grid_height >= 1, "grid_height", "at least 1")
        self.require(self.magnitude >= 0, "magnitude", "at least 0")

    def sample(self, rng: np.random.Generator, height: int, width: int) -> Drawn:
        """Draw `shifts_px`: [dx, dy] for each inner corner, row by row from the top left."""
        if height < self.grid_height or width < self.grid_width:
            raise InputError(
                f"random_distortion: {self.grid_height} x {self.grid_width} tiles do not fit a film of"
                f" {height} x {width} px; put a resize before it"
            )
        n_corners = (self.grid_width - 1) * (self.grid_height - 1)
        shifts = rng.integers(-self.magnitude, self.magnitude + 1, size=(n_corners, 2))
        return {"shifts_px": shifts.tolist()}

    def apply(self, film: Film, drawn: Drawn) -> Film:
        from hilum.augment.mesh_kernel import PAD, fill_mesh  # compiled on first use

        height, width = film.shape
        columns, rows = self.grid_width, self.grid_height
        x_edges = np.array([*(i * (width // columns) for i in range(columns)), width], np.int64)
        y_edges = np.array([*(i * (height // rows) for i in range(rows)), height], np.int64)
        corners = np.empty((rows + 1, columns + 1, 2), np.int64)
        corners[..., 0], corners[..., 1] = np.meshgrid(x_edges, y_edges)
        corners[1:-1, 1:-1] += np.asarray(drawn["shifts_px"], np.int64).reshape(rows - 1, columns - 1, 2)
        out = np.empty((height, width), np.uint8)
        fill_mesh(np.pad(film, PAD, mode="edge"), x_edges, y_edges, corners, out)
        return out

    def describe(self, drawn: Drawn) -> str:
        largest = max((abs(v) for shift in drawn["shifts_px"] for v in shift), default=0)
        return f"distortion {self.grid_width}×{self.grid_height}, up to {largest} px"
