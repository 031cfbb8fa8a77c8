"""How figures look, and how they become files: one palette, one font size, the same bytes every time.

Convention: colours are Okabe and Ito's (2008), which readers with any colour vision can tell apart, and a
line style goes with each so that a grey print still reads. Text is 8 to 9 points at the printed size. A file
holds no date and its ids come from a fixed salt, so equal figures are equal bytes.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import image
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from hilum.core.files import write_bytes

BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, YELLOW, INK = "#E69F00", "#56B4E9", "#F0E442", "#222222"
LINES: tuple[tuple[str, Any], ...] = (
    (BLUE, "-"),
    (VERMILION, (0, (5, 1.5))),
    (GREEN, (0, (1, 1))),
    (PURPLE, (0, (5, 1.2, 1, 1.2))),
    (ORANGE, (0, (8, 2))),
    (SKY, "-"),
    (INK, (0, (3, 1, 1, 1, 1, 1))),
)
PNG_DPI = 160
WIDTH_IN = 7.2  # the text of an A4 page

_SETTINGS: Any = {
    "figure.dpi": 100,
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "axes.titlesize": 9,
    "axes.labelsize": 8.5,
    "axes.edgecolor": "#666666",
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.6,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "text.color": INK,
    "axes.labelcolor": INK,
    "svg.hashsalt": "hilum",
    "svg.fonttype": "path",
}


def line(k: int) -> tuple[str, Any]:
    """Colour and dash pattern of the k-th line of a panel."""
    return LINES[k % len(LINES)]


class _Figure(Figure):
    """A figure that a notebook shows as it is on the page, whatever its matplotlib is set to."""

    def _repr_png_(self) -> bytes:
        return png_bytes(self)


@contextmanager
def figure(width_in: float, height_in: float) -> Iterator[Figure]:
    """A figure with hilum's settings, on no screen and in no global list.

    Args:
        width_in: Width in inches; `WIDTH_IN` fills the text of a page.
        height_in: Height in inches.
    """
    with mpl.rc_context(_SETTINGS):
        fig = _Figure(figsize=(width_in, height_in), layout="constrained")
        FigureCanvasAgg(fig)
        yield fig


def svg_bytes(fig: Figure) -> bytes:
    """The figure as SVG, the same bytes every time."""
    out = io.BytesIO()
    with mpl.rc_context(_SETTINGS):
        fig.savefig(out, format="svg", metadata={"Date": None, "Creator": "hilum"})
    return out.getvalue()


def png_bytes(fig: Figure, dpi: int = PNG_DPI) -> bytes:
    """The figure as PNG, the same bytes every time."""
    out = io.BytesIO()
    with mpl.rc_context(_SETTINGS):
        fig.savefig(out, format="png", dpi=dpi, metadata={"Software": "hilum"})
    return out.getvalue()


def save(fig: Figure, folder: Path, name: str) -> tuple[bytes, bytes]:
    """Write ``name.svg`` and ``name.png`` into a folder and return the bytes of both."""
    svg = svg_bytes(fig)
    # laid out once: the PNG keeps the places of the SVG, and is drawn without a draft for a layout
    with mpl.rc_context({"figure.autolayout": False, "figure.constrained_layout.use": False}):
        fig.set_layout_engine(None)
        png = png_bytes(fig)
    write_bytes(folder / f"{name}.svg", svg)
    write_bytes(folder / f"{name}.png", png)
    return svg, png


def panels(fig: Figure, n: int, most: int, **options: Any) -> list[Axes]:
    """Axes of `n` panels, at most `most` a row; what is left of the last row is off. Options are those of `Figure.subplots`."""
    columns = min(most, n)
    axes: list[Axes] = fig.subplots(-(-n // columns), columns, squeeze=False, **options).ravel().tolist()
    for ax in axes[n:]:
        ax.set_axis_off()
    return axes[:n]


def one_legend(fig: Figure, axes: Sequence[Axes]) -> None:
    """One legend for the figure, above it, from the first axes that have one."""
    for ax in axes:
        handles, labels = ax.get_legend_handles_labels()
        if handles:
            fig.legend(handles, labels, loc="outside upper center", ncols=len(handles))
            return


def as_figure(picture: Path) -> Figure:
    """A picture that was drawn before as a figure of its own size, pixel by pixel."""
    pixels = image.imread(picture)
    height, width = pixels.shape[:2]
    with figure(width / PNG_DPI, height / PNG_DPI) as fig:
        fig.figimage(pixels, resize=False)
        fig.set_layout_engine("none")
        fig.set_dpi(PNG_DPI)
        return fig
