"""Strips and tiles of a TIFF to bytes: no compression, LZW, Deflate, PackBits.

Done here rather than by libtiff, which writes to the process's stderr about damage and gives the caller no reason.
"""

from __future__ import annotations

import zlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import FilmError
from hilum.imaging.film import corrupt, unsupported

NONE: Final = 1
LZW: Final = 5
DEFLATE: Final = (8, 32946)
PACKBITS: Final = 32773


def unpacked(part: bytes, compression: int, n_bytes: int) -> NDArray[np.uint8]:
    """The first `n_bytes` of a strip or tile, by tag 259.

    Raises:
        FilmError: "truncated" when it holds fewer, "corrupt" when it is damaged, "unsupported" for the LZW of before TIFF 5.0.
    """
    if compression == NONE:
        held = np.frombuffer(part, np.uint8)[:n_bytes]
    elif compression in DEFLATE:
        try:
            held = np.frombuffer(zlib.decompressobj().decompress(part, n_bytes + 1), np.uint8)[:n_bytes]
        except zlib.error as e:
            raise corrupt(f"a strip or tile of the TIFF is damaged: {e}") from e
    else:
        from hilum.imaging.tiff_kernel import unpack_bits, unpack_lzw

        if compression == LZW and part[:1] == b"\0" and len(part) > 1 and part[1] & 1:
            raise unsupported("a TIFF whose LZW codes begin with the lowest bit (before TIFF 5.0)")
        held = np.empty(n_bytes, np.uint8)
        unpack = unpack_lzw if compression == LZW else unpack_bits
        n_done = unpack(np.frombuffer(part, np.uint8), held)
        if n_done < 0:
            raise corrupt("a strip or tile of the TIFF is damaged: an LZW code stands for nothing")
        held = held[:n_done]
    if len(held) < n_bytes:
        raise FilmError("truncated", f"a strip or tile of the TIFF gives {len(held)} bytes, not {n_bytes}")
    return held
