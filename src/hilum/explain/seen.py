"""A film as its model sees it, and where in that its lungs are and what somebody marked: all taken through the bundle's preparation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.path import Path as Outline
from numpy.typing import NDArray

from hilum.artifacts.film_marks import Mark
from hilum.artifacts.manifest import FilmRow
from hilum.augment.follow import Box, follow
from hilum.augment.lungs import Lungs
from hilum.augment.pipeline import DrawnStep, Pipeline
from hilum.core.digests import pixels_sha256
from hilum.core.errors import FilmError
from hilum.imaging.decode import decode_file
from hilum.imaging.film import DecodedFilm
from hilum.inference.lungs import NO_LUNGS
from hilum.segment.segmenter import Segmenter, source_mask

_PROBE = Box(0.4, 0.4, 0.2, 0.2)
"""In the middle of a film: how large it is in the prepared film tells the scale."""


@dataclass(frozen=True, eq=False)
class SeenFilm:
    """A film as its model sees it.

    Attributes:
        film: Prepared, uint8 (height, width).
        pixels_sha256: Of the decoded film.
        lungs: Where lung is, bool (height, width); None where that is not known.
        found: Where something was marked, bool (height, width); None where nothing was.
        mm_per_px: Across and down, as the film's header says; empty where the film's file does not say.
    """

    film: NDArray[np.uint8]
    pixels_sha256: str
    lungs: NDArray[np.bool_] | None
    found: NDArray[np.bool_] | None
    mm_per_px: tuple[float, ...]


@dataclass(frozen=True)
class Seeing:
    """How films are seen.

    Attributes:
        pipeline: Of the certain steps of the bundle's.
        own: The network that finds lungs for it; None where it reads none.
        network: The one that finds them for checks; None for no lungs.
        masks: Whether a source's own mask comes before the network's, for checks.
    """

    pipeline: Pipeline
    own: Segmenter | None
    network: Segmenter | None
    masks: bool

    def film(self, decoded: DecodedFilm, row: FilmRow, marks: Sequence[Mark]) -> SeenFilm:
        """A film with its lungs and its marks.

        Raises:
            FilmError: The preparation reads lungs, and there are none; or a mask cannot be read.
            InputError: A mark is no box within the film.
        """
        pixels = decoded.pixels
        needed = None
        if self.own is not None:
            needed = self.own.usable(pixels)
            if needed is None:
                raise FilmError(NO_LUNGS, f"{row.image_id}: {NO_LUNGS}")
        digest = pixels_sha256(pixels)
        height, width = pixels.shape
        steps = self.pipeline.draw(0, digest, 0, "test", height, width, needed)
        lungs = self._lungs(pixels, row, needed)
        return SeenFilm(
            self.pipeline.apply(pixels, steps, needed),
            digest,
            None if lungs is None else self._carried(lungs, steps, pixels.shape),
            self._marked(marks, steps, pixels.shape),
            self._scale(decoded, steps),
        )

    def _lungs(
        self, pixels: NDArray[np.uint8], row: FilmRow, needed: NDArray[np.uint8] | None
    ) -> NDArray[np.uint8] | None:
        if self.masks and row.lung_mask:
            own = source_mask(decode_file(Path(row.lung_mask), mask=True).pixels)
            if not own.failed:
                return own.mask
        if self.network is None:
            return None
        return needed if needed is not None and self.network is self.own else self.network.usable(pixels)

    def _carried(
        self, mask: NDArray[np.uint8], steps: Sequence[DrawnStep], shape: tuple[int, ...]
    ) -> NDArray[np.bool_]:
        """A mask of the decoded film in the prepared one."""
        carried = Lungs(mask, *shape)
        for operation, drawn, _, _ in self.pipeline.done(steps, *shape):
            carried.through(operation, drawn)
        return carried.inside

    def _marked(
        self, marks: Sequence[Mark], steps: Sequence[DrawnStep], shape: tuple[int, ...]
    ) -> NDArray[np.bool_] | None:
        """What the marks cover together, in the prepared film; None where nothing of it is left."""
        height, width = self.pipeline.output_size
        found = np.zeros((height, width), bool)
        middles = np.stack(np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5), -1).reshape(-1, 2)
        for mark in marks:
            if isinstance(mark, tuple):
                outline = follow(Box(*mark), self.pipeline, steps, *shape).outline
                if len(outline):
                    found |= Outline(outline).contains_points(middles).reshape(height, width)
                continue
            mask = decode_file(mark, mask=True).pixels
            if mask.any():
                on = np.where(mask > int(mask.max()) // 2, 255, 0).astype(np.uint8)
                found |= self._carried(on, steps, shape)
        return found if found.any() else None

    def _scale(self, decoded: DecodedFilm, steps: Sequence[DrawnStep]) -> tuple[float, ...]:
        spacing = [float(mm) for mm in decoded.facts.get("pixel_spacing", "").split()]
        if not spacing:
            return ()
        down, across = spacing
        height, width = decoded.pixels.shape
        outline = follow(_PROBE, self.pipeline, steps, height, width).outline
        if not len(outline):
            return ()
        wide, high = np.ptp(outline, axis=0).tolist()
        return (
            across * _PROBE.width * width / wide,
            down * _PROBE.height * height / high,
        )
