"""How fast a bare codec is, and the one decoder on the same bytes: what decoding cannot be faster than, and what checks add to it.

Convention: one core, grey films of 8 bit, the fastest of several passes over all films. The bare codec of a PNG is `isal`'s inflate of its
rows (the filter of each row is not undone), that of a JPEG simplejpeg's (TurboJPEG's) grey decoding with its strict reading off.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from hilum.artifacts.floor import CodecRate
from hilum.core.timing import shortest
from hilum.imaging import png
from hilum.imaging.decode import decode

JPEG_QUALITY = 90


def codec_rates(films: Sequence[NDArray[np.uint8]], seconds: float = 1.0) -> dict[str, CodecRate]:
    """Rates of the containers that most films come in, on the same films.

    Args:
        films: Grey, uint8, shape (height, width) each.
        seconds: That each is tried for, twice at least.
    """
    pixels = sum(f.size for f in films)
    pngs = [png.write(f) for f in films]
    jpegs = [simplejpeg.encode_jpeg(f[..., None], JPEG_QUALITY, "GRAY") for f in films]
    streams = [png.check(data).stream for data in pngs]
    inflate, codec = _inflater()

    def rate(work: Callable[[bytes], object], files: Sequence[bytes]) -> float:
        return pixels / shortest(lambda: [work(data) for data in files], seconds)

    return {
        "png": CodecRate(
            f"{codec} inflate", rate(inflate, streams), rate(decode, pngs), "checksums, row filters, the range of greys"
        ),
        "jpeg": CodecRate(
            "simplejpeg",
            rate(lambda data: simplejpeg.decode_jpeg(data, "GRAY", strict=False), jpegs),
            rate(decode, jpegs),
            "headers, damage looked for, the range of greys",
        ),
    }  # fmt: skip


def _inflater() -> tuple[Callable[[bytes], bytes], str]:
    """The fastest inflate at hand, and its name."""
    try:
        return importlib.import_module("isal.isal_zlib").decompress, "isal"
    except ImportError:
        return importlib.import_module("zlib").decompress, "zlib"
