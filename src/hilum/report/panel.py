"""A panel of films under each pipeline, with what was drawn written beneath.

Convention: a row is a film, a column a pipeline; a film is uint8 (height, width), 0 black, drawn from 0 to
255 without stretching, so that a change of brightness is seen. With probabilities of a tenth most films would
show nothing, so a panel may be drawn on purpose (`on_purpose`): every operation of the training part acts,
with the values it would draw. No film is read here.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hilum.augment.operation import Film
from hilum.augment.pipeline import DrawnStep, Pipeline
from hilum.core.digests import pixels_sha256
from hilum.report import style

_CELL_IN = 1.7
_LABEL_IN = 0.55
LONGEST_SIDE_PX = 320


@dataclass(frozen=True)
class PanelCell:
    """A film under a pipeline.

    Attributes:
        film: uint8 (height, width).
        caption: What was drawn, for beneath.
    """

    film: NDArray[np.uint8]
    caption: str


def on_purpose(table: Mapping[str, Any]) -> dict[str, Any]:
    """A pipeline's table (`Pipeline.to_dict`) in which every step that has a probability acts.

    The probability becomes the largest number below 1: a step with probability 1 would count as fixed and be
    left out of what was drawn. What a step draws does not depend on its probability.
    """
    below_1 = math.nextafter(1.0, 0.0)
    steps = [{**s, "probability": below_1} if s.get("probability", 1.0) < 1.0 else s for s in table["steps"]]
    return {**table, "gate": "exact", "steps": steps}


Lungs = Callable[[Film], Film | None]
"""A decoded film -> its lung mask, or None where its lungs are not found."""


def no_lungs(_: Film) -> None:
    """No film's lungs are known."""


def as_training_film(
    film: Film, pipeline: Pipeline, seed: int, lungs: Lungs
) -> tuple[list[DrawnStep], Film] | None:
    """What is drawn for a film of the training part, and what comes of it; None where its lungs are wanted and not found."""
    mask = lungs(film) if pipeline.reads_lungs else None
    if pipeline.reads_lungs and mask is None:
        return None
    drawn = pipeline.draw(seed, pixels_sha256(film), 0, "train", film.shape[0], film.shape[1], mask)
    return drawn, pipeline.apply(film, drawn, mask)


def panel_rows(
    films: Sequence[tuple[str, Film]], pipelines: Sequence[Pipeline], seed: int, lungs: Lungs = no_lungs
) -> list[tuple[str, list[PanelCell]]]:
    """Each film under each pipeline, as a film of the training part would go through it.

    Args:
        films: (name, uint8 (height, width)).
        pipelines: The columns.
        seed: Of the draws.
        lungs: Where they are, for pipelines that read them; a film without is shown as it was.
    """

    def under(film: Film, pipeline: Pipeline) -> PanelCell:
        made = as_training_film(film, pipeline, seed, lungs)
        return (
            PanelCell(made[1], pipeline.caption(made[0]))
            if made
            else PanelCell(film, "as it was: its lungs were not found")
        )

    return [(name, [under(film, p) for p in pipelines]) for name, film in films]


def panel(
    columns: Sequence[str],
    rows: Sequence[tuple[str, Sequence[PanelCell]]],
    title: str = "",
    longest_side_px: int = LONGEST_SIDE_PX,
) -> Figure:
    """The panel of films under each pipeline.

    Args:
        columns: Names of the pipelines, from left to right.
        rows: (name of the film, one cell a column), from top to bottom.
        title: A line above; empty for none.
        longest_side_px: A larger film is thinned by a whole factor, to keep the file small.
    """
    lines = max((wrapped(c.caption).count("\n") + 1 for _, cells in rows for c in cells), default=1)
    shape = max(_height_by_width(c.film) for _, cells in rows for c in cells)
    row_in = _CELL_IN * min(shape, 1.4) + 0.12 * lines + 0.12
    with style.figure(
        _LABEL_IN + _CELL_IN * len(columns), (0.55 if title else 0.3) + row_in * len(rows)
    ) as fig:
        axes = fig.subplots(len(rows), len(columns), squeeze=False)
        for i, (name, cells) in enumerate(rows):
            for j, cell in enumerate(cells):
                ax = axes[i][j]
                show_film(ax, cell.film, longest_side_px)
                ax.set_xlabel(wrapped(cell.caption), fontsize=7, labelpad=3)
                if i == 0:
                    ax.set_title(columns[j])
                if j == 0:
                    ax.set_ylabel(textwrap.fill(name, 24), fontsize=8)
        if title:
            fig.suptitle(title, fontsize=9)
        return fig


def show_film(ax: Axes, film: NDArray[np.uint8], longest_side_px: int = LONGEST_SIDE_PX) -> int:
    """Draw a film on axes of its own; a larger one is thinned by a whole factor, which is returned."""
    step = max(1, -(-int(max(film.shape)) // longest_side_px))
    ax.imshow(film[::step, ::step], cmap="gray", vmin=0, vmax=255, interpolation="antialiased")
    ax.set_xticks([])
    ax.set_yticks([])
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    return step


def wrapped(caption: str) -> str:
    """A line a step of the pipeline, and more where a step has many words."""
    return "\n".join(line for step in caption.split("; ") for line in textwrap.wrap(step, 32))


def _height_by_width(film: NDArray[np.uint8]) -> float:
    return float(film.shape[0] / film.shape[1])
