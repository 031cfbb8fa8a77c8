"""A film made small, as a JPEG that a page embeds."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def small_jpeg(film: NDArray[np.uint8], width_px: int, height_px: int, quality: int = 80) -> bytes:
    """A film, uint8 (height, width), at a size, as the bytes of a grey JPEG."""
    data = io.BytesIO()
    shrunk = Image.fromarray(film).resize((width_px, height_px), Image.Resampling.LANCZOS)
    shrunk.save(data, "JPEG", quality=quality)
    return data.getvalue()


def jpeg_within(film: NDArray[np.uint8], side_px: int, quality: int = 80) -> bytes:
    """A film, uint8 (height, width), as a grey JPEG whose longer side is `side_px` at most; it is never made larger."""
    height, width = film.shape
    scale = min(1.0, side_px / max(height, width))
    return small_jpeg(film, max(1, round(width * scale)), max(1, round(height * scale)), quality)
