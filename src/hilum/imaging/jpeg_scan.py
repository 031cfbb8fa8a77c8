"""Whether the codes of a sequential JPEG are all there, for the samplings that the strict decoder does not know.

Pillow reads streams of any sampling, but fills in what is missing. So the codes are read here, without making a picture of them: a stream
that is cut short, or does not end where its codes do, is refused. Only one scan of all components, coded by Huffman's method, is walked:
what encoders write in baseline.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import FilmError
from hilum.imaging.film import unsupported

_DHT, _DRI, _SOS = 0xC4, 0xDD, 0xDA


def check_codes(
    segments: Sequence[tuple[int, bytes]], codes: bytes, size_px: tuple[int, int], frame: bytes
) -> None:
    """Refuse a scan whose codes are not whole.

    Args:
        segments: (marker, body) of the segments before the codes, the scan's header last.
        codes: All that follows.
        size_px: Width and height.
        frame: Body of the frame's segment.

    Raises:
        FilmError: "unsupported" for several scans, "truncated" or "corrupt".
    """
    from hilum.imaging.jpeg_kernel import SHORT, SOUND, walk

    tables, restart = np.zeros((8, 65536), np.uint16), 0
    for marker, body in segments:
        if marker == _DHT:
            _read_tables(body, tables)
        elif marker == _DRI and len(body) >= 2:
            restart = int.from_bytes(body[:2])
    scan, n = segments[-1][1], frame[5]
    factors = {frame[6 + 3 * k]: divmod(frame[7 + 3 * k], 16) for k in range(n)}
    if len(scan) < 1 + 2 * n or scan[0] != n or any(c not in factors for c in scan[1 : 1 + 2 * n : 2]):
        raise unsupported("a JPEG of an odd sampling in several scans")
    blocks = []
    for component, chosen in zip(scan[1 : 1 + 2 * n : 2], scan[2 : 2 + 2 * n : 2], strict=True):
        across, down = factors[component]
        blocks += [(chosen >> 4 & 3, 4 + (chosen & 3))] * (across * down)
    widest, highest = (max(f[axis] for f in factors.values()) for axis in (0, 1))
    n_units = -(-size_px[0] // (8 * widest)) * -(-size_px[1] // (8 * highest))
    outcome = walk(np.frombuffer(codes, np.uint8), tables, np.array(blocks, np.intp), n_units, restart)
    if outcome != SOUND:
        word = "ends early" if outcome == SHORT else "is damaged"
        raise FilmError(
            "truncated" if outcome == SHORT else "corrupt", f"the JPEG {word}: its codes are not whole"
        )


def _read_tables(body: bytes, tables: NDArray[np.uint16]) -> None:
    """The tables of a DHT segment (T.81, B.2.4.2 and annex C)."""
    at = 0
    while at + 17 <= len(body):
        which, counts = body[at], body[at + 1 : at + 17]
        table = tables[(which >> 4 & 1) * 4 + (which & 3)]
        table[:] = 0
        at, code = at + 17, 0
        for length, count in enumerate(counts, start=1):
            for symbol in body[at : at + count]:
                span = 1 << 16 - length
                table[code * span : (code + 1) * span] = length << 8 | symbol
                code += 1
            at, code = at + count, code << 1
