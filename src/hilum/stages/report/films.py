"""Films that a report's figures are drawn from: one with a box, followed through each pipeline, and one under torchvision's operations.

Convention: the box is that of ``boxed_film.json`` in the run's folder (`set_box`), a film that somebody annotated; without one it is the
largest patch of a synthetic film's sign, and the figure says so. What is drawn follows from the study's seed; torchvision's draws are
made under a seed of their own and leave torch's generator as it was.
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
from hilum.core.seeding import generator, key_entropy
from hilum.imaging.decode import decode_file
from hilum.imaging.resize import resize
from hilum.report.box_panel import BoxedFilm
from hilum.report.panel import PanelCell
from hilum.synthetic.phantom import draw

SYNTHETIC_PX = 256
DISTORTION = 0.3
"""Of torchvision's RandomPerspective, as in the paper's Figure 4."""
CENTRE = 0.8
"""Share of each side that torchvision's CenterCrop keeps: that of the paper's zoom."""


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
    phantom = draw("covid", generator(seed, "boxed film"), SYNTHETIC_PX)
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


def counterparts(film: Film, pipelines: Mapping[str, Pipeline], seed: int) -> list[tuple[str, PanelCell]]:
    """A film under torchvision's perspective distortion and centre crop, and beside each Augmentor's own (the paper's Figure 4).

    Augmentor's are taken from the study's first pipeline that has them, with their options there; an operation that no pipeline has is
    left out together with its counterpart.

    Args:
        film: uint8 (height, width), as decoded.
        pipelines: The study's, by name.
        seed: Of the draws.
    """
    import torch
    from torchvision.transforms import (
        v2,
    )  # late: it takes seconds to import, and few reports have this figure

    height, width = next(iter(pipelines.values())).output_size
    prepared = resize(film, height, width)
    grey = torch.from_numpy(prepared)[None]
    found = [("as it is", PanelCell(prepared, "resized"))]
    kept = (round(CENTRE * height), round(CENTRE * width))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(key_entropy(seed, "torchvision") % 2**63)
        theirs = {
            "random_distortion": (
                "torchvision: perspective", v2.RandomPerspective(DISTORTION, p=1.0)(grey), f"RandomPerspective, {DISTORTION}",
            ),
            "zoom_random": (
                "torchvision: crop", v2.Resize((height, width))(v2.CenterCrop(kept)(grey)), f"CenterCrop {kept[1]}×{kept[0]} px, resized",
            ),
        }  # fmt: skip
    own = {"random_distortion": "Augmentor: elastic", "zoom_random": "Augmentor: zoom"}
    operations = {s.op: s for p in reversed(list(pipelines.values())) for s in p.steps}
    for op, (title, tensor, caption) in theirs.items():
        if op not in operations:
            continue
        operation = operations[op]
        drawn = operation.sample(generator(seed, pixels_sha256(prepared), op), height, width)
        found.append((title, PanelCell(tensor[0].numpy(), caption)))
        found.append((own[op], PanelCell(operation.apply(prepared, drawn), operation.describe(drawn))))
    return found
