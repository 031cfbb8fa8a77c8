"""DICOM films: what the header decides, what is refused, and the real ones. Greys: see the dcmtk oracle."""

from __future__ import annotations

import io
import os
import runpy
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from hilum.core.errors import FilmError
from hilum.imaging.decode import decode, decode_file
from hilum.imaging.film import DecodedFilm
from needs import needed_module

pydicom = needed_module("pydicom", "pip install 'hilum[dicom]'")

ROWS, COLUMNS = 20, 30


MADE = runpy.run_path(str(Path(__file__).parents[2] / "dicom_films.py"))
film_of, bytes_of, ramp = MADE["film_of"], MADE["bytes_of"], MADE["ramp"]


def decoded(
    stored: NDArray[Any] | None = None, bits: int = 12, signed: bool = False, **tags: Any
) -> DecodedFilm:
    return decode(bytes_of(film_of(ramp() if stored is None else stored, bits, signed, **tags)))


def refusal(data: bytes) -> FilmError:
    with pytest.raises(FilmError) as caught:
        decode(data)
    return caught.value


def test_facts_and_shape() -> None:
    film = decoded(
        PatientID=" P 7 ", ViewPosition="PA", PatientAge="062Y", PatientSex="F", PatientName="Doe^Jane"
    )

    assert (film.format, film.mode, film.pixels.shape) == ("dicom", "MONOCHROME2", (ROWS, COLUMNS))
    assert film.facts == {
        "patient_id": "P 7",
        "view": "PA",
        "age": "062Y",
        "sex": "F",
        "modality": "CR",
        "photometric": "MONOCHROME2",
    }
    assert "P 7" not in repr(film)


@pytest.mark.parametrize(
    ("tags", "spacing"),
    [
        ({"ImagerPixelSpacing": [0.2, 0.1]}, "0.2 0.1"),
        ({"ImagerPixelSpacing": [0.2, 0.2], "PixelSpacing": [0.168, 0.168]}, "0.168 0.168"),
        ({"PixelSpacing": [0, 0.1]}, None),
        ({"PixelSpacing": [0.1]}, None),
    ],
)  # fmt: skip
def test_the_size_of_a_pixel_is_told_where_the_header_says_it(tags: dict, spacing: str | None) -> None:
    assert decoded(**tags).facts.get("pixel_spacing") == spacing


def test_the_view_is_told_by_position_else_code_else_orientation() -> None:
    code = pydicom.Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "399067008", "SCT", "left lateral"
    assert decoded(ViewPosition="PA", ViewCodeSequence=[code]).facts["view"] == "PA"
    assert decoded(ViewCodeSequence=[code]).facts["view"] == "left lateral"
    assert decoded(PatientOrientation=["A", "F"]).facts["view"] == "LATERAL"
    assert decoded(PatientOrientation=["P", "F"]).facts["view"] == "LATERAL"
    assert "view" not in decoded(PatientOrientation=["L", "F"]).facts
    assert "view" not in decoded().facts


def test_without_voi_the_range_that_the_bits_can_hold_fills_the_greys() -> None:
    film = decoded(ramp(1000) + 500)

    np.testing.assert_array_equal(film.pixels, np.floor((ramp(1000) + 500) / 4095 * 255 + 0.5))
    assert (film.pixels[0, 0], film.pixels[-1, -1]) == (31, 93)


def test_without_voi_the_rescale_moves_the_range_along() -> None:
    np.testing.assert_array_equal(
        decoded(RescaleSlope="2", RescaleIntercept="-1024").pixels, decoded().pixels
    )
    np.testing.assert_array_equal(
        decoded(RescaleSlope="-1", RescaleIntercept="4095").pixels, 255 - decoded().pixels
    )


def test_monochrome1_is_the_inverse() -> None:
    np.testing.assert_array_equal(
        decoded(PhotometricInterpretation="MONOCHROME1").pixels, 255 - decoded().pixels
    )


def test_the_first_window_counts() -> None:
    one = decoded(WindowCenter="2048", WindowWidth="1000")
    two = decoded(WindowCenter=["2048", "100"], WindowWidth=["1000", "50"])

    np.testing.assert_array_equal(one.pixels, two.pixels)
    assert one.pixels[0, 0] == 0
    assert (one.pixels == 255).mean() > 0.3


def test_a_window_on_rescaled_values() -> None:
    plain = decoded(WindowCenter="2048", WindowWidth="1000")
    rescaled = decoded(RescaleSlope="2", RescaleIntercept="-1024", WindowCenter="3072", WindowWidth="1999")

    assert np.abs(plain.pixels.astype(int) - rescaled.pixels).max() <= 1


def test_empty_elements_count_as_absent() -> None:
    film = decoded(WindowCenter="", WindowWidth="", RescaleSlope="", RescaleIntercept="", PatientID="")

    np.testing.assert_array_equal(film.pixels, decoded().pixels)
    assert "patient_id" not in film.facts


def test_signed_values_range_from_the_most_negative_one() -> None:
    film = decoded(ramp(4095) - 2048, signed=True)

    np.testing.assert_array_equal(film.pixels, decoded().pixels)


@pytest.mark.parametrize(
    "tags",
    [
        {"RescaleSlope": "0", "RescaleIntercept": "7"},
        {"WindowCenter": "9000", "WindowWidth": "100"},
        {"WindowCenter": "-9000", "WindowWidth": "100"},
    ],
)
def test_a_film_that_its_header_makes_one_grey_is_refused(tags: dict[str, str]) -> None:
    assert refusal(bytes_of(film_of(ramp(), **tags))).reason == "one grey"
    assert refusal(bytes_of(film_of(np.full((ROWS, COLUMNS), 77)))).reason == "one grey"


def test_colour_becomes_luma() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (ROWS, COLUMNS, 3))

    film = decoded(rgb, 8, SamplesPerPixel=3, PlanarConfiguration=0, PhotometricInterpretation="RGB")

    np.testing.assert_array_equal(film.pixels, np.asarray(Image.fromarray(rgb.astype(np.uint8)).convert("L")))


@pytest.mark.parametrize("implicit", [True, False])
def test_a_file_without_preamble(implicit: bool) -> None:
    from pydicom.filebase import DicomBytesIO
    from pydicom.filewriter import write_dataset

    film = film_of(ramp())
    del film.file_meta
    bare = DicomBytesIO()
    bare.is_little_endian, bare.is_implicit_VR = True, implicit
    write_dataset(bare, film)

    np.testing.assert_array_equal(decode(bare.getvalue()).pixels, decoded().pixels)


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_jpeg_2000(bits: int) -> None:
    pytest.importorskip("gdcm", reason="install hilum[dicom]")
    from pydicom.encaps import encapsulate
    from pydicom.uid import JPEG2000Lossless

    stored = ramp((1 << bits) - 1)
    stream = io.BytesIO()
    Image.fromarray(stored.astype(np.uint8 if bits == 8 else np.uint16)).save(stream, "JPEG2000", no_jp2=True)
    film = film_of(stored, bits)
    film.PixelData = encapsulate([stream.getvalue()])
    film["PixelData"].VR, film["PixelData"].is_undefined_length = "OB", True
    film.file_meta.TransferSyntaxUID = JPEG2000Lossless

    np.testing.assert_array_equal(decode(bytes_of(film)).pixels, decoded(stored, bits).pixels)


@pytest.mark.parametrize(
    ("tags", "reason", "words"),
    [
        ({"Modality": "CT"}, "not a chest film modality", "'CT'"),
        ({"Modality": "MR"}, "not a chest film modality", "CR, DX, RG"),
        ({"NumberOfFrames": "2"}, "multi-frame", "2"),
        ({"BitsAllocated": 32, "BitsStored": 32}, "unsupported", "32 bits"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "unsupported", "PALETTE COLOR"),
        ({"Rows": 20_000, "Columns": 20_000}, "too large", "400 Mpx"),
        ({"Rows": 8}, "too small", "30 x 8"),
        ({"Rows": 21}, "truncated", "ends early"),
        ({"WindowCenter": "5", "WindowWidth": "0"}, "corrupt", "at least 1"),
        ({"RescaleSlope": "1e400", "RescaleIntercept": "0"}, "corrupt", "Rescale Slope (0028,1053)"),
        ({"RescaleIntercept": "nan"}, "corrupt", "Rescale Intercept (0028,1052)"),
        ({"Rows": None}, "corrupt", "Rows (0028,0010) is missing"),
        ({"Columns": None}, "corrupt", "Columns (0028,0011) is missing"),
        ({"BitsAllocated": None}, "corrupt", "Bits Allocated (0028,0100) is missing"),
        ({"BitsStored": None}, "corrupt", "Bits Stored (0028,0101) is missing"),
        ({"PixelRepresentation": None}, "corrupt", "Pixel Representation (0028,0103) is missing"),
        ({"PixelRepresentation": 2}, "corrupt", "Pixel Representation (0028,0103) is 2"),
        ({"HighBit": 16}, "corrupt", "High Bit (0028,0102) is 16"),
        ({"HighBit": 10}, "corrupt", "High Bit (0028,0102) is 10"),
        (
            {"WindowCenter": "5", "WindowWidth": "9", "VOILUTFunction": "LOG"},
            "unsupported",
            "VOI LUT Function (0028,1056) is 'LOG'",
        ),
        ({"SamplesPerPixel": 3}, "corrupt", "Samples per Pixel (0028,0002) is 3"),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning:pydicom.*")
def test_what_is_refused(tags: dict[str, Any], reason: str, words: str) -> None:
    film = film_of(ramp(), PatientID="secret-id", PatientName="Secret^Name")
    for keyword, value in tags.items():
        if value is None:
            delattr(film, keyword)
        else:
            setattr(film, keyword, value)

    error = refusal(bytes_of(film))

    assert (error.reason, words in str(error)) == (reason, True), str(error)
    assert "ecret" not in str(error)


@pytest.mark.parametrize("modality", ["CR", "DX", "RG", "", None])
def test_projection_films_and_unnamed_ones_are_read(modality: str | None) -> None:
    assert decoded(Modality=modality).pixels.shape == (ROWS, COLUMNS)


def test_no_pixels_and_cut_short() -> None:
    report = film_of(ramp())
    del report.PixelData
    whole = bytes_of(film_of(ramp()))

    assert refusal(bytes_of(report)).reason == "not an image"
    assert refusal(whole[:-1]).reason == "truncated"
    assert refusal(whole[: len(whole) // 2]).reason == "truncated"


def deflated(film: Any, body: bytes | None = None) -> bytes:
    """A film as Deflated Explicit VR Little Endian (PS3.5 A.5)."""
    whole = bytes_of(film)
    start = whole.index(b"\x08\0\x16\0")  # SOP Class UID: the first element after the meta information
    meta = whole[:start].replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99")
    head = bytearray(meta)
    length = head.index(b"\x02\0\x10\0UI") + 6
    head[length : length + 2] = (22).to_bytes(2, "little")
    head[140:144] = (len(head) - 144).to_bytes(4, "little")
    pack = zlib.compressobj(9, zlib.DEFLATED, -15)
    return bytes(head) + pack.compress(whole[start:] if body is None else body) + pack.flush()


def test_a_deflated_film_is_read_and_one_cut_short_is_not() -> None:
    data = deflated(film_of(ramp()))

    np.testing.assert_array_equal(decode(data).pixels, decoded().pixels)
    assert refusal(data[:-40]).reason == "truncated"


def test_a_deflated_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hilum.imaging.dicom._MAX_INFLATED", 100_000)

    error = refusal(deflated(film_of(ramp()), bytes(200_000)))

    assert (error.reason, "more than 0 MB" in str(error)) == ("too large", True)


def test_the_deflated_syntax_named_elsewhere_changes_nothing() -> None:
    film = film_of(ramp())
    film.add_new(0x00090010, "LO", "ARCHIVE")
    film.add_new(0x00091001, "UI", "1.2.840.10008.1.2.1.99")

    np.testing.assert_array_equal(decode(bytes_of(film)).pixels, decoded().pixels)


def test_without_pydicom_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytes_of(film_of(ramp()))
    monkeypatch.setitem(sys.modules, "pydicom", None)

    error = refusal(data)

    assert error.reason == "missing DICOM plugin"
    assert "pip install 'hilum[dicom]'" in str(error)


def real_films() -> Path:
    if "HILUM_FILMS" not in os.environ:
        pytest.skip("set HILUM_FILMS to a folder of real films, with dicom/ in it")
    return Path(os.environ["HILUM_FILMS"]) / "dicom"


def test_a_real_film_and_its_copy_tagged_monochrome1() -> None:
    plain = decode_file(real_films() / "rsna_CR_PA_1024_mono2_jpegbaseline.dcm")
    tagged = decode_file(real_films() / "rsna_CR_PA_1024_MONOCHROME1_tag_edited.dcm")

    assert plain.pixels.shape == (1024, 1024)
    header = pydicom.dcmread(real_films() / "rsna_CR_PA_1024_mono2_jpegbaseline.dcm")
    as_jpeg = decode(next(pydicom.encaps.generate_frames(header.PixelData, number_of_frames=1)))
    np.testing.assert_array_equal(plain.pixels, as_jpeg.pixels)  # one film, whatever the container
    assert (plain.pixels.min(), plain.pixels.max()) == (0, 254)
    np.testing.assert_array_equal(tagged.pixels, 255 - plain.pixels)
    assert plain.facts["view"] == "PA"


def test_a_real_dx_film_and_one_without_pixels() -> None:
    film = decode_file(real_films() / "highdicom_DX_thorax_dog_169x211_mono1.dcm")

    assert (film.height_px, film.width_px, film.mode) == (169, 211, "MONOCHROME1")
    assert film.pixels[80, 100] > film.pixels[5, 205]  # the spine against the air beside the animal
    with pytest.raises(FilmError, match="no Pixel Data"):
        decode_file(real_films() / "pydicom_CR_32x32_12bit_implicit.dcm")
