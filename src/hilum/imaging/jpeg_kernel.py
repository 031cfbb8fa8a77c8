"""The compiled loop under `jpeg_scan`: the codes of a sequential Huffman scan, read and thrown away (T.81, F.2.2). Importing this module
compiles it, or reads numba's cache on disk.
"""

from __future__ import annotations

from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from hilum.core.compiled import array, compiled

SOUND: Final = 0
SHORT: Final = 1
DAMAGED: Final = 2

_SIGNATURE: Final = numba.intp(
    array(numba.uint8, 1), array(numba.uint16, 2), array(numba.intp, 2), numba.intp, numba.intp
)


@compiled(_SIGNATURE)
def walk(
    data: NDArray[np.uint8], tables: NDArray[np.uint16], blocks: NDArray[np.intp], n_units: int, restart: int
) -> int:
    """Read all codes of a scan.

    Args:
        data: From the scan's first byte to the end of the file.
        tables: Shape (8, 65536): the next 16 bits -> length of their code * 256 + symbol; 0 for no code. DC
            tables first.
        blocks: Shape (blocks a unit, 2): DC and AC table of each block.
        n_units: Units (MCU) of the scan.
        restart: Units between restart markers; 0 for none.

    Returns:
        `SOUND` when the codes end where the scan does, `SHORT` when it ends before them, else `DAMAGED`.
    """
    size = len(data)
    at, held, n_bits, over = 0, 0, 0, 0  # bits read ahead; how many of them the data did not hold
    for unit in range(n_units):
        if restart and unit and unit % restart == 0:
            if n_bits - over >= 8:
                return DAMAGED
            if at + 1 >= size or data[at] != 0xFF or data[at + 1] != 0xD0 + (unit // restart - 1) % 8:
                return SHORT
            at, held, n_bits, over = at + 2, 0, 0, 0
        for block in range(len(blocks)):
            k = 0
            while k < 64:
                while n_bits < 32:
                    byte = 0
                    if at < size and data[at] != 0xFF:
                        byte, at = int(data[at]), at + 1
                    elif at + 1 < size and data[at] == 0xFF and data[at + 1] == 0:
                        byte, at = 0xFF, at + 2
                    else:
                        over += 8
                    held = ((held << 8) | byte) & 0xFFFFFFFFFF
                    n_bits += 8
                found = int(tables[blocks[block, 0 if k == 0 else 1], (held >> (n_bits - 16)) & 0xFFFF])
                if found == 0:
                    return SHORT if over else DAMAGED
                run, width = (found & 255) >> 4, found & 15
                n_bits -= found >> 8
                n_bits -= width
                if n_bits < over:
                    return SHORT
                if k == 0:
                    k = 1
                    if run:
                        return DAMAGED
                elif width == 0 and run < 15:
                    k = 64
                else:
                    k += run + 1
                    if k > 64:
                        return DAMAGED
    if n_bits - over >= 8 or at + 1 >= size or data[at] != 0xFF:
        return DAMAGED
    return SOUND
