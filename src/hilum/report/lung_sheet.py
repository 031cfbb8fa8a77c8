"""A sheet of films with the outline of their lungs on them, and a line beneath each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hilum.artifacts.masks import LUNG
from hilum.report import style
from hilum.report.panel import show_film, wrapped

_ACROSS: Final = 6
_CELL_IN: Final = 1.7


class Outlined(NamedTuple):
    """A film, uint8 (height, width), its lung mask, uint8 (128, 128), and words for beneath, parts of which "; " divides."""

    film: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    caption: str


def lung_sheet(films: Sequence[Outlined], title: str) -> Figure:
    """The films in rows of six, each squashed to the square that its mask covers."""
    rows = -(-len(films) // _ACROSS)
    with style.figure(_CELL_IN * _ACROSS, 0.4 + (_CELL_IN + 0.5) * rows) as fig:
        for ax, (film, mask, caption) in zip(style.panels(fig, len(films), _ACROSS), films, strict=True):
            step = show_film(ax, film)
            middles = (np.arange(len(mask)) + 0.5) / len(mask)
            y, x = (middles * len(range(0, side, step)) - 0.5 for side in film.shape)
            if (mask > LUNG).any():
                ax.contour(x, y, mask, [LUNG + 0.5], colors=style.VERMILION, linewidths=0.9)
            ax.set_aspect("auto")
            ax.set_xlabel(wrapped(caption), fontsize=5.5, labelpad=3)
        fig.suptitle(title, fontsize=9)
        return fig
