"""Heat maps of a run's films, where it has explanations, as small pictures that stand beside the films of its gallery."""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray
from PIL import Image

from hilum.artifacts.explanations import FOLDER, Explanations, read_maps
from hilum.artifacts.run import RunCell
from hilum.artifacts.run_folder import RunFolder
from hilum.explain.colours import in_colours
from hilum.report.estimates import CellColumns
from hilum.report.page import embedded
from hilum.study.explanations import METHODS


@dataclass(frozen=True)
class HeatMap:
    """A map beside a film.

    Attributes:
        words: Whose it is, by which method, of which class's score, and what its checks say.
        failed: Whether it does not pass its checks.
        picture: A PNG.
    """

    words: str
    failed: bool
    picture: bytes

    @property
    def uri(self) -> Markup:
        """The picture as a data URI."""
        return embedded(self.picture, "image/png")


def heat_maps(
    folder: RunFolder, explained: Mapping[RunCell, Explanations], films: Collection[str], side_px: int
) -> dict[str, list[HeatMap]]:
    """Film -> its maps.

    Args:
        folder: The run.
        explained: Its `explained_cells`.
        films: Those that are shown.
        side_px: Of a picture's longer side at most.

    Raises:
        InputError: The maps of an explained film are gone.
    """
    found: dict[str, list[HeatMap]] = {}
    for cell, explanations in explained.items():
        model = CellColumns(folder).label(cell)
        for film in explanations.films:
            if film.image_id not in films or not film.maps:
                continue
            maps = read_maps(folder.path / FOLDER / cell.name, film.name)
            for m in film.maps:
                words = f"{model}: {m.method} of {m.target}, {m.verdict}"
                picture = HeatMap(
                    words,
                    bool(m.failed),
                    _png(maps[m.method], METHODS[m.method.partition(":")[0]].signed, side_px),
                )
                found.setdefault(film.image_id, []).append(picture)
    return found


def _png(values: NDArray[np.float32], signed: bool, side_px: int) -> bytes:
    """A map in the colours of `hilum.report.overlay`, with no film below it."""
    values, colours, norm = in_colours(values, signed)
    picture = Image.fromarray((colours(norm(values))[..., :3] * 255).round().astype(np.uint8))
    picture.thumbnail((side_px, side_px))
    data = io.BytesIO()
    picture.quantize(64).save(data, "PNG", optimize=True)
    return data.getvalue()
