"""TIFF films made by hand, strip by strip, for the tests: any tags and both byte orders."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

HEIGHT, WIDTH = 40, 52
NONE, JPEG, DEFLATE, PACKBITS = 1, 7, 8, 32773
ORDERS = {"II": "<", "MM": ">"}


def colours(kind: type = np.uint8) -> NDArray[Any]:
    """Four smooth samples a pixel, over the whole range of the type."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    top = np.iinfo(kind).max
    samples = np.stack([x / 51, y / 39, (x + y) / 90, 1 - x / 60], axis=-1)
    return np.rint(samples * top).astype(kind)


def tiff(segments: list[bytes], tags: dict[int, list[int]], order: str = "II", tiled: bool = False) -> bytes:
    """A TIFF of these strips or tiles."""
    e, body, offsets = ORDERS[order], b"", []
    for segment in segments:
        offsets.append(8 + len(body))
        body += segment + b"\0" * (len(segment) % 2)
    lengths = [len(s) for s in segments]
    tags = {256: [WIDTH], 257: [HEIGHT], **tags}
    tags |= {324: offsets, 325: lengths} if tiled else {273: offsets, 279: lengths}
    start = 8 + len(body)
    entries, values = b"", b""
    for tag, numbers in sorted(tags.items()):
        kind, letter = (4, "I") if tag in (256, 257, 273, 278, 279, 322, 323, 324, 325) else (3, "H")
        kind, letter = (7, "B") if tag == 347 else (kind, letter)
        held = struct.pack(f"{e}{len(numbers)}{letter}", *numbers)
        if len(held) > 4:
            place = start + 2 + 12 * len(tags) + 4 + len(values)
            values += held + b"\0" * (len(held) % 2)
            held = struct.pack(f"{e}I", place)
        entries += struct.pack(f"{e}HHI", tag, kind, len(numbers)) + held.ljust(4, b"\0")
    directory = struct.pack(f"{e}H", len(tags)) + entries + b"\0" * 4 + values
    return order.encode() + struct.pack(f"{e}HI", 42, start) + body + directory


def luma(rgb: NDArray[Any]) -> NDArray[np.int64]:
    wide = rgb.astype(np.int64)
    return (wide[..., 0] * 19595 + wide[..., 1] * 38470 + wide[..., 2] * 7471 + 32768) >> 16
