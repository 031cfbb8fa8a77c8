"""Films that somebody names under pipelines that somebody names: the picture of `hilum augment show`, and what was drawn for each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from hilum.augment.follow import Box
from hilum.augment.pipeline import Pipeline
from hilum.core.errors import InputError
from hilum.core.files import write_bytes
from hilum.imaging.decode import decode_file
from hilum.report import style
from hilum.report.boxed_film import box_panel, box_under
from hilum.report.panel import Lungs, no_lungs, on_purpose, panel, panel_rows

MAX_FILMS = 12


def write_panel(
    films: Sequence[Path],
    pipelines: Sequence[Pipeline],
    out: Path,
    seed: int,
    as_drawn: bool,
    lungs: Lungs = no_lungs,
) -> list[tuple[str, ...]]:
    """Write a panel, a row a film and a column a pipeline.

    Args:
        films: Their files.
        pipelines: The columns.
        out: The picture: svg, else png.
        seed: Of the draws.
        as_drawn: Whether each step acts with its own probability; else every step acts.
        lungs: Finds lungs for pipelines that read them.

    Returns:
        (film, pipeline, what was drawn) of each.

    Raises:
        InputError: Too many films.
        FilmError: One that cannot be read.
    """
    if len(films) > MAX_FILMS:
        raise InputError(f"a panel holds at most {MAX_FILMS} films, got {len(films)}; name fewer")
    names = [p.name for p in pipelines]
    decoded = [(f.stem, decode_file(f).pixels) for f in films]
    rows = panel_rows(decoded, _acting(pipelines, as_drawn), seed, lungs)
    how = "each step with its own probability" if as_drawn else "drawn on purpose: every step acts"
    _write(out, panel(names, rows, f"Training films, seed {seed}, {how}"))
    return [
        (film, name, cell.caption) for film, cells in rows for name, cell in zip(names, cells, strict=True)
    ]


def write_box_panel(
    films: Sequence[Path],
    pipelines: Sequence[Pipeline],
    out: Path,
    seed: int,
    as_drawn: bool,
    box: str,
    lungs: Lungs = no_lungs,
) -> list[tuple[str, ...]]:
    """Write one film with a box on it, and what becomes of both under each pipeline; as `write_panel`.

    Returns:
        (film, pipeline, share of the box that is left, what was drawn) of each pipeline.
    """
    if len(films) != 1:
        raise InputError(f"--box is on one film, got {len(films)} films; name one")
    named = {p.name: p for p in _acting(pipelines, as_drawn)}
    boxed = box_under(decode_file(films[0]).pixels, Box.read(box), named, seed, lungs)
    _write(out, box_panel(boxed))
    return [(films[0].stem, f.title, f"{f.left:.4f}", f.caption) for f in boxed[1:]]


def _acting(pipelines: Sequence[Pipeline], as_drawn: bool) -> list[Pipeline]:
    return list(pipelines) if as_drawn else [Pipeline.from_dict(on_purpose(p.to_dict())) for p in pipelines]


def _write(out: Path, fig: Figure) -> None:
    write_bytes(out, style.svg_bytes(fig) if out.suffix.lower() == ".svg" else style.png_bytes(fig))
