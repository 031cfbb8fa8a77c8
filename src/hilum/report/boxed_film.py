"""A film with a box, followed through each pipeline: as a figure, and the share of the box inside the film as a table.

Convention: the box is that of ``boxed_film.json`` in the run's folder (`set_box`), a film that somebody annotated; without one it is the
largest patch of a synthetic film's sign, and the figure says so. What is drawn follows from the study's seed. The first film is the decoded
one, the others are prepared films; a film is uint8 (height, width), drawn from 0 to 255. The outline of the box comes from the same drawn
operations as the film (`hilum.augment.follow`), in pixels of the film that it is drawn on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Polygon
from numpy.typing import NDArray
from scipy import ndimage

from hilum.artifacts.run_files import BoxedFilmNote
from hilum.artifacts.run_folder import RunFolder
from hilum.augment.follow import Box, follow
from hilum.augment.operation import Film
from hilum.augment.pipeline import Pipeline
from hilum.core.digests import pixels_sha256
from hilum.core.errors import FilmError
from hilum.core.seeding import generator
from hilum.imaging.decode import decode_file
from hilum.report import style
from hilum.report.numbers import percent
from hilum.report.panel import Lungs, as_training_film, no_lungs, show_film, wrapped
from hilum.report.table import Cell, Column, Table, text_cell
from hilum.synthetic.phantom import LABELS, draw

SYNTHETIC_PX = 256
_PATCHY = LABELS[1]
"""The class of synthetic films whose sign is patches, several a film."""
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


def set_box(run_dir: Path, film: Path, box: Box) -> None:
    """Name the film and box of a run's box figure, for reports written from now on.

    Raises:
        FilmError: The film cannot be read.
    """
    pixels = decode_file(film).pixels
    BoxedFilmNote(str(film.resolve()), pixels_sha256(pixels), box.words).write(run_dir)


def followed_box(
    folder: RunFolder, pipelines: Mapping[str, Pipeline], lungs: Lungs = no_lungs
) -> tuple[list[BoxedFilm], str]:
    """The decoded film with its box, then the prepared film of each pipeline with what became of the box.

    Returns:
        The films, and a phrase that says where film and box come from.
    """
    seed = folder.record.seed or 0
    film, box, source = _boxed_film(folder, seed)
    return box_under(film, box, pipelines, seed, lungs), source


def box_under(
    film: Film, box: Box, pipelines: Mapping[str, Pipeline], seed: int, lungs: Lungs = no_lungs
) -> list[BoxedFilm]:
    """A film with its box, then as a training film under each pipeline; those that read its lungs only where they are found."""
    height, width = film.shape
    found = [BoxedFilm("as it was", film, f"{width}×{height} px", box.outline(height, width), 1.0)]
    for name, pipeline in pipelines.items():
        made = as_training_film(film, pipeline, seed, lungs)
        if made is None:
            continue
        drawn, prepared = made
        followed = follow(box, pipeline, drawn, height, width)
        found.append(BoxedFilm(name, prepared, pipeline.caption(drawn), followed.outline, followed.left))
    return found


def _boxed_film(folder: RunFolder, seed: int) -> tuple[Film, Box, str]:
    given = BoxedFilmNote.of(folder.path)
    unread = ""
    if given is not None:
        film_path = Path(given.path)
        try:
            pixels = decode_file(film_path).pixels
            if pixels_sha256(pixels) == given.pixels_sha256:
                return pixels, Box.read(given.box), f"{film_path.name}, its box drawn by a reader"
            unread = f" (the annotated film {film_path.name} is another one now)"
        except (FilmError, OSError):
            unread = f" (the annotated film {film_path.name} could not be read)"
    phantom = draw(_PATCHY, generator(seed, "boxed film"), SYNTHETIC_PX)
    return (
        phantom.pixels,
        _largest_patch(phantom.sign_mask),
        "a synthetic film, the largest patch of its sign" + unread,
    )


def _largest_patch(mask: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Box:
    """The box around the largest connected part of a mask."""
    labels, n = ndimage.label(mask)
    largest = 1 + int(np.argmax(ndimage.sum_labels(mask, labels, np.arange(1, n + 1))))
    rows, columns = ndimage.find_objects(labels)[largest - 1]
    height, width = mask.shape
    return Box(
        columns.start / width, rows.start / height, (columns.stop - columns.start) / width, (rows.stop - rows.start) / height
    )  # fmt: skip


def box_panel(films: Sequence[BoxedFilm]) -> Figure:
    """The films side by side, at most five a row; beneath each what was drawn and what is left of the box."""
    n_columns = min(_A_ROW, len(films))
    n_rows = math.ceil(len(films) / n_columns)
    captions = [f"{wrapped(f.caption)}\n{percent(f.left)} of the box inside the film" for f in films]
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
        Column(
            "Box inside",
            key="box left",
            hint="area of the box inside the film / area of the box, on the film as it was",
        ),
    ]
    body = [
        [text_cell(f.title, strong=True), text_cell(f.caption), Cell(percent(f.left), f.left)] for f in films
    ]
    return Table(
        "box",
        "Share of a box inside the film",
        "A box on one film after each pipeline, every step made to act. What erases films moves no outline: see the pictures.",
        columns,
        body,
    )
