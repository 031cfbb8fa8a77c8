"""A figure becomes files and a picture of the page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from matplotlib.figure import Figure

from hilum.report import hover, style
from hilum.report.page import Picture

_KEPT: ContextVar[dict[str, Figure] | None] = ContextVar("kept", default=None)


@contextmanager
def kept_figures() -> Iterator[dict[str, Figure]]:
    """Within the block figures are kept here by their names, and no file is written."""
    kept: dict[str, Figure] = {}
    before = _KEPT.set(kept)
    try:
        yield kept
    finally:
        _KEPT.reset(before)


def drawn(fig: Figure, out: Path, name: str, caption: str, alt: str, raster: bool = False) -> Picture:
    """Write a figure as SVG and PNG; a narrow one is not blown up: its letters are as large as those of a wide one.

    Args:
        fig: The figure.
        out: Folder of the files.
        name: Stem of the files.
        caption: One to three sentences.
        alt: What a reader who cannot see it should know.
        raster: Whether the page shows the PNG, as of films; its points are then not told.
    """
    if (kept := _KEPT.get()) is not None:
        kept[name] = fig
        return Picture(name, caption, alt, b"")
    svg, png = style.save(fig, out, name)
    percent = min(100, round(100 * float(fig.get_figwidth()) / style.WIDTH_IN))
    if raster:
        return Picture(name, caption, alt, png, "image/png", percent)
    return Picture(name, caption, alt, svg, width_percent=percent, hover=hover.points(fig))
