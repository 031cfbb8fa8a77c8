"""DICOM's look-up tables: sign, byte order and width of what they hold (PS3.3 C.11.1.1.1, C.11.2.1.1)."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hilum.core.errors import FilmError
from hilum.imaging.decode import decode
from needs import needed_module

pydicom = needed_module("pydicom", "pip install 'hilum[dicom]'")
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian  # noqa: E402

MADE = runpy.run_path(str(Path(__file__).parents[2] / "dicom_films.py"))
film_of, bytes_of, table_of, ramp = (MADE[n] for n in ("film_of", "bytes_of", "look_up_table", "ramp"))
UNCOMPRESSED = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian)


def greys(film: Any) -> NDArray[np.int64]:
    return decode(bytes_of(film)).pixels.astype(np.int64)


def refusal(film: Any) -> FilmError:
    with pytest.raises(FilmError) as caught:
        decode(bytes_of(film))
    return caught.value


CURVE = np.rint(np.sqrt(np.linspace(0, 1, 4096)) * 4095).astype(np.int64)
RIGHT = np.floor(CURVE[ramp()] / 4095 * 255 + 0.5)


@pytest.mark.parametrize("syntax", UNCOMPRESSED)
@pytest.mark.parametrize("vr", ["US", "SS"])
@pytest.mark.parametrize(
    ("first", "lowest", "signed", "intercept"),
    [
        (0, 0, False, None),
        (-1024, 0, False, -1024),  # unsigned words, negative after the rescale
        (-2048, -2048, True, None),
        (0, -2048, True, 2048),  # signed words, none negative after the rescale
        (40_000, 0, False, 40_000),
    ],
)
def test_the_sign_of_a_voi_luts_first_value_follows_the_rescaled_range(
    syntax: str, vr: str, first: int, lowest: int, signed: bool, intercept: int | None
) -> None:
    said = first % 65536 if vr == "US" else (first % 65536 + 32768) % 65536 - 32768
    table = table_of(said, CURVE, 12, vr, ">" if syntax == ExplicitVRBigEndian else "<")
    film = film_of(ramp() + lowest, 12, signed, syntax, VOILUTSequence=table)
    if intercept is not None:
        film.RescaleSlope, film.RescaleIntercept = "1", str(intercept)

    np.testing.assert_array_equal(greys(film), RIGHT)


@pytest.mark.parametrize("syntax", UNCOMPRESSED)
@pytest.mark.parametrize("vr", ["US", "SS"])
@pytest.mark.parametrize(("lowest", "signed"), [(0, False), (-2048, True)])
def test_the_sign_of_a_modality_luts_first_value_follows_the_stored_values(
    syntax: str, vr: str, lowest: int, signed: bool
) -> None:
    said = lowest % 65536 if vr == "US" else lowest
    table = table_of(said, CURVE, 12, vr, ">" if syntax == ExplicitVRBigEndian else "<")
    film = film_of(ramp() + lowest, 12, signed, syntax, ModalityLUTSequence=table)

    np.testing.assert_array_equal(greys(film), RIGHT)


@pytest.mark.parametrize("syntax", UNCOMPRESSED)
def test_two_entries_of_8_bits_in_a_word(syntax: str) -> None:
    curve = (CURVE // 16).astype(np.uint8)
    table = table_of(0, curve.view("<u2"), 8, order=">" if syntax == ExplicitVRBigEndian else "<")
    table[0].LUTDescriptor = [4096, 0, 8]

    np.testing.assert_array_equal(
        greys(film_of(ramp(), 12, False, syntax, VOILUTSequence=table)), curve[ramp()]
    )


def test_a_table_that_holds_too_few_entries_is_named() -> None:
    table = table_of(0, CURVE[:100], 12)
    table[0].LUTDescriptor = [4096, 0, 12]

    error = refusal(film_of(ramp(), VOILUTSequence=table))

    assert (error.reason, str(error)) == (
        "corrupt",
        "a look-up table of 4096 entries of 12 bits holds 100 entries",
    )


def test_a_table_of_16_bits_that_holds_12_is_nearly_black_as_the_standard_says() -> None:
    film = greys(film_of(ramp(), VOILUTSequence=table_of(0, np.arange(4096), 16)))

    assert (film.min(), film.max()) == (0, 16)
