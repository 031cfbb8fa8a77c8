"""A film with a box, followed through each pipeline.

Convention: the box is that of ``boxed_film.json`` in the run's folder (`set_box`), a film that somebody annotated; without one it is the
largest patch of a synthetic film's sign, and the figure says so. What is drawn follows from the study's seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
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
from hilum.report.box_panel import BoxedFilm
from hilum.synthetic.phantom import LABELS, draw

SYNTHETIC_PX = 256
_PATCHY = LABELS[1]
"""The class of synthetic films whose sign is patches, several a film."""


def set_box(run_dir: Path, film: Path, box: Box) -> None:
    """Name the film and box of a run's box figure, for reports written from now on.

    Raises:
        FilmError: The film cannot be read.
    """
    pixels = decode_file(film).pixels
    BoxedFilmNote(str(film.resolve()), pixels_sha256(pixels), box.words).write(run_dir)


def followed_box(folder: RunFolder, pipelines: Mapping[str, Pipeline]) -> tuple[list[BoxedFilm], str]:
    """The decoded film with its box, then the prepared film of each pipeline with what became of the box.

    Returns:
        The films, and a phrase that says where film and box come from.
    """
    seed = folder.record.seed or 0
    film, box, source = _boxed_film(folder, seed)
    return box_under(film, box, pipelines, seed), source


def box_under(film: Film, box: Box, pipelines: Mapping[str, Pipeline], seed: int) -> list[BoxedFilm]:
    """A film with its box, then as a training film under each pipeline."""
    height, width = film.shape
    found = [BoxedFilm("as it was", film, f"{width}×{height} px", box.outline(height, width), 1.0)]
    for name, pipeline in pipelines.items():
        drawn = pipeline.draw(seed, pixels_sha256(film), 0, "train", height, width)
        followed = follow(box, pipeline, drawn, height, width)
        prepared = pipeline.apply(film, drawn)
        found.append(BoxedFilm(name, prepared, pipeline.caption(drawn), followed.outline, followed.left))
    return found


def _boxed_film(folder: RunFolder, seed: int) -> tuple[Film, Box, str]:
    given = BoxedFilmNote.of_run(folder.path)
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
