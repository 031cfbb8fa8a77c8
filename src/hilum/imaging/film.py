"""What a decoded film is, and the sizes hilum accepts, which every decoder keeps, by the header, before it makes room for pixels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import FilmError

MAX_PIXELS = 100_000_000  # the largest detectors give 16 Mpx, a scanned film 50; more is a bomb
MIN_SIDE_PX = 16
MAX_FILE_BYTES = 1 << 30  # uncompressed 16-bit RGB of MAX_PIXELS is 0.6 GB
_most_pixels: ContextVar[int | None] = ContextVar("most pixels", default=None)


@contextmanager
def at_most(n_pixels: int) -> Iterator[None]:
    """Within it, larger films are refused as too large; more than `MAX_PIXELS` are never accepted."""
    token = _most_pixels.set(n_pixels)
    try:
        yield
    finally:
        _most_pixels.reset(token)


@dataclass(frozen=True, eq=False)
class DecodedFilm:
    """A film as hilum sees it.

    Attributes:
        pixels: Shape (height, width), uint8, 0 = black.
        format: ``"png"``, ``"jpeg"``, ``"bmp"``, ``"tiff"`` or ``"dicom"``.
        mode: How the file stored it: Pillow's word (``"1"``, ``"L"``, ``"LA"``, ``"P"``, ``"I;16"``,
            ``"RGB"``, ``"RGBA"``, ``"CMYK"``, ...) or, for DICOM, its photometric interpretation.
        facts: For DICOM, those of `patient_id`, `study_uid`, `view`, `age`, `sex`, `modality`, `photometric` and
            `pixel_spacing` (mm from row to row and from column to column, a blank between) that the file has. They
            are about a patient: never log them.
    """

    pixels: NDArray[np.uint8]
    format: str
    mode: str
    facts: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def width_px(self) -> int:
        """Width of `pixels`, after an EXIF orientation was applied."""
        return int(self.pixels.shape[1])

    @property
    def height_px(self) -> int:
        """Height of `pixels`."""
        return int(self.pixels.shape[0])


def corrupt(words: str) -> FilmError:
    """A film whose file is damaged or contradicts itself."""
    return FilmError("corrupt", words)


def unsupported(words: str) -> FilmError:
    """A film of a sort that hilum does not read."""
    return FilmError("unsupported", words)


def check_size(width_px: int, height_px: int) -> None:
    """Refuse a bomb and a thumbnail, by the size that the header declares.

    Raises:
        FilmError: "too large" above `MAX_PIXELS` (or `at_most`), "too small" below `MIN_SIDE_PX` on a side, "corrupt" for a size that is
            not positive.

    >>> check_size(299, 299)
    >>> check_size(20_000, 20_000)
    Traceback (most recent call last):
    hilum.core.errors.FilmError: the header declares 20000 x 20000 px = 400 Mpx; at most 100 Mpx are accepted
    """
    if width_px <= 0 or height_px <= 0:
        raise corrupt(f"the header declares {width_px} x {height_px} px")
    asked = _most_pixels.get()
    most = MAX_PIXELS if asked is None else min(asked, MAX_PIXELS)
    if width_px * height_px > most:
        raise FilmError(
            "too large",
            f"the header declares {width_px} x {height_px} px = {width_px * height_px / 1e6:.0f} Mpx; "
            f"at most {most / 1e6:.3g} Mpx are accepted",
        )
    if min(width_px, height_px) < MIN_SIDE_PX:
        raise FilmError(
            "too small", f"{width_px} x {height_px} px; a film has at least {MIN_SIDE_PX} px on each side"
        )
