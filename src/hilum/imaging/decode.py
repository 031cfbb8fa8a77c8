"""Bytes to film: the one decoder of hilum. Training, prediction, service and audit see the pixels it gives.

Conventions it fixes:

- A film is grey, uint8, (height, width), 0 = black. 16-bit files are scaled by the full range of their bit
  depth, never by what occurs; DICOM's own rules are in `dicom`.
- A colour JPEG gives its luminance plane as stored. Pillow's ``convert("L")`` goes through RGB instead and
  differs by rounding: by at most 1 on greys, by a little more where a colour lies outside RGB and is cut.
- Other colour becomes BT.601 luma; transparency is laid over black.
- The EXIF orientation of a JPEG and the orientation tag of a TIFF are applied.
- What is damaged is refused, never filled in: a film cut short has no grey bottom half.

Whatever the bytes, the answer is a film or a `FilmError` whose `reason` is one of `REASONS`; no other
exception and no warning comes out. It does not judge whether the picture is a chest.
"""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import BmpImagePlugin, Image, JpegImagePlugin, PngImagePlugin, TiffImagePlugin

from hilum.core.errors import FilmError
from hilum.imaging import png
from hilum.imaging.film import MAX_FILE_BYTES, DecodedFilm, check_size
from hilum.imaging.intensity import from_depth, luma, over_black

__all__ = [
    "REASONS",
    "SUFFIXES",
    "DecodedFilm",
    "decode",
    "decode_file",
    "file_bytes",
    "is_film_name",
    "sniff",
]

SUFFIXES: Final = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".dcm"})
REASONS: Final = (
    "empty",
    "truncated",
    "corrupt",
    "not an image",
    "unsupported",
    "too large",
    "too small",
    "multi-frame",
    "not a chest film modality",
    "missing DICOM plugin",
    "unreadable",
)

_TIFF_COMPRESSIONS: Final = ("raw", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits", "jpeg")
_ORIENTATION_TAG, _BITS_PER_SAMPLE_TAG, _PHOTOMETRIC_TAG, _WHITE_IS_ZERO = 274, 258, 262, 0
_TURNS: Final[dict[int, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]]] = {
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).T,
    8: lambda a: np.rot90(a, 1),
}
"""EXIF orientation -> what sets the picture upright (Exif 2.32, tag 274)."""

_quiet_lock = threading.RLock()  # the filters of `warnings` belong to the whole process


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
    if data[:8] == png.SIGNATURE:
        return "png"
    if data[:3] == b"\xff\xd8\xff":
        return "jpeg"
    if data[:2] == b"BM":
        return "bmp"
    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "tiff"
    if data[128:132] == b"DICM":
        return "dicom"
    # DICOM without a preamble begins with an element of group 0002 or 0008, implicit or explicit, little
    # endian
    if (
        data[:2] in (b"\x02\0", b"\x08\0")
        and data[3:4] == b"\0"
        and (data[6:8] == b"\0\0" or data[4:6].isalpha())
    ):
        return "dicom"
    return None


def decode(data: bytes) -> DecodedFilm:
    """Decode a film.

    Args:
        data: A whole file: PNG, JPEG, BMP, TIFF or DICOM.

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
    try:
        film = _DECODERS[kind](data)
    except FilmError:
        raise
    except Exception as e:
        raise _damaged(kind, e, data) from e
    check_size(film.width_px, film.height_px)
    return film


def file_bytes(path: Path) -> bytes:
    """The bytes of a file that may hold a film; the message of an error begins with the path.

    Raises:
        FilmError: "unreadable" when it cannot be read, "too large" above `MAX_FILE_BYTES`.
    """
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise FilmError(
                "too large", f"{path}: {size} bytes; a film has at most {MAX_FILE_BYTES} bytes"
            ) from None
        return path.read_bytes()
    except OSError as e:
        raise FilmError("unreadable", f"{path}: {e.strerror or type(e).__name__}") from e


def decode_file(path: Path) -> DecodedFilm:
    """Decode the film in a file; the message of an error begins with the path.

    Raises:
        FilmError: As `decode` and `file_bytes`.
    """
    data = file_bytes(path)
    try:
        return decode(data)
    except FilmError as e:
        raise FilmError(e.reason, f"{path}: {e}") from e


def _film(pixels: NDArray[np.uint8], kind: str, mode: str) -> DecodedFilm:
    height, width = pixels.shape
    return DecodedFilm(np.ascontiguousarray(pixels), kind, width, height, mode)


def _png(data: bytes) -> DecodedFilm:
    checked = png.check(data)
    values = png.read(checked)
    if values is None:
        return _pillow(PngImagePlugin.PngImageFile, "png", data)
    n_channels = values.shape[2]
    grey = values[..., 0] if n_channels < 3 else None
    if n_channels in (2, 4):
        values = over_black(values[..., :-1], values[..., -1:])
        grey = values[..., 0]
    if n_channels >= 3:
        grey = luma(values)
    assert grey is not None
    return _film(from_depth(grey, checked.depth), "png", checked.mode)


def _jpeg(data: bytes) -> DecodedFilm:
    height, width, colour, _ = simplejpeg.decode_jpeg_header(data)
    check_size(width, height)
    if colour in ("CMYK", "YCCK"):
        film = _pillow(JpegImagePlugin.JpegImageFile, "jpeg", data)
    else:
        grey = simplejpeg.decode_jpeg(data, colorspace="GRAY", strict=True)[:, :, 0]
        film = _film(grey, "jpeg", "L" if colour == "Gray" else "RGB")
    if b"Exif\0\0" not in data[:65536]:
        return film
    with _quietly():
        orientation = JpegImagePlugin.JpegImageFile(io.BytesIO(data)).getexif().get(_ORIENTATION_TAG)
    turn = _TURNS.get(orientation) if isinstance(orientation, int) else None
    return film if turn is None else _film(turn(film.pixels), "jpeg", film.mode)


def _bmp(data: bytes) -> DecodedFilm:
    return _pillow(BmpImagePlugin.BmpImageFile, "bmp", data)


def _tiff(data: bytes) -> DecodedFilm:
    order: Literal["little", "big"] = "little" if data[:2] == b"II" else "big"
    big = data[2:4] not in (b"*\0", b"\0*")  # BigTIFF: 8-byte offsets, 20-byte entries
    offset_bytes, count_bytes, entry_bytes = (8, 8, 20) if big else (4, 2, 12)
    start = int.from_bytes(data[offset_bytes : 2 * offset_bytes], order)
    n_entries = int.from_bytes(data[start : start + count_bytes], order)
    if start + count_bytes + n_entries * entry_bytes > len(data):
        raise FilmError("truncated", "the TIFF ends within its directory")
    return _pillow(TiffImagePlugin.TiffImageFile, "tiff", data)


def _dicom(data: bytes) -> DecodedFilm:
    from hilum.imaging.dicom import decode_dicom

    with _quietly():
        return decode_dicom(data)


_DECODERS: Final[dict[str, Callable[[bytes], DecodedFilm]]] = {
    "png": _png,
    "jpeg": _jpeg,
    "bmp": _bmp,
    "tiff": _tiff,
    "dicom": _dicom,
}


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep the warnings of Pillow and pydicom about what they read to themselves; one thread at a time."""
    with _quiet_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _pillow(plugin: Callable[[io.BytesIO], Image.Image], kind: str, data: bytes) -> DecodedFilm:
    """Decode by one of Pillow's plugins, named so that no other one tries the bytes."""
    with _quietly():
        image = plugin(io.BytesIO(data))
        check_size(*image.size)
        n_frames = getattr(image, "n_frames", 1)
        if n_frames > 1:
            raise FilmError("multi-frame", f"the {kind.upper()} holds {n_frames} pictures; a film is one")
        packing = image.info.get("compression")
        if kind == "tiff" and packing not in _TIFF_COMPRESSIONS:
            raise FilmError("unsupported", f"a TIFF compressed by {packing!r}; known: {_TIFF_COMPRESSIONS}")
        mode = image.mode
        image.load()
        return _film(_grey(image), kind, mode)


def _grey(image: Image.Image) -> NDArray[np.uint8]:
    """The greys of a loaded Pillow image."""
    mode, key = image.mode, image.info.get("transparency")
    if mode.startswith("I;16"):
        values = np.asarray(image).astype(np.uint16)
        tags = getattr(image, "tag_v2", {})
        bits = tags.get(_BITS_PER_SAMPLE_TAG, (16,))
        grey = from_depth(values, int(bits[0] if isinstance(bits, tuple) else bits))
        if isinstance(key, int):
            grey[values == key] = 0
        # Pillow turns WhiteIsZero round for 8 bits but not for 16
        return 255 - grey if tags.get(_PHOTOMETRIC_TAG) == _WHITE_IS_ZERO else grey
    if mode in ("I", "F", "LAB", "HSV"):
        raise FilmError("unsupported", f"pixels of Pillow's mode {mode!r}; a film has 1 to 16 bits a sample")
    if mode in ("LA", "La", "PA", "RGBA", "RGBa") or key is not None or mode == "P":
        rgba = np.asarray(image.convert("RGBA"))
        return luma(over_black(rgba[..., :3], rgba[..., 3:]))
    if mode in ("1", "L"):
        return np.asarray(image.convert("L"))
    return luma(np.asarray(image.convert("RGB")))


def _not_a_film(data: bytes) -> FilmError:
    """Say why bytes of no format of ours are refused: another picture format, an animation, or no picture."""
    with _quietly():
        try:
            image = Image.open(io.BytesIO(data))
            n_frames, name = getattr(image, "n_frames", 1), image.format
        except Exception:  # Pillow's plugins raise whatever they meet
            words = f"neither PNG, JPEG, BMP, TIFF nor DICOM: it begins with {data[:8]!r}"
            return FilmError("not an image", words)
    if n_frames > 1:
        return FilmError("multi-frame", f"a {name} file of {n_frames} pictures; a film is one")
    return FilmError("unsupported", f"a {name} file; hilum reads PNG, JPEG, BMP, TIFF and DICOM")


def _damaged(kind: str, error: Exception, data: bytes) -> FilmError:
    """The reason behind a decoder's exception. pydicom may quote the header: its words are left out."""
    if isinstance(error, MemoryError):
        return FilmError("too large", f"this machine has not enough memory for the {kind.upper()}'s pixels")
    words = str(error)
    signs = ("truncat", "premature end", "not enough", "unexpected end", "less than expected", "no image")
    short = isinstance(error, EOFError) or any(sign in words.lower() for sign in signs)
    short = short or (kind == "jpeg" and b"\xff\xd9" not in data)
    shown = type(error).__name__ if kind == "dicom" or not words else words
    if short:
        return FilmError("truncated", f"the {kind.upper()} ends early: {shown}")
    return FilmError("corrupt", f"the {kind.upper()} is damaged: {shown}")
