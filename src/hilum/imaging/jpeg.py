"""JPEG: the one reader of JPEG streams, whether a file, a strip of a TIFF or a frame of a DICOM film.

A colour stream gives its luminance plane as stored, one that stores RGB gives luma. Damage is an error: TurboJPEG reads strictly, so
nothing that it filled in comes back as a film. What no decoder here reads (12 and 16 bits, lossless, hierarchical, a height given after the
picture) is "unsupported" and named, by the header alone (ITU-T T.81, tables B.1 and B.2).
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import JpegImagePlugin

from hilum.core.errors import FilmError
from hilum.imaging import ifd
from hilum.imaging.film import MAX_PIXELS, check_size, corrupt, unsupported
from hilum.imaging.intensity import luma
from hilum.imaging.jpeg_scan import check_codes
from hilum.imaging.quiet import quietly

_SOS, _EOI, _APP1, _APP14 = 0xDA, 0xD9, 0xE1, 0xEE
_ALONE: Final = frozenset({0x01, 0xD8})  # markers without a length, besides those of restarts
_MARKER: Final = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]", re.DOTALL)
_FRAMES: Final = (frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}) | {0xF7}  # the last is JPEG-LS
_READ: Final = frozenset({0xC0, 0xC1, 0xC2, 0xC9, 0xCA})
"""Baseline, extended, progressive; the last two with arithmetic coding."""
_PROGRESSIVE: Final = frozenset({0xC2, 0xCA})
_EXIF: Final = b"Exif\0\0"


class Header(NamedTuple):
    """What the segments before the picture say.

    Attributes:
        process: Second byte of the frame's marker: 0xC0 for baseline ... 0xCF.
        precision: Bits a sample.
        sampling: (horizontal, vertical) factor of each component.
        orientation: EXIF orientation, 1 when there is none.
    """

    width_px: int
    height_px: int
    process: int
    precision: int
    sampling: tuple[tuple[int, int], ...]
    orientation: int

    @property
    def mode(self) -> str:
        """Pillow's word for its colours."""
        return {1: "L", 4: "CMYK"}.get(len(self.sampling), "RGB")


def header(data: bytes) -> Header:
    """Walk the segments up to the first scan, however many there are.

    Raises:
        FilmError: "truncated" when the file ends before its picture, "corrupt" when no frame is declared.
    """
    frame, process, exif = b"", 0, b""
    for marker, body in _head(data)[0]:
        if marker in _FRAMES and not frame:
            frame, process = body, marker
        elif marker == _APP1 and body.startswith(_EXIF):
            exif += body[len(_EXIF) :]  # a block of more than 64 kB goes on in the next segment
    n_components = frame[5] if len(frame) > 5 else 0
    if len(frame) < 6 + 3 * n_components or not n_components:
        raise corrupt("the JPEG declares no frame before its first scan")
    factors = frame[7 : 6 + 3 * n_components : 3]
    return Header(
        width_px=int.from_bytes(frame[3:5]),
        height_px=int.from_bytes(frame[1:3]),
        process=process,
        precision=frame[0],
        sampling=tuple((f >> 4, f & 15) for f in factors),
        orientation=ifd.orientation(exif),
    )


def _head(data: bytes) -> tuple[list[tuple[int, bytes]], int]:
    """(marker, body) of each segment up to the first scan's, and where that ends."""
    segments: list[tuple[int, bytes]] = []
    for marker, body, end in _walk(data):
        segments.append((marker, body))
        if marker == _SOS:
            return segments, end
    raise FilmError("truncated", "the JPEG ends before its picture")


def _walk(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    """(marker, body, where it ends) of every segment, scan headers included; what stands between is passed over, as decoders do."""
    at = 2
    while found := _MARKER.search(data, at):
        marker, at = data[found.end() - 1], found.end()
        if marker == _EOI:
            return
        if marker not in _ALONE:
            length = max(int.from_bytes(data[at : at + 2]), 2)
            yield marker, data[at + 2 : at + length], at + length
            at += length


def read(data: bytes, *, part: bool = False) -> tuple[NDArray[np.uint8], Header]:
    """Decode a stream as it lies, without its orientation: greys (height, width) and the header. A `part` may be smaller than a film.

    Raises:
        FilmError: "unsupported", "too large", "too small", "truncated" or "corrupt".
    """
    found = header(data)
    _check_supported(found)
    if not part or found.width_px * found.height_px > MAX_PIXELS:
        check_size(found.width_px, found.height_px)
    try:
        if found.process in _PROGRESSIVE:
            _check_complete(data)
        if len(found.sampling) == 4:
            return _four_inks(data), found
        grey: NDArray[np.uint8] = simplejpeg.decode_jpeg(data, colorspace="GRAY", strict=True)[:, :, 0]
    except ValueError as e:
        if "subsampling" in str(e):
            return _oddly_sampled(data, found), found
        raise _damaged(data, str(e)) from e
    return grey, found


def with_colours(data: bytes, *, rgb: bool) -> bytes:
    """Say in a stream that does not say it whether it stores RGB or luminance and chroma.

    A stream that names its colours itself (a JFIF or Adobe segment) stays as it is. The segment added is
    Adobe's (APP14), which decoders obey.
    """
    for marker, body in _head(data)[0]:
        if (marker == 0xE0 and body.startswith(b"JFIF\0")) or (marker == _APP14 and body[:5] == b"Adobe"):
            return data
    adobe = b"Adobe\0\x64\0\0\0\0" + bytes([0 if rgb else 1])
    return data[:2] + bytes([0xFF, _APP14]) + (len(adobe) + 2).to_bytes(2) + adobe + data[2:]


def _check_supported(found: Header) -> None:
    if found.process not in _READ:
        sort = {0xC3: "a lossless JPEG", 0xCB: "a lossless JPEG", 0xF7: "a JPEG-LS"}
        word = sort.get(found.process, "a hierarchical JPEG")
        raise unsupported(f"{word} (frame marker FF{found.process:02X}) outside DICOM")
    if found.precision != 8:
        raise unsupported(f"a JPEG of {found.precision} bits a sample; 8 are read")
    if len(found.sampling) not in (1, 3, 4):
        raise unsupported(f"a JPEG of {len(found.sampling)} components; 1, 3 or 4 are read")
    if not found.height_px:
        raise unsupported("a JPEG that gives its height after the picture (DNL)")


def _check_complete(data: bytes) -> None:
    """Refuse a progressive stream that lacks scans: it is a sound stream, of a coarser picture (T.81, G.1.1)."""
    exact: dict[int, set[int]] = {}
    for marker, scan, _ in _walk(data):
        n = scan[0] if scan else 0
        if marker == _SOS and len(scan) >= 4 + 2 * n:
            first, last, bits = scan[1 + 2 * n : 4 + 2 * n]
            for component in scan[1 : 1 + 2 * n : 2]:
                exact.setdefault(component, set()).update(range(first, last + 1) if bits & 15 == 0 else ())
    lacking = [component for component, known in exact.items() if len(known) < 64]
    if lacking or not exact:
        raise FilmError("truncated", "the progressive JPEG ends before its last scans")


def _oddly_sampled(data: bytes, found: Header) -> NDArray[np.uint8]:
    """Samplings such as 3x2, which TurboJPEG's interface has no word for; Pillow reads them, and fills in damage."""
    if found.process not in (0xC0, 0xC1) or len(found.sampling) != 3:
        factors = ", ".join(f"{h}x{v}" for h, v in found.sampling)
        raise unsupported(f"a JPEG, not baseline, whose components are sampled {factors}")
    segments, end = _head(data)
    frame = next(body for marker, body in segments if marker in _FRAMES)
    check_codes(segments, data[end:], (found.width_px, found.height_px), frame)
    with quietly():
        image = JpegImagePlugin.JpegImageFile(io.BytesIO(data))
        image.draft("L", image.size)
        image.load()
        return np.asarray(image.convert("L"))


def _four_inks(data: bytes) -> NDArray[np.uint8]:
    """CMYK and YCCK, by Pillow's conversion to RGB; TurboJPEG reads it too, because it minds damage."""
    simplejpeg.decode_jpeg(data, colorspace="CMYK", strict=True)
    with quietly():
        image = JpegImagePlugin.JpegImageFile(io.BytesIO(data))
        image.load()
        grey: NDArray[np.uint8] = luma(np.asarray(image.convert("RGB")))
        return grey


def _damaged(data: bytes, words: str) -> FilmError:
    early = ("premature end", "unexpected end", "truncat")
    if b"\xff\xd9" not in data or any(sign in words.lower() for sign in early):
        return FilmError("truncated", f"the JPEG ends early: {words}")
    return corrupt(f"the JPEG is damaged: {words}")
