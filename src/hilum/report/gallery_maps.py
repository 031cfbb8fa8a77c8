"""Heat maps of a run's films, where it has explanations, as small pictures that stand beside the films of its gallery."""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from markupsafe import Markup
from matplotlib import colormaps
from numpy.typing import NDArray
from PIL import Image

from hilum.artifacts.explanations import EXPLANATIONS, FOLDER, Explanations, read_maps
from hilum.artifacts.run import RunCell
from hilum.artifacts.run_folder import RunFolder
from hilum.report.estimates import CellColumns
from hilum.report.page import embedded

_PERCENTILE: Final = 99.5


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


def explained_films(folder: RunFolder) -> Mapping[RunCell, Explanations]:
    """The explanations of each model's cell that has some."""
    paths = {c: folder.path / FOLDER / c.name for c in folder.cells}
    return {c: Explanations.read(p) for c, p in paths.items() if (p / EXPLANATIONS).is_file()}


def heat_maps(
    folder: RunFolder, explained: Mapping[RunCell, Explanations], films: Collection[str], side_px: int
) -> dict[str, list[HeatMap]]:
    """Film -> its maps.

    Args:
        folder: The run.
        explained: Its `explained_films`.
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
                picture = HeatMap(words, bool(m.failed), _png(maps[m.method], side_px))
                found.setdefault(film.image_id, []).append(picture)
    return found


def _png(values: NDArray[np.float32], side_px: int) -> bytes:
    """A map in colours, from 0 or from minus as much as plus; they end at a percentile, so that one pixel does not hide the others."""
    end = float(np.percentile(np.abs(values), _PERCENTILE)) or 1.0
    signed = bool((values < 0).any())
    share = np.clip(values / end, -1 if signed else 0, 1)
    rgb = (
        colormaps["RdBu_r" if signed else "viridis"]((share + 1) / 2 if signed else share)[..., :3] * 255
    ).round()
    picture = Image.fromarray(rgb.astype(np.uint8))
    picture.thumbnail((side_px, side_px))
    data = io.BytesIO()
    picture.quantize(64).save(data, "PNG", optimize=True)
    return data.getvalue()
