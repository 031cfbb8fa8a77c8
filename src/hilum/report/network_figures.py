"""What a convolutional network looks like inside: the filters of its first convolution, and the maps that a film makes in its first and
its last stage. From arrays; no film is drawn, but a map of an early stage looks much like one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hilum.report import style

FILTERS: Final = "first-filters"
MAPS: Final = "feature-maps"
_FILTERS = 64


def network_path(folder: Path, name: str) -> Path:
    """Where a figure of the network lies, in the folder of an explanation."""
    return folder / "network" / f"{name}.png"


def filters_figure(filters: NDArray[np.float32]) -> Figure:
    """Filters (n, height, width) as a grey film meets them: red weighs what is bright, blue what is dark; all on one scale."""
    most = float(np.abs(filters).max()) or 1.0
    return _grid([("", filters[:_FILTERS])], 16, {"cmap": "RdBu_r", "vmin": -most, "vmax": most})


def maps_figure(stages: Sequence[tuple[str, NDArray[np.float32]]]) -> Figure:
    """Maps (n, height, width) of each stage that a film makes, the most active first, each on its own scale."""
    return _grid(stages, 8, {"cmap": "viridis"})


def _grid(rows: Sequence[tuple[str, NDArray[np.float32]]], a_row: int, options: dict[str, Any]) -> Figure:
    lines = [math.ceil(len(images) / a_row) for _, images in rows]
    titled = any(title for title, _ in rows)
    with style.figure(
        style.WIDTH_IN, 0.96 * style.WIDTH_IN / a_row * sum(lines) + 0.28 * titled * len(rows) + 0.05
    ) as fig:
        parts = fig.subfigures(len(rows), 1, height_ratios=lines, squeeze=False)[:, 0]
        for part, (title, images), n_lines in zip(parts, rows, lines, strict=True):
            if title:
                part.suptitle(title, fontsize=8.5)
            for k, ax in enumerate(part.subplots(n_lines, a_row, squeeze=False).ravel()):
                ax.set_axis_off()
                if k < len(images):
                    ax.imshow(images[k], interpolation="nearest", **options)
        return fig
