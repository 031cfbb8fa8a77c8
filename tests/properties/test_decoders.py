"""Whatever the bytes: a film or a FilmError of a known reason; no other exception, and no warning either."""

from __future__ import annotations

import io
import runpy
import struct
import zlib
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hilum.core.errors import FilmError
from hilum.imaging import png
from hilum.imaging.decode import REASONS, decode

HEIGHT, WIDTH = 24, 30


@lru_cache(maxsize=1)
def good_files() -> dict[str, bytes]:
    """Small sound files of every sort the decoder reads."""
    grey = (np.add.outer(np.arange(HEIGHT) * 5, np.arange(WIDTH) * 4)).astype(np.uint8)
    film = Image.fromarray(grey)
    colour = Image.merge("RGB", [film, film.rotate(180), film])
    kinds = {
        "png": (film, "PNG", {}),
        "png 16 bit": (Image.fromarray(grey.astype(np.uint16) * 200), "PNG", {}),
        "png palette": (colour.quantize(30), "PNG", {}),
        "jpeg": (film, "JPEG", {}),
        "jpeg colour": (colour, "JPEG", {"progressive": True}),
        "jpeg cmyk": (colour.convert("CMYK"), "JPEG", {}),
        "bmp": (film, "BMP", {}),
        "bmp colour": (colour, "BMP", {}),
        "tiff": (film, "TIFF", {}),
        "tiff 16 bit": (Image.fromarray(grey.astype(np.uint16) * 200), "TIFF", {"compression": "tiff_lzw"}),
        "tiff colour": (colour, "TIFF", {"compression": "tiff_adobe_deflate"}),
        "tiff jpeg": (colour, "TIFF", {"compression": "jpeg"}),
        "tiff palette": (colour.quantize(30), "TIFF", {}),
    }
    files = {}
    for name, (image, format_, options) in kinds.items():
        out = io.BytesIO()
        image.save(out, format_, **options)
        files[name] = out.getvalue()
    return files | dicom_files(grey)


def dicom_files(grey: np.ndarray) -> dict[str, bytes]:
    try:
        import pydicom  # noqa: F401
    except ImportError:
        return {}
    from pydicom.uid import (
        ExplicitVRBigEndian,
        ImplicitVRLittleEndian,
        JPEG2000Lossless,
        JPEGBaseline8Bit,
        JPEGLSLossless,
        RLELossless,
    )

    made = runpy.run_path(str(Path(__file__).parents[1] / "dicom_films.py"))
    film_of, bytes_of, packed = made["film_of"], made["bytes_of"], made["packed"]
    window = {"WindowCenter": "600", "WindowWidth": "900", "RescaleSlope": "2", "RescaleIntercept": "-10"}
    deep = grey.astype(np.int64) * 4

    def jpeg(format_: str, **options: object) -> bytes:
        out = io.BytesIO()
        Image.fromarray(grey).save(out, format_, **options)
        return out.getvalue()

    table = made["look_up_table"](-10, np.arange(4096) * 16, 16, "SS")
    big_table = made["look_up_table"](0, np.arange(4096) * 16, 16, order=">")
    run_lengths = film_of(deep, 12, HighBit=13)
    run_lengths.compress(RLELossless)
    films = {
        "dicom": film_of(deep, 12, PhotometricInterpretation="MONOCHROME1", **window),
        "dicom implicit": film_of(
            deep << 4, 12, False, ImplicitVRLittleEndian, HighBit=15, VOILUTSequence=table
        ),
        "dicom big endian": film_of(deep, 12, False, ExplicitVRBigEndian, ModalityLUTSequence=big_table),
        "dicom signed": film_of(deep - 2048, 12, True, WindowCenter="-1500", WindowWidth="800"),
        "dicom rle": run_lengths,
        "dicom jpeg": packed(film_of(grey, 8), jpeg("JPEG"), JPEGBaseline8Bit),
        "dicom jpeg 2000": packed(film_of(grey, 8), jpeg("JPEG2000", no_jp2=True), JPEG2000Lossless),
    }
    try:
        import jpeg_ls

        films["dicom jpeg-ls"] = packed(film_of(grey, 8), bytes(jpeg_ls.encode(grey)), JPEGLSLossless)
    except ImportError:
        pass
    return {name: bytes_of(film) for name, film in films.items()}


def film_or_reason(data: bytes) -> str:
    try:
        film = decode(data)
    except FilmError as error:
        return error.reason if str(error) and error.reason in REASONS else f"{error.reason!r} is no reason"
    assert film.pixels.dtype == np.uint8
    assert film.pixels.shape == (film.height_px, film.width_px)
    return "film"


@given(
    data=st.binary(max_size=400),
    head=st.sampled_from([b"", png.SIGNATURE, b"\xff\xd8\xff", b"BM", b"II*\0", b"MM\0*"]),
)
@settings(max_examples=150, deadline=None)
def test_any_bytes(data: bytes, head: bytes) -> None:
    assert film_or_reason(head + data) in (*REASONS, "film")


@given(data=st.binary(max_size=400))
@settings(max_examples=50, deadline=None)
def test_any_bytes_as_dicom(data: bytes) -> None:
    assert film_or_reason(bytes(128) + b"DICM" + data) in (*REASONS, "film")


@given(name=st.sampled_from(sorted(good_files())), data=st.data())
@settings(max_examples=400, deadline=None)
def test_a_sound_file_with_bytes_changed(name: str, data: st.DataObject) -> None:
    changed = bytearray(good_files()[name])
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))

    assert film_or_reason(bytes(changed)) in (*REASONS, "film")


@given(name=st.sampled_from(sorted(good_files())), share=st.floats(0.0, 0.97))
@settings(max_examples=200, deadline=None)
def test_a_sound_file_cut_short_is_never_a_film(name: str, share: float) -> None:
    whole = good_files()[name]

    assert film_or_reason(whole[: int(share * len(whole))]) in REASONS


@given(name=st.sampled_from(sorted(good_files())), data=st.data())
@settings(max_examples=300, deadline=None)
def test_a_sound_file_with_a_piece_cut_out_zeroed_or_doubled(name: str, data: st.DataObject) -> None:
    whole = good_files()[name]
    start = data.draw(st.integers(0, len(whole) - 1))
    stop = min(start + data.draw(st.integers(1, 200)), len(whole))
    piece = data.draw(
        st.sampled_from([b"", bytes(stop - start), b"\xff" * (stop - start), whole[start:stop] * 2])
    )

    assert film_or_reason(whole[:start] + piece + whole[stop:]) in (*REASONS, "film")


@given(
    bits=st.integers(2, 16),
    shift=st.integers(0, 14),
    signed=st.booleans(),
    syntax=st.sampled_from(["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"]),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=80, deadline=None)
def test_any_bits_at_any_high_bit(bits: int, shift: int, signed: bool, syntax: str, seed: int) -> None:
    pytest.importorskip("pydicom", reason="install hilum[dicom]")
    made = runpy.run_path(str(Path(__file__).parents[1] / "dicom_films.py"))
    shift = min(shift, 16 - bits)
    rng = np.random.default_rng(seed)
    least = -(1 << bits - 1) if signed else 0
    stored = rng.integers(least, least + (1 << bits), (17, 18))
    stored[0, :2] = least, least + (1 << bits) - 1
    mask = ((1 << bits) - 1) << shift
    words = ((stored << shift) & mask) | (rng.integers(0, 1 << 16, stored.shape) & ~mask & 0xFFFF)
    film = made["film_of"](words, bits, signed, syntax, BitsAllocated=16, HighBit=bits - 1 + shift)

    greys = decode(made["bytes_of"](film)).pixels

    np.testing.assert_array_equal(greys, np.floor((stored - least) / ((1 << bits) - 1) * 255 + 0.5))


@pytest.mark.parametrize("name", sorted(good_files()))
def test_the_sound_files_are_sound(name: str) -> None:
    assert film_or_reason(good_files()[name]) == "film"


def filtered(rows: np.ndarray, kinds: list[int], step: int) -> bytes:
    """The row filters of PNG, slow and as the specification words them (section 9.2)."""
    out = bytearray()
    for y, (row, kind) in enumerate(zip(rows.tolist(), kinds, strict=True)):
        above = rows[y - 1].tolist() if y else [0] * len(row)
        out.append(kind)
        for x, value in enumerate(row):
            a, b, c = (row[x - step] if x >= step else 0), above[x], (above[x - step] if x >= step else 0)
            p = a + b - c
            nearest = min([(abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c)])[2]
            out.append((value - [0, a, b, (a + b) // 2, nearest][kind]) % 256)
    return bytes(out)


@given(
    seed=st.integers(0, 2**32 - 1),
    colour=st.sampled_from([0, 2, 4, 6]),
    depth=st.sampled_from([8, 16]),
    kinds=st.lists(st.integers(0, 4), min_size=17, max_size=17),
    smooth=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_every_row_filter_in_every_colour_type(
    seed: int, colour: int, depth: int, kinds: list[int], smooth: bool
) -> None:
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    step = channels * depth // 8
    rows = np.random.default_rng(seed).integers(0, 256, (17, 19 * step))
    rows = (rows // 16 + np.arange(19 * step)) % 256 if smooth else rows
    stream = zlib.compress(filtered(rows, kinds, step))
    header = struct.pack(">IIBBBBB", 19, 17, depth, colour, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", stream[:9]), (b"IDAT", stream[9:]), (b"IEND", b"")]
    data = png.SIGNATURE + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in parts
    )

    values = png.read(png.check(data))

    assert values is not None
    assert values.dtype.itemsize == depth // 8
    np.testing.assert_array_equal(
        values.astype(">u2" if depth == 16 else np.uint8).tobytes(), rows.astype(np.uint8).tobytes()
    )


@given(
    seed=st.integers(0, 2**32 - 1),
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    grain=st.sampled_from([1, 20, 256]),
    colours=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_a_png_written_is_read_back_by_pillow(
    seed: int, height: int, width: int, grain: int, colours: bool
) -> None:
    shape = (height, width, 4) if colours else (height, width)
    picture = np.random.default_rng(seed).integers(0, grain, shape).astype(np.uint8)

    with Image.open(io.BytesIO(png.write(picture))) as image:
        assert image.mode == ("RGBA" if colours else "L")
        np.testing.assert_array_equal(np.asarray(image), picture)
