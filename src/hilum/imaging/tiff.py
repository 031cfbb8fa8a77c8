"""TIFF to film: what is read, what is refused by name, and the strips that no library puts together rightly.

Read are whole pages of unsigned samples: grey of 1 to 16 bits and palettes; grey or RGB of 8 or 16 bits with any further samples, the first
of which is alpha where the file says so, in one plane or one plane a sample; YCbCr and CMYK of 8 bits. Strips or tiles, both byte
orders, BigTIFF too. Signed and floating samples are "unsupported": TIFF does not say which of their values is black.

Strips of JPEG go through `jpeg`, one by one, because libtiff fills in what is missing from them. Grey and RGB are unpacked strip by strip
(`tiff_packing`), because Pillow cuts 16-bit colour to 8, mixes up planes of 16 bits and knows few depths. It reads the rest.
"""

from __future__ import annotations

import io
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import TiffImagePlugin

from hilum.core.errors import FilmError
from hilum.imaging import ifd, jpeg
from hilum.imaging.film import MAX_PIXELS, check_size, corrupt, unsupported
from hilum.imaging.intensity import from_depth, luma, over_black
from hilum.imaging.quiet import quietly
from hilum.imaging.tiff_packing import DEFLATE, LZW, unpacked

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER = 256, 257, 258, 259, 262, 266
_STRIP_OFFSETS, _SAMPLES, _ROWS_PER_STRIP, _STRIP_BYTES, _PLANAR, _PREDICTOR = 273, 277, 278, 279, 284, 317
_TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_BYTES = 322, 323, 324, 325
_EXTRA, _FORMAT, _JPEG_TABLES, _CHROMA = 338, 339, 347, 530
_UNSAID, _WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR = -1, 0, 1, 2, 3, 5, 6
_ASSOCIATED, _UNASSOCIATED = 1, 2  # alpha; with the first the colours are laid over black already
_JPEG: Final = 7
_MOST_SAMPLES: Final = 8
_COMPRESSIONS: Final = {
    1: "none", 5: "LZW", 7: "JPEG", 8: "Deflate", 32773: "PackBits", 32946: "Deflate (old number)",
}  # fmt: skip
_TURNED: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
"""A byte -> its bits the other way round (fill order 2)."""
_PREDICTED: Final = (LZW, *DEFLATE)
"""Compressions before which samples may be stored as differences."""
_FORMATS: Final = {2: "signed", 3: "floating-point", 5: "complex", 6: "complex"}


class Page(NamedTuple):
    """What decides how the first page of a TIFF is read."""

    data: bytes
    tags: ifd.Directory
    width_px: int
    height_px: int
    bits: int
    n_samples: int
    photometric: int
    compression: int

    @property
    def planes(self) -> bool:
        """Whether each sample has a plane of its own."""
        return self.n_samples > 1 and self.tags.one(_PLANAR, 1) == 2

    @property
    def tiled(self) -> bool:
        """Whether it is cut into tiles, not strips."""
        return _TILE_OFFSETS in self.tags.tags


def read(data: bytes) -> tuple[NDArray[np.uint8], str]:
    """Decode a TIFF.

    Returns:
        Greys, shape (height, width), upright; and Pillow's word for how they were stored.

    Raises:
        FilmError: "unsupported" by name, "multi-frame", "too large", "too small", "truncated" or "corrupt".
        Exception: Whatever Pillow raises for damaged data.
    """
    page = _page(data)
    if page.compression == _JPEG:
        grey, mode = _of_jpegs(page), "L" if page.n_samples == 1 else "RGB"
    elif page.photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB):
        grey, mode = _of_samples(page)
    else:
        return _by_pillow(page)  # which sets it upright by itself
    return ifd.upright(grey, page.tags.one(ifd.ORIENTATION, 1)), mode


def _page(data: bytes) -> Page:
    tags = ifd.read(data)
    bits = tags.tags.get(_BITS, (1,))
    page = Page(
        data,
        tags,
        width_px=tags.one(_WIDTH, 0),
        height_px=tags.one(_HEIGHT, 0),
        bits=bits[0],
        n_samples=tags.one(_SAMPLES, 1),
        photometric=tags.one(_PHOTOMETRIC, _UNSAID),
        compression=tags.one(_COMPRESSION, 1),
    )
    check_size(page.width_px, page.height_px)
    if tags.following:
        raise FilmError("multi-frame", "the TIFF holds several pictures; a film is one")
    _check_supported(page, set(bits))
    offsets, counts = _segments(page)
    if any(o + n > len(data) for o, n in zip(offsets, counts, strict=True)):
        raise FilmError("truncated", "the TIFF ends within its pixels")
    return page


def _check_supported(page: Page, bits: set[int]) -> None:
    if page.photometric == _UNSAID:
        raise corrupt("the TIFF has no tag 262, which says whether zero is black")
    if page.compression not in _COMPRESSIONS:
        known = ", ".join(_COMPRESSIONS.values())
        raise unsupported(f"a TIFF of compression {page.compression}; read are {known}")
    for number in page.tags.tags.get(_FORMAT, ()):
        if number in _FORMATS:
            raise unsupported(f"a TIFF of {_FORMATS[number]} samples; a film has unsigned whole numbers")
    n, deep = page.n_samples, bits if len(bits) == 1 else {0}
    whole = page.tags.tags.get(_CHROMA, (1, 1)) == (1, 1)  # of chroma; libtiff alone puts samples together
    sorts: dict[int, tuple[bool, set[int]]] = {
        _WHITE_IS_ZERO: (1 <= n <= _MOST_SAMPLES, set(range(1, 17)) if n == 1 else {8, 16}),
        _BLACK_IS_ZERO: (1 <= n <= _MOST_SAMPLES, set(range(1, 17)) if n == 1 else {8, 16}),
        _RGB: (3 <= n <= _MOST_SAMPLES, {8, 16}),
        _PALETTE: (n == 1, {1, 2, 4, 8}),
        _CMYK: (n == 4 and not page.planes and page.compression != _JPEG, {8}),
        _YCBCR: (n == 3 and (page.compression == _JPEG or (whole and not page.planes)), {8}),
    }
    possible, depths = sorts.get(page.photometric, (False, set[int]()))
    if page.compression == _JPEG:
        depths &= {8}
        possible = possible and page.photometric != _PALETTE and n in (1, 3)
    plain = page.n_samples == 1 or page.tags.one(_FILL_ORDER, 1) == 1
    plain = plain and page.tags.one(_PREDICTOR, 1) in ((1, 2) if deep <= {8, 16} else (1,))
    if not (possible and deep <= depths and plain):
        shown = "/".join(map(str, sorted(bits)))
        raise unsupported(
            f"a TIFF of {n} samples of {shown} bits, photometric interpretation {page.photometric}, "
            f"compression {_COMPRESSIONS[page.compression]}"
        )


def _segments(page: Page) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Offsets and byte counts of strips or tiles."""
    tags = page.tags.tags
    offsets = tags.get(_TILE_OFFSETS if page.tiled else _STRIP_OFFSETS, ())
    counts = tags.get(_TILE_BYTES if page.tiled else _STRIP_BYTES, ())
    width, height, across, down = _grid(page)
    if not counts and page.compression == 1:  # old writers leave them out
        whole = -(-width * (1 if page.planes else page.n_samples) * page.bits // 8) * height
        counts = tuple(min(whole, max(len(page.data) - o, 0)) for o in offsets)
    expected = across * down * (page.n_samples if page.planes else 1)
    if not len(offsets) == len(counts) == expected:
        raise corrupt(
            f"the TIFF lists {len(offsets)} strips or tiles and {len(counts)} lengths, not {expected}"
        )
    return offsets, counts


def _grid(page: Page) -> tuple[int, int, int, int]:
    """Width and height of a strip or tile, and how many stand beside and above each other."""
    width, height = page.width_px, min(page.tags.one(_ROWS_PER_STRIP, page.height_px), page.height_px)
    if page.tiled:
        width, height = page.tags.one(_TILE_WIDTH, 0), page.tags.one(_TILE_HEIGHT, 0)
    if width <= 0 or height <= 0:
        raise corrupt(f"the TIFF has strips or tiles of {width} x {height} px")
    return width, height, -(-page.width_px // width), -(-page.height_px // height)


def _of_jpegs(page: Page) -> NDArray[np.uint8]:
    """Greys of a page whose strips or tiles are JPEG streams (TIFF Technical Note 2)."""
    width, height, across, down = _grid(page)
    tables = bytes(page.tags.tags.get(_JPEG_TABLES, ()))
    n_planes = page.n_samples if page.planes else 1
    planes = np.empty((n_planes, page.height_px, page.width_px), np.uint8)
    for k, (offset, count) in enumerate(zip(*_segments(page), strict=True)):
        stream = page.data[offset : offset + count]
        if tables:  # an abbreviated stream: SOI and tables, without their EOI, then all but its own SOI
            stream = tables.removesuffix(b"\xff\xd9") + stream.removeprefix(b"\xff\xd8")
        if page.photometric in (_RGB, _YCBCR) and not page.planes:
            stream = jpeg.with_colours(stream, rgb=page.photometric == _RGB)
        plane, place = divmod(k, across * down)
        top, left = place // across * height, place % across * width
        target = planes[plane, top : top + height, left : left + width]
        grey, found = jpeg.read(stream, part=True)
        if found.width_px != width or found.height_px < len(target):
            raise corrupt(
                f"a strip of {width} x {len(target)} px holds a JPEG of {found.width_px} x {found.height_px}"
            )
        target[:] = grey[: target.shape[0], : target.shape[1]]
    if n_planes > 1 and page.photometric == _RGB:
        return np.asarray(luma(np.moveaxis(planes, 0, -1)), np.uint8)
    return np.asarray(255 - planes[0] if page.photometric == _WHITE_IS_ZERO else planes[0])


def _of_samples(page: Page) -> tuple[NDArray[np.uint8], str]:
    """Greys of a page of grey or RGB samples, and further ones, of which the first may be alpha."""
    n_planes, n_of_each = (page.n_samples, 1) if page.planes else (1, page.n_samples)
    samples = np.concatenate([_in_plane(page, n_of_each, k) for k in range(n_planes)], axis=2)
    n_colours = 3 if page.photometric == _RGB else 1
    colours = samples[..., :n_colours]
    extra = page.tags.one(_EXTRA, 0)
    if extra == _UNASSOCIATED:
        colours = over_black(colours, samples[..., n_colours : n_colours + 1])
    grey = from_depth(luma(colours) if n_colours == 3 else colours[..., 0], page.bits)
    mode = "RGB" if n_colours == 3 else "L"
    if samples.shape[2] == 1 and n_colours == 1:
        mode = "1" if page.bits == 1 else "I;16" if page.bits > 8 else "L"
    mode += "A" if extra in (_ASSOCIATED, _UNASSOCIATED) else ""
    return 255 - grey if page.photometric == _WHITE_IS_ZERO else grey, mode


def _in_plane(page: Page, n_samples: int, plane: int) -> NDArray[Any]:
    """Samples of the strips or tiles of one plane, `n_samples` a pixel: (height, width, n_samples), uint8 or uint16."""
    width, height, across, down = _grid(page)
    first = plane * across * down
    offsets, counts = _segments(page)
    if width * height > MAX_PIXELS:
        raise FilmError("too large", f"the TIFF has tiles of {width} x {height} px")
    kind = np.uint16 if page.bits > 8 else np.uint8
    out = np.empty((page.height_px, page.width_px, n_samples), kind)
    differences = page.compression in _PREDICTED and page.tags.one(_PREDICTOR, 1) == 2
    for k in range(across * down):
        top, left = k // across * height, k % across * width
        rows = height if page.tiled else min(height, page.height_px - top)
        part = page.data[offsets[first + k] : offsets[first + k] + counts[first + k]]
        values = _unpacked(page, part, rows, width * n_samples).reshape(rows, width, n_samples)
        if differences:  # each sample is stored as what it adds to its left neighbour
            values = np.cumsum(values, axis=1, dtype=values.dtype)
        target = out[top : top + rows, left : left + width]
        target[:] = values[: target.shape[0], : target.shape[1]]
    return out


def _unpacked(page: Page, part: bytes, rows: int, columns: int) -> NDArray[Any]:
    """The values of one strip or tile, shape (rows, columns), in the machine's byte order; rows begin with a byte."""
    if page.tags.one(_FILL_ORDER, 1) == 2:
        part = part.translate(_TURNED)
    row_bytes = -(-columns * page.bits // 8)
    held = unpacked(part, page.compression, rows * row_bytes)
    if page.bits in (8, 16):
        kind = np.dtype(f"{'<' if page.tags.order == 'little' else '>'}u{page.bits // 8}")
        return held.view(kind).astype(kind.newbyteorder("=")).reshape(rows, columns)
    bits = np.unpackbits(held.reshape(rows, row_bytes), axis=1)[:, : columns * page.bits]
    values = np.zeros((rows, columns), np.uint16 if page.bits > 8 else np.uint8)
    for k in range(page.bits):
        values = (values << 1) | bits[:, k :: page.bits]
    return values


def _by_pillow(page: Page) -> tuple[NDArray[np.uint8], str]:
    with quietly():
        image = TiffImagePlugin.TiffImageFile(io.BytesIO(page.data))
        mode = image.mode
        image.load()
    return luma(np.asarray(image.convert("RGB"))), mode
