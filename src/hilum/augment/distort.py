"""Elastic distortion on a grid: inner corners of the tiles move, and each tile is pulled along (a mesh)."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from hilum.augment.operation import Drawn, Film, Operation, Points
from hilum.core.errors import InputError

Edges = NDArray[np.int64]
_AGREE_PX: Final = 1e-6
_MOST_STEPS: Final = 200


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

    grid_width: Annotated[int, Field(ge=1)]
    grid_height: Annotated[int, Field(ge=1)]
    magnitude: Annotated[int, Field(ge=0)]

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
        height, width = film.shape
        x_edges, y_edges, corners = self._mesh(drawn, height, width)
        mesh = []
        for row, column in np.ndindex(self.grid_height, self.grid_width):
            tile = x_edges[column], y_edges[row], x_edges[column + 1], y_edges[row + 1]
            # anticlockwise from the top left, as Pillow names them
            places = corners[[row, row + 1, row + 1, row], [column, column, column + 1, column + 1]]
            mesh.append((tuple(map(int, tile)), tuple(map(float, places.ravel()))))
        bent = Image.fromarray(film).transform(
            (width, height), Image.Transform.MESH, mesh, Image.Resampling.BICUBIC
        )
        return np.asarray(bent)

    def move(self, points: Points, drawn: Drawn, height: int, width: int) -> Points:
        """Where places go. The mesh says where each place of the result comes from; this turns it round, step by step, until the way
        there and back agrees to a millionth of a pixel, or 200 times where shifts as large as a tile fold the film over itself."""
        x_edges, y_edges, corners = self._mesh(drawn, height, width)
        moved = points.astype(np.float64, copy=True)
        for _ in range(_MOST_STEPS):
            missed = points - _source(moved, x_edges, y_edges, corners)
            moved += missed
            if not missed.size or np.abs(missed).max() < _AGREE_PX:
                break
        return moved

    def _mesh(self, drawn: Drawn, height: int, width: int) -> tuple[Edges, Edges, Edges]:
        """Edges of the tiles along x and along y, and where each of their corners comes from, (rows + 1, columns + 1, 2)."""
        columns, rows = self.grid_width, self.grid_height
        x_edges = np.array([*(i * (width // columns) for i in range(columns)), width], np.int64)
        y_edges = np.array([*(i * (height // rows) for i in range(rows)), height], np.int64)
        corners = np.empty((rows + 1, columns + 1, 2), np.int64)
        corners[..., 0], corners[..., 1] = np.meshgrid(x_edges, y_edges)
        corners[1:-1, 1:-1] += np.asarray(drawn["shifts_px"], np.int64).reshape(rows - 1, columns - 1, 2)
        return x_edges, y_edges, corners

    def describe(self, drawn: Drawn) -> str:
        largest = max((abs(v) for shift in drawn["shifts_px"] for v in shift), default=0)
        return f"distortion {self.grid_width}×{self.grid_height}, up to {largest} px"


def _source(places: Points, x_edges: Edges, y_edges: Edges, corners: Edges) -> Points:
    """Where places of the result come from: bilinear between the corners of their tile, as Pillow samples."""
    column = np.clip(np.searchsorted(x_edges, places[:, 0], "right") - 1, 0, len(x_edges) - 2)
    row = np.clip(np.searchsorted(y_edges, places[:, 1], "right") - 1, 0, len(y_edges) - 2)
    u = ((places[:, 0] - x_edges[column]) / (x_edges[column + 1] - x_edges[column]))[:, None]
    v = ((places[:, 1] - y_edges[row]) / (y_edges[row + 1] - y_edges[row]))[:, None]
    upper = (1 - u) * corners[row, column] + u * corners[row, column + 1]
    lower = (1 - u) * corners[row + 1, column] + u * corners[row + 1, column + 1]
    return np.asarray((1 - v) * upper + v * lower)
