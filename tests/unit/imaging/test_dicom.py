"""DICOM films: what the header decides, what is refused, and the real ones. Greys: see the dcmtk oracle."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from hilum.core.errors import FilmError
from hilum.imaging.decode import DecodedFilm, decode, decode_file

pydicom = pytest.importorskip("pydicom", reason="install hilum[dicom]")

ROWS, COLUMNS = 20, 30


def ramp(top: int = 4095) -> NDArray[np.int64]:
    return np.rint(np.linspace(0, top, ROWS * COLUMNS)).astype(np.int64).reshape(ROWS, COLUMNS)


def film_of(stored: NDArray[Any], bits: int = 12, signed: bool = False, **tags: Any) -> Any:
    """A CR film as a pydicom data set; a tag given as None is left out."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    film = pydicom.Dataset()
    film.file_meta = FileMetaDataset()
    film.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    film.SOPClassUID, film.SOPInstanceUID, film.Modality = "1.2.840.10008.5.1.4.1.1.1", "1.2.3", "CR"
    film.Rows, film.Columns = stored.shape[:2]
    film.SamplesPerPixel, film.PhotometricInterpretation = 1, "MONOCHROME2"
    film.BitsAllocated = 8 if bits <= 8 else 16
    film.BitsStored, film.HighBit, film.PixelRepresentation = bits, bits - 1, int(signed)
    for keyword, value in tags.items():
        if value is None:
            delattr(film, keyword)
        else:
            setattr(film, keyword, value)
    film.PixelData = stored.astype(f"<{'i' if signed else 'u'}{film.BitsAllocated // 8}").tobytes()
    film["PixelData"].VR = "OW"
    return film


def bytes_of(film: Any) -> bytes:
    out = io.BytesIO()
    film.save_as(out, enforce_file_format=True)
    return out.getvalue()


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


def test_without_voi_the_range_that_occurs_fills_the_greys() -> None:
    film = decoded(ramp(1000) + 500)

    np.testing.assert_array_equal(film.pixels, np.floor(ramp(1000) / 1000 * 255 + 0.5))


def test_padding_does_not_count_towards_the_range() -> None:
    padded = ramp(1000) + 500
    padded[:, :3] = 4000
    padded[:, -2:] = 0

    film = decoded(padded, PixelPaddingValue=0)
    both = decoded(padded, PixelPaddingValue=3900, PixelPaddingRangeLimit=4095)

    assert film.pixels[5, 5] == round((padded[5, 5] - 500 - 3 * 1000 / 599) / (4000 - 503) * 255, 0)
    assert both.pixels[5, 5] == np.floor(padded[5, 5] / padded[:, 3:-2].max() * 255 + 0.5)


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


def test_signed_values_and_a_negative_padding() -> None:
    stored = ramp(2000) - 1000
    stored[0, :5] = -2048

    film = decoded(stored, signed=True, PixelPaddingValue=-2048)

    assert film.pixels[-1, -1] == 255
    assert film.pixels[10, 10] == np.floor(
        (stored[10, 10] - stored[0, 5]) / (1000 - stored[0, 5]) * 255 + 0.5
    )


def test_a_constant_film_is_black() -> None:
    assert not decoded(np.full((ROWS, COLUMNS), 77)).pixels.any()


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
        ({"RescaleSlope": "1e400", "RescaleIntercept": "0"}, "corrupt", ""),
        ({"Rows": None}, "corrupt", "AttributeError"),
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


def test_a_deflated_file_is_refused_before_it_is_inflated() -> None:
    from pydicom.uid import DeflatedExplicitVRLittleEndian

    film = film_of(ramp())
    film.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian

    assert refusal(bytes_of(film)).reason == "unsupported"


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
    assert (plain.pixels.min(), plain.pixels.max()) == (0, 255)
    np.testing.assert_array_equal(tagged.pixels, 255 - plain.pixels)
    assert plain.facts["view"] == "PA"


def test_a_real_dx_film_and_one_without_pixels() -> None:
    film = decode_file(real_films() / "highdicom_DX_thorax_dog_169x211_mono1.dcm")

    assert (film.height_px, film.width_px, film.mode) == (169, 211, "MONOCHROME1")
    assert film.pixels[80, 100] > film.pixels[5, 205]  # the spine against the air beside the animal
    with pytest.raises(FilmError, match="no Pixel Data"):
        decode_file(real_films() / "pydicom_CR_32x32_12bit_implicit.dcm")
