"""Words of DICOM films that mean what the header says: High Bit, streams, defaults, windows as text."""

from __future__ import annotations

import io
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from hilum.core.errors import FilmError
from hilum.imaging.decode import decode
from needs import needed_module

pydicom = needed_module("pydicom", "pip install 'hilum[dicom]'")
from pydicom.uid import (  # noqa: E402
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSLossless,
)

MADE = runpy.run_path(str(Path(__file__).parents[2] / "dicom_films.py"))
film_of, bytes_of, packed, ramp = (MADE[name] for name in ("film_of", "bytes_of", "packed", "ramp"))
UNCOMPRESSED = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian)


def greys(film: Any) -> NDArray[np.int64]:
    return decode(bytes_of(film)).pixels.astype(np.int64)


def refusal(film: Any) -> FilmError:
    with pytest.raises(FilmError) as caught:
        decode(bytes_of(film))
    return caught.value


def full_range(stored: NDArray[np.int64], least: int, most: int) -> NDArray[np.int64]:
    """What the greys of a film without window are, by hand."""
    return np.floor((stored - least) / (most - least) * 255 + 0.5).astype(np.int64)


BITS = [(12, 15, False), (12, 12, False), (10, 15, True), (12, 14, True), (8, 15, False), (6, 7, False)]


def in_words(stored: NDArray[np.int64], bits: int, high: int) -> NDArray[np.int64]:
    """The stored bits below `high`, and an overlay in all others."""
    shift = high + 1 - bits
    others = (0xFFFF if high > 7 else 0xFF) & ~(((1 << bits) - 1) << shift)
    return ((stored & ((1 << bits) - 1)) << shift) | (others * (np.indices(stored.shape).sum(axis=0) % 2))


@pytest.mark.parametrize("syntax", UNCOMPRESSED)
@pytest.mark.parametrize(("bits", "high", "signed"), BITS)
def test_the_stored_bits_lie_below_high_bit(syntax: str, bits: int, high: int, signed: bool) -> None:
    least = -(1 << bits - 1) if signed else 0
    stored = ramp((1 << bits) - 1) + least
    film = film_of(
        in_words(stored, bits, high), bits, signed, syntax, HighBit=high, BitsAllocated=16 if high > 7 else 8
    )

    np.testing.assert_array_equal(greys(film), full_range(stored, least, least + (1 << bits) - 1))


def jpeg_2000(words: NDArray[np.uint16]) -> bytes:
    out = io.BytesIO()
    Image.fromarray(words).save(out, "JPEG2000", no_jp2=True)
    return out.getvalue()


def jpeg_ls(words: NDArray[np.uint16]) -> bytes:
    return bytes(needed_module("jpeg_ls", "pip install 'hilum[dicom]'").encode(words))


@pytest.mark.parametrize(("encode", "syntax"), [(jpeg_2000, JPEG2000Lossless), (jpeg_ls, JPEGLSLossless)])
@pytest.mark.parametrize(("bits", "high", "signed"), BITS[:5])
def test_a_stream_of_whole_words_keeps_high_bit(
    encode: Any, syntax: str, bits: int, high: int, signed: bool
) -> None:
    least = -(1 << bits - 1) if signed else 0
    stored = ramp((1 << bits) - 1) + least
    stream = encode(in_words(stored, bits, high).astype(np.uint16))
    film = packed(film_of(stored, bits, signed, HighBit=high, BitsAllocated=16), stream, syntax)

    np.testing.assert_array_equal(greys(film), full_range(stored, least, least + (1 << bits) - 1))


def test_a_stream_of_the_stored_bits_only_is_not_shifted() -> None:
    stored = ramp(255)
    stream = jpeg_ls(stored.astype(np.uint8))
    film = packed(film_of(stored, 8, BitsAllocated=16, HighBit=15), stream, JPEGLSLossless)

    np.testing.assert_array_equal(greys(film), stored)


def test_bytes_in_words_of_big_endian_are_swapped() -> None:
    film = film_of(ramp(255), 8, False, ExplicitVRBigEndian)
    film.PixelData = np.frombuffer(film.PixelData, "<u2").astype(">u2").tobytes()
    film["PixelData"].VR = "OW"

    np.testing.assert_array_equal(greys(film), ramp(255))


@pytest.mark.parametrize("keyword", ["SamplesPerPixel", "PhotometricInterpretation", "HighBit"])
def test_what_old_films_leave_out_is_filled_in(keyword: str) -> None:
    np.testing.assert_array_equal(greys(film_of(ramp(), **{keyword: None})), greys(film_of(ramp())))


@pytest.mark.parametrize("left_out", ["PlanarConfiguration", "SamplesPerPixel", "PhotometricInterpretation"])
def test_colour_without_an_element_that_the_others_imply(left_out: str) -> None:
    colours = np.random.default_rng(0).integers(0, 256, (20, 30, 3))
    tags = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}
    film = film_of(colours, 8, **tags)
    delattr(film, left_out)

    np.testing.assert_array_equal(
        greys(film), np.asarray(Image.fromarray(colours.astype(np.uint8)).convert("L"))
    )


def with_text(film: Any, **texts: str) -> Any:
    """The film with elements that hold whatever text, which pydicom would not write by itself."""
    for keyword, text in texts.items():
        film.add_new(pydicom.datadict.tag_for_keyword(keyword), "LO", text)
    return film


@pytest.mark.parametrize("keyword", ["WindowCenter", "WindowWidth", "RescaleSlope", "RescaleIntercept"])
@pytest.mark.parametrize(
    ("text", "quoted"), [("2048,5", "'2048,5'"), ("2_048", "something else"), ("Doe^Jane", "something else")]
)
@pytest.mark.parametrize("vr", ["DS", "LO"])
def test_a_number_that_is_none_is_named_and_no_name_quoted(
    keyword: str, text: str, quoted: str, vr: str
) -> None:
    film = film_of(ramp(), WindowCenter="2048", WindowWidth="2000", RescaleSlope="1", RescaleIntercept="0")
    film = with_text(film, **{keyword: text.ljust(16)})
    data = bytes_of(film)
    at = data.index(text.encode())
    data = data[: at - 4] + vr.encode() + data[at - 2 :]

    with pytest.raises(FilmError) as caught:
        decode(data)

    words = {
        "Center": "(0028,1050)",
        "Width": "(0028,1051)",
        "Slope": "(0028,1053)",
        "Intercept": "(0028,1052)",
    }
    number = next(tag for word, tag in words.items() if word in keyword)
    assert caught.value.reason == "corrupt"
    assert str(caught.value).endswith(f"{number}: expected a number, got {quoted}")


@pytest.mark.parametrize(
    ("center", "width"),
    [(["2048", "100"], ["1000", "50"]), (["", "2048"], ["50", "1000"]), (["2048"], ["1000", "7"])],
)
def test_the_first_whole_window_counts(center: list[str], width: list[str]) -> None:
    one = greys(film_of(ramp(), WindowCenter="2048", WindowWidth="1000"))

    np.testing.assert_array_equal(greys(film_of(ramp(), WindowCenter=center, WindowWidth=width)), one)


@pytest.mark.parametrize(
    "tags", [{"WindowCenter": "2048"}, {"WindowWidth": "50"}, {"WindowCenter": ["", ""]}]
)
def test_half_a_window_is_none(tags: dict[str, Any]) -> None:
    np.testing.assert_array_equal(greys(film_of(ramp(), **tags)), greys(film_of(ramp())))


@pytest.mark.parametrize("text", ["   ", "+2048", " 2048.0 ", "2.048E3", "2048\\100"])
def test_a_number_may_be_written_in_every_way_of_the_standard(text: str) -> None:
    film = with_text(film_of(ramp(), WindowWidth="1000"), WindowCenter=text)
    usual = film_of(ramp(), WindowCenter="2048", WindowWidth="1000") if text.strip() else film_of(ramp())

    np.testing.assert_array_equal(greys(film), greys(usual))


def test_sizes_written_as_text_count() -> None:
    film = with_text(film_of(ramp()), Rows="20", BitsAllocated="16", NumberOfFrames="1.0")

    np.testing.assert_array_equal(greys(film), greys(film_of(ramp())))


def test_a_voi_function_in_small_letters() -> None:
    window = {"WindowCenter": "2048", "WindowWidth": "1000"}
    capital, small = (with_text(film_of(ramp(), **window), VOILUTFunction=f) for f in ("SIGMOID", "Sigmoid"))

    np.testing.assert_array_equal(greys(small), greys(capital))


def test_monochrome1_is_inverted_whatever_the_presentation_lut_shape() -> None:
    plain = greys(film_of(ramp()))
    for shape in ("IDENTITY", "INVERSE"):
        film = film_of(ramp(), PhotometricInterpretation="MONOCHROME1", PresentationLUTShape=shape)
        np.testing.assert_array_equal(greys(film), 255 - plain)


def test_an_inverse_presentation_lut_inverts_monochrome2() -> None:
    film = film_of(ramp(), PhotometricInterpretation="MONOCHROME2", PresentationLUTShape="INVERSE")
    np.testing.assert_array_equal(greys(film), 255 - greys(film_of(ramp())))


def test_the_pixel_aspect_ratio_changes_nothing() -> None:
    film = decode(bytes_of(film_of(ramp(), PixelAspectRatio=[2, 1], PixelSpacing=["0.2", "0.1"])))

    assert (film.height_px, film.width_px) == (20, 30)


def jpeg(image: Image.Image, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", **options)
    return out.getvalue()


COLOURS = Image.fromarray(np.random.default_rng(1).integers(0, 256, (5, 6, 3)).astype(np.uint8)).resize(
    (48, 40)
)


@pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, JPEGExtended12Bit])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_film_has_the_greys_of_the_jpeg_in_it(syntax: str, mode: str) -> None:
    stream = jpeg(COLOURS.convert(mode), quality=95)
    film = film_of(np.zeros((40, 48)), 8)
    if mode == "RGB":
        film.SamplesPerPixel, film.PhotometricInterpretation, film.PlanarConfiguration = 3, "YBR_FULL_422", 0
    film = packed(film, stream, syntax)

    np.testing.assert_array_equal(greys(film), decode(stream).pixels)
    assert refusal(packed(film, stream[: len(stream) // 2], syntax)).reason == "truncated"


@pytest.mark.parametrize("number", [52, 53, 54, 55, 56, 58, 59, 60, 61, 62, 63, 64, 65, 66, 100, 102])
def test_a_transfer_syntax_without_decoder_is_unsupported_by_name(number: int) -> None:
    syntax = UID(f"1.2.840.10008.1.2.4.{number}")
    error = refusal(packed(film_of(ramp(255), 8), jpeg(COLOURS.convert("L")), syntax))

    assert (error.reason, syntax.name in str(error)) == ("unsupported", True)
    assert syntax.name[:4] in ("JPEG", "MPEG")


def test_an_unknown_transfer_syntax_is_unsupported_by_its_number() -> None:
    data = bytes_of(packed(film_of(ramp(255), 8), jpeg(COLOURS.convert("L")), JPEGBaseline8Bit))

    with pytest.raises(FilmError, match=r"1\.2\.3\.4\.5\.6\.7\.8\.9\.0\.12") as caught:
        decode(data.replace(JPEGBaseline8Bit.encode(), b"1.2.3.4.5.6.7.8.9.0.12"))
    assert caught.value.reason == "unsupported"


@pytest.mark.parametrize(
    "start",
    [b"II*\0", b"MM\0*", b"BM", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"%PDF-1.7", b"RIFF"],
)
def test_a_preamble_that_begins_like_another_format_is_free(start: bytes) -> None:
    data = bytes_of(film_of(ramp()))

    film = decode(start.ljust(128, b"\0") + data[128:])

    assert film.format == "dicom"
    np.testing.assert_array_equal(film.pixels, decode(data).pixels)
