"""What a page needs to tell the value under the pointer: the points of a figure's lines, and where they lie in the picture.

Convention: a line of a figure is told by its label. A label that begins with ``_`` names a line for the pointer and is left out of the
legend (matplotlib's own rule); matplotlib's default ``_child0`` names nothing. Call `points` after the figure was saved, since only
then its axes have their places, and give the result to `hilum.report.page.Picture` as `hover`: the page's script (``report.js``) does
the rest, and a page without JavaScript, or on paper, is the same picture.
"""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

MOST_POINTS = 300
"""Of a line; more are thinned evenly, the last one kept."""
_UNNAMED = re.compile(r"_child\d+|_nolegend_")


def points(fig: Figure) -> str:
    """The lines of a saved figure as JSON that may stand inside a page; empty where no line has a name.

    Each panel has its box as shares of the picture (left, top, right, bottom), the limits and scales of its axes, what runs along x, and
    for each line its name, colour, and points to four significant digits.
    """
    # panels that share an axis have its name under the last one only
    along = next((name for ax in fig.axes if (name := ax.get_xlabel())), "x")
    panels = [p for ax in fig.axes if ax.axison and (p := _panel(ax, along))]
    return json.dumps(panels, separators=(",", ":")) if panels else ""


def _panel(ax: Axes, along: str) -> dict[str, Any] | None:
    lines = [told for line in ax.get_lines() if (told := _line(line))]
    if not lines:
        return None
    place = ax.get_position()
    return {
        "box": [_round(v, 5) for v in (place.x0, 1 - place.y1, place.x1, 1 - place.y0)],
        "x": [_round(v, 6) for v in ax.get_xlim()],
        "y": [_round(v, 6) for v in ax.get_ylim()],
        "log": [ax.get_xscale() == "log", ax.get_yscale() == "log"],
        "along": ax.get_xlabel() or along,
        "lines": lines,
    }


def _line(line: Line2D) -> dict[str, Any] | None:
    name = str(line.get_label())
    x, y = (np.atleast_1d(np.asarray(v, np.float64)) for v in line.get_data())
    if _UNNAMED.fullmatch(name) or not x.size or line.get_linestyle() == "None":
        return None
    kept = _thinned(x.size)
    return {
        "name": name.lstrip("_"),
        "colour": to_hex(line.get_color()),
        "x": [_round(v, 4) for v in x[kept]],
        "y": [_round(v, 4) for v in y[kept]],
    }


def _thinned(n: int) -> NDArray[np.int64]:
    return np.unique(np.linspace(0, n - 1, min(n, MOST_POINTS)).round().astype(np.int64))


def _round(value: float, digits: int) -> float:
    return float(f"{value:.{digits}g}")
