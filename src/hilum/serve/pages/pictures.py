"""Films of a run as pictures for a page: only those that its manifest names, as they were at ingest, without anything their file says."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from fastapi import Response
from numpy.typing import NDArray

from hilum.artifacts.manifest import FilmRow
from hilum.core.errors import FilmError
from hilum.imaging import png
from hilum.imaging.as_ingested import film_as_ingested
from hilum.imaging.resize import resize
from hilum.imaging.small import jpeg_within
from hilum.serve.problems import Problem

MOST_PX = 2048
THUMB_PX = 320
NOT_KEPT = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


def whole(film: FilmRow) -> Response:
    """A film without loss, its longer side `MOST_PX` at most.

    Raises:
        Problem: 404: it cannot be read, or is another one now; the words do not name it.
    """
    return _picture(film, lambda pixels: png_within(pixels, MOST_PX), "image/png")


def thumb(film: FilmRow) -> Response:
    """A small picture of a film; raises as `whole`."""
    return _picture(film, lambda pixels: jpeg_within(pixels, THUMB_PX), "image/jpeg")


def _picture(film: FilmRow, made: Callable[[NDArray[np.uint8]], bytes], media: str) -> Response:
    try:
        data = made(film_as_ingested(film.image_id, film.path, film.sha256).pixels)
    except FilmError as e:
        raise Problem(404, f"This film cannot be shown: {e.reason}.") from e
    return Response(data, 200, NOT_KEPT, media)


def png_within(pixels: NDArray[np.uint8], side_px: int) -> bytes:
    """A film, uint8 (height, width), as PNG whose longer side is `side_px` at most; it is never made larger."""
    height, width = pixels.shape
    scale = side_px / max(height, width)
    if scale < 1:
        pixels = resize(pixels, max(1, round(height * scale)), max(1, round(width * scale)))
    return png.write(pixels)
