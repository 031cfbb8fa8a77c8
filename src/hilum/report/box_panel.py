"""A film with a drawn box followed through each pipeline, and the share of the box that is left.

Convention: the first film is the decoded one, the others are prepared films; a film is uint8 (height, width), drawn from 0 to 255. The
outline of the box comes from the same drawn operations as the film (`hilum.augment.follow`), in pixels of the film that it is drawn on.
This module draws what it is given.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Polygon
from numpy.typing import NDArray

from hilum.report import style
from hilum.report.numbers import percent
from hilum.report.panel import show_film, wrapped
from hilum.report.table import Cell, Column, Table, text_cell

_CELL_IN = 1.75
_A_ROW = 5


@dataclass(frozen=True)
class BoxedFilm:
    """A film and where the box is on it.

    Attributes:
        title: Of the pipeline, for above.
        film: uint8 (height, width).
        caption: What was drawn for the film.
        outline: float64 (n_points, 2), (x, y) in its pixels; no points where nothing is left.
        left: Share of the box's area that is still in the film, 0 to 1.
    """

    title: str
    film: NDArray[np.uint8]
    caption: str
    outline: NDArray[np.float64]
    left: float


def box_panel(films: Sequence[BoxedFilm]) -> Figure:
    """The films side by side, at most five a row; beneath each what was drawn and what is left of the box."""
    n_columns = min(_A_ROW, len(films))
    n_rows = math.ceil(len(films) / n_columns)
    captions = [f"{wrapped(f.caption)}\n{percent(f.left)} of the box is left" for f in films]
    lines = max(c.count("\n") + 1 for c in captions)
    tallest = max(f.film.shape[0] / f.film.shape[1] for f in films)
    row_in = _CELL_IN * min(tallest, 1.4) + 0.12 * lines + 0.3
    with style.figure(max(3.4, _CELL_IN * n_columns), row_in * n_rows) as fig:
        axes = fig.subplots(n_rows, n_columns, squeeze=False)
        for k, ax in enumerate(axes.ravel().tolist()):
            if k >= len(films):
                ax.set_axis_off()
                continue
            step = show_film(ax, films[k].film)
            ax.set_title(films[k].title)
            ax.set_xlabel(captions[k], fontsize=7, labelpad=3)
            if len(films[k].outline):
                # a pixel's middle is a whole number on these axes, its corner is not
                corners = films[k].outline / step - 0.5
                ax.add_patch(Polygon(corners, closed=True, fill=False, edgecolor=style.VERMILION, lw=1.5))
        return fig


def box_table(films: Sequence[BoxedFilm]) -> Table:
    """The same as numbers: pipeline, what was drawn, share left."""
    columns = [
        Column("Pipeline", numeric=False),
        Column("What was drawn", numeric=False, prose=True),
        Column("Box left", hint="area of the box inside the film / area of the box, on the film as it was"),
    ]
    body = [
        [text_cell(f.title, strong=True), text_cell(f.caption), Cell(percent(f.left), f.left)] for f in films
    ]
    return Table(
        "box",
        "Share of a box that is left",
        "A box on one film after each pipeline, every step made to act.",
        columns,
        body,
    )
