"""Whatever the bytes: a film or a FilmError of a known reason; no other exception, and no warning either."""

from __future__ import annotations

import io
import struct
import zlib
from functools import lru_cache

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
        "tiff": (film, "TIFF", {}),
    }
    files = {}
    for name, (image, format_, options) in kinds.items():
        out = io.BytesIO()
        image.save(out, format_, **options)
        files[name] = out.getvalue()
    return files | dicom_files(grey)


def dicom_files(grey: np.ndarray) -> dict[str, bytes]:
    try:
        import pydicom
    except ImportError:
        return {}
    from pydicom.dataset import FileMetaDataset
    from pydicom.encaps import encapsulate
    from pydicom.uid import ExplicitVRLittleEndian, JPEGBaseline8Bit

    film = pydicom.Dataset()
    film.file_meta = FileMetaDataset()
    film.SOPClassUID, film.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1", "1.2.3"
    film.Modality, film.PatientID, film.PhotometricInterpretation = "CR", "P1", "MONOCHROME1"
    film.Rows, film.Columns, film.SamplesPerPixel = HEIGHT, WIDTH, 1
    film.BitsAllocated, film.BitsStored, film.HighBit, film.PixelRepresentation = 16, 12, 11, 0
    film.WindowCenter, film.WindowWidth, film.RescaleSlope, film.RescaleIntercept = "600", "900", "2", "-10"
    film.PixelData = (grey.astype("<u2") * 4).tobytes()
    film["PixelData"].VR = "OW"
    film.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    plain, packed = io.BytesIO(), io.BytesIO()
    film.save_as(plain, enforce_file_format=True)
    jpeg = io.BytesIO()
    Image.fromarray(grey).save(jpeg, "JPEG")
    film.BitsAllocated, film.BitsStored, film.HighBit = 8, 8, 7
    film.PixelData = encapsulate([jpeg.getvalue()])
    film["PixelData"].VR, film["PixelData"].is_undefined_length = "OB", True
    film.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    film.save_as(packed, enforce_file_format=True)
    return {"dicom": plain.getvalue(), "dicom jpeg": packed.getvalue()}


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
@settings(max_examples=200, deadline=None)
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
)
@settings(max_examples=60, deadline=None)
def test_a_png_written_is_read_back_by_pillow(seed: int, height: int, width: int, grain: int) -> None:
    film = np.random.default_rng(seed).integers(0, grain, (height, width)).astype(np.uint8)

    with Image.open(io.BytesIO(png.write(film))) as image:
        assert image.mode == "L"
        np.testing.assert_array_equal(np.asarray(image), film)
