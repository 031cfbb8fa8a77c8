"""Bytes to film: the one decoder of hilum. Training, prediction, service and audit see the pixels it gives.

A film is grey, uint8, (height, width), 0 = black. One rule of intensity holds for all containers: the range that the file declares goes
onto 0 to 255, whatever values occur in it. That rule, and what is decided where standards leave a choice, is ``docs/explanation/films.md``.
Besides:

- A colour JPEG gives its luminance plane as stored. Pillow's ``convert("L")`` goes through RGB instead and
  differs by rounding: by at most 1 on greys, by a little more where a colour lies outside RGB and is cut.
- Other colour becomes BT.601 luma; transparency is laid over black.
- The EXIF orientation of a JPEG or PNG and the orientation tag of a TIFF are applied.
- What is damaged is refused, never filled in: a film cut short has no grey bottom half.
- A film of one grey (blank, or with a window beside all its values) shows nothing and is refused by name.

Whatever the bytes, the answer is a film or a `FilmError` whose `reason` is one of `REASONS`; no other
exception and no warning comes out. It does not judge whether the picture is a chest.
"""

from __future__ import annotations

import io
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import BmpImagePlugin, Image

from hilum.core.errors import FilmError
from hilum.imaging import ifd, jpeg, png, tiff
from hilum.imaging.film import MAX_FILE_BYTES, DecodedFilm, check_size, corrupt, unsupported
from hilum.imaging.intensity import from_depth, luma, over_black
from hilum.imaging.quiet import quietly

SUFFIXES: Final = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".dcm"})
REASONS: Final = (
    "empty",
    "truncated",
    "corrupt",
    "not an image",
    "unsupported",
    "too large",
    "too small",
    "one grey",
    "multi-frame",
    "not a chest film modality",
    "missing DICOM plugin",
    "unreadable",
)

Greys = tuple[NDArray[np.uint8], str]
"""What a reader gives: pixels, upright, and how the file stored them (`DecodedFilm.mode`)."""


def is_film_name(path: Path) -> bool:
    """Whether a path's ending is that of a film. DICOM files without an ending need `sniff`.

    >>> is_film_name(Path("a/person1.JPEG")), is_film_name(Path("films.csv"))
    (True, False)
    """
    return path.suffix.lower() in SUFFIXES


def sniff(data: bytes) -> str | None:
    """The format that the first 132 bytes announce: "png", "jpeg", "bmp", "tiff", "dicom", or None.

    >>> sniff(b"BM...."), sniff(b"%PDF-1.7")
    ('bmp', None)
    """
    if data[128:132] == b"DICM":  # before all else: the 128 bytes in front of it are free (PS3.10 7.1)
        return "dicom"
    if data[:8] == png.SIGNATURE:
        return "png"
    if data[:3] == b"\xff\xd8\xff":
        return "jpeg"
    if data[:2] == b"BM":
        return "bmp"
    if ifd.is_tiff(data):
        return "tiff"
    # DICOM without a preamble begins with an element of group 0002 or 0008, implicit or explicit, little
    # endian
    if (
        data[:2] in (b"\x02\0", b"\x08\0")
        and data[3:4] == b"\0"
        and (data[6:8] == b"\0\0" or data[4:6].isalpha())
    ):
        return "dicom"
    return None


def decode(data: bytes, *, mask: bool = False) -> DecodedFilm:
    """Decode a film.

    Args:
        data: A whole file: PNG, JPEG, BMP, TIFF or DICOM.
        mask: It is a mask of a film, which may be of one grey.

    Raises:
        FilmError: With one of `REASONS`, whatever the bytes.

    >>> decode(b"%PDF-1.7 ...")
    Traceback (most recent call last):
    hilum.core.errors.FilmError: neither PNG, JPEG, BMP, TIFF nor DICOM: it begins with b'%PDF-1.7'
    """
    if not data:
        raise FilmError("empty", "the file holds no bytes")
    kind = sniff(data)
    if kind is None:
        raise _not_a_film(data)
    facts: Mapping[str, str] = {}
    try:
        if kind == "dicom":
            from hilum.imaging.dicom import decode_dicom

            with quietly():
                pixels, mode, facts = decode_dicom(data)
        else:
            pixels, mode = _READERS[kind](data)
    except FilmError:
        raise
    except Exception as e:
        raise _damaged(kind, e) from e
    check_size(pixels.shape[1], pixels.shape[0])
    if not mask and (low := int(pixels.min())) == int(pixels.max()):
        raise FilmError("one grey", f"all {pixels.size} pixels of the film have the grey {low} of 0 to 255")
    return DecodedFilm(np.ascontiguousarray(pixels), kind, mode, facts)


def decode_named(data: bytes, path: Path | str, *, mask: bool = False) -> DecodedFilm:
    """Decode the bytes of a file; the message of an error begins with its path.

    Raises:
        FilmError: As `decode`.
    """
    try:
        return decode(data, mask=mask)
    except FilmError as e:
        raise FilmError(e.reason, f"{path}: {e}") from e


def file_bytes(path: Path) -> bytes:
    """The bytes of a file that may hold a film; the message of an error begins with the path.

    Raises:
        FilmError: "unreadable" when it cannot be read, "too large" above `MAX_FILE_BYTES`.
    """
    try:
        info = path.stat()
        if not stat.S_ISREG(info.st_mode):  # a pipe or a device may be read for ever
            raise FilmError("unreadable", f"{path}: expected a file, got a folder, a pipe or a device")
        if (size := info.st_size) > MAX_FILE_BYTES:
            raise FilmError("too large", f"{path}: {size} bytes; a film has at most {MAX_FILE_BYTES} bytes")
        return path.read_bytes()
    except OSError as e:
        raise FilmError("unreadable", f"{path}: {e.strerror or type(e).__name__}") from e


def decode_file(path: Path, *, mask: bool = False) -> DecodedFilm:
    """Decode the film, or mask, in a file; the message of an error begins with the path.

    Raises:
        FilmError: As `decode` and `file_bytes`.
    """
    return decode_named(file_bytes(path), path, mask=mask)


def _png(data: bytes) -> Greys:
    checked = png.check(data)
    values = png.read(checked)
    if values.shape[2] in (2, 4):
        values = over_black(values[..., :-1], values[..., -1:])
    grey = luma(values) if values.shape[2] == 3 else values[..., 0]
    depth = checked.depth if checked.mode != "P" else 8
    return ifd.upright(from_depth(grey, depth), ifd.orientation(checked.exif)), checked.mode


def _jpeg(data: bytes) -> Greys:
    grey, header = jpeg.read(data)
    return ifd.upright(grey, header.orientation), header.mode


def _bmp(data: bytes) -> Greys:
    with quietly():
        image = BmpImagePlugin.BmpImageFile(io.BytesIO(data))
        check_size(*image.size)
        image.load()
    if image.mode in ("1", "L"):
        return np.asarray(image.convert("L")), image.mode
    rgba = np.asarray(image.convert("RGBA"))
    return luma(over_black(rgba[..., :3], rgba[..., 3:])), image.mode


_READERS: Final[dict[str, Callable[[bytes], Greys]]] = {
    "png": _png,
    "jpeg": _jpeg,
    "bmp": _bmp,
    "tiff": tiff.read,
}


def _not_a_film(data: bytes) -> FilmError:
    """Say why bytes of no format of ours are refused: another picture format, an animation, or no picture."""
    with quietly():
        try:
            image = Image.open(io.BytesIO(data))
            n_frames, name = getattr(image, "n_frames", 1), image.format
        except Exception:  # Pillow's plugins raise whatever they meet
            words = f"neither PNG, JPEG, BMP, TIFF nor DICOM: it begins with {data[:8]!r}"
            return FilmError("not an image", words)
    if n_frames > 1:
        return FilmError("multi-frame", f"a {name} file of {n_frames} pictures; a film is one")
    return unsupported(f"a {name} file; hilum reads PNG, JPEG, BMP, TIFF and DICOM")


def _damaged(kind: str, error: Exception) -> FilmError:
    """The reason behind a decoder's exception. pydicom may quote the header: its words are left out."""
    if isinstance(error, MemoryError):
        return FilmError("too large", f"this machine has not enough memory for the {kind.upper()}'s pixels")
    words = str(error)
    unknown = ("unsupported", "not support", "not been implemented", "unknown pixel mode")
    if isinstance(error, NotImplementedError) or any(sign in words.lower() for sign in unknown):
        shown = "no decoder reads this sort of pixel data" if kind == "dicom" or not words else words
        return unsupported(f"a {kind.upper()} that is not read: {shown}")
    signs = ("truncat", "premature end", "not enough", "unexpected end", "less than expected", "no image")
    short = isinstance(error, EOFError) or any(sign in words.lower() for sign in signs)
    shown = "a value in it cannot be read" if kind == "dicom" or not words else words
    if short:
        return FilmError("truncated", f"the {kind.upper()} ends early: {shown}")
    return corrupt(f"the {kind.upper()} is damaged: {shown}")
