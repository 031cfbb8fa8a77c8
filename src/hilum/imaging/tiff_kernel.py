"""The compiled loops under `tiff_packing`: LZW and PackBits (TIFF 6.0, sections 13 and 9); both stop when their output is full. Importing
this module compiles them, or reads numba's cache on disk.
"""

from __future__ import annotations

from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from hilum.core.compiled import array, compiled

_CLEAR: Final = 256
_END: Final = 257
_SIGNATURE: Final = numba.intp(array(numba.uint8, 1), array(numba.uint8, 1, written=True))


@compiled(_SIGNATURE)
def unpack_lzw(packed: NDArray[np.uint8], out: NDArray[np.uint8]) -> int:
    """Undo LZW.

    Args:
        packed: Codes of 9 to 12 bits, the first bit highest.
        out: Written to.

    Returns:
        Bytes written, or -1 when a code stands for nothing.
    """
    before = np.zeros(4097, np.int32)  # the entry that an entry adds a byte to
    last = np.zeros(4097, np.uint8)
    length = np.ones(4097, np.int32)
    for k in range(256):
        last[k] = k
    width, following, old, done = 9, 258, -1, 0
    at, held, n_bits = 0, 0, 0
    while done < len(out):
        while n_bits < width:
            if at >= len(packed):
                return done
            held, n_bits, at = ((held << 8) | int(packed[at])) & 0xFFFFFF, n_bits + 8, at + 1
        n_bits -= width
        code = (held >> n_bits) & ((1 << width) - 1)
        if code == _END:
            return done
        if code == _CLEAR:
            width, following, old = 9, 258, -1
            continue
        if code > following or (code == following and old < 0) or (old < 0 and code > 255):
            return -1
        if old >= 0:
            if following > 4095:
                return -1
            before[following], length[following] = old, length[old] + 1
            first = code if code < following else old
            while length[first] > 1:
                first = before[first]
            last[following] = last[first]
            following += 1
            if following == (1 << width) - 1 and width < 12:
                width += 1
        entry, end = code, done + length[code]
        for place in range(end - 1, done - 1, -1):
            if place < len(out):
                out[place] = last[entry]
            entry = before[entry]
        done, old = min(end, len(out)), code
    return done


@compiled(_SIGNATURE)
def unpack_bits(packed: NDArray[np.uint8], out: NDArray[np.uint8]) -> int:
    """Undo PackBits.

    Args:
        packed: Runs: a byte that counts, then one byte to repeat or the bytes themselves.
        out: Written to.

    Returns:
        Bytes written.
    """
    at, done = 0, 0
    while done < len(out) and at + 1 < len(packed):
        count = int(packed[at])
        at += 1
        if count == 128:
            continue
        n = count + 1 if count < 128 else 257 - count
        for k in range(n):
            place = at + k if count < 128 else at
            if done < len(out) and place < len(packed):
                out[done] = packed[place]
                done += 1
        at += n if count < 128 else 1
    return done
