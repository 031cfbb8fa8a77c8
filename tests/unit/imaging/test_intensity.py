"""Bit depths, luma and windows against exact fractions, Pillow and pydicom."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from hilum.core.errors import FilmError
from hilum.imaging.intensity import Window, from_depth, from_range, from_unit, look_up, luma, over_black


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 10, 12, 14, 16])
def test_a_depth_is_scaled_by_its_full_range_and_rounded(bits: int) -> None:
    values = np.arange(1 << bits, dtype=np.uint16)

    got = from_depth(values, bits)

    top = (1 << bits) - 1
    exact = [int(Fraction(int(v) * 255, top) + Fraction(1, 2)) for v in values]
    np.testing.assert_array_equal(got, exact)
    assert (got[0], got[-1]) == (0, 255)


def test_a_value_above_the_depth_is_white() -> None:
    assert from_depth(np.array([4095, 5000, 65535], np.uint16), 12).tolist() == [255, 255, 255]


def test_luma_is_pillows() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)

    np.testing.assert_array_equal(luma(rgb), np.asarray(Image.fromarray(rgb).convert("L")))


def test_luma_keeps_greys_of_16_bits() -> None:
    grey = np.arange(65536, dtype=np.uint16)

    np.testing.assert_array_equal(luma(np.stack([grey] * 3, axis=-1)), grey)


def test_transparency_is_exact() -> None:
    values, alpha = np.meshgrid(np.arange(256, dtype=np.uint8), np.arange(256, dtype=np.uint8))

    np.testing.assert_array_equal(
        over_black(values, alpha), np.floor(values * alpha.astype(float) / 255 + 0.5)
    )


def test_a_range_is_cut_at_both_ends_and_one_value_is_black() -> None:
    assert from_range(np.array([-1e9, 10.0, 15.0, 20.0, 1e9]), 10, 20).tolist() == [0, 0, 128, 255, 255]
    assert from_range(np.array([3, 3]), 3, 3).tolist() == [0, 0]
    assert from_unit(np.array([-0.1, 0.0, 1.0, 1.1])).tolist() == [0, 0, 255, 255]


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize(
    ("center", "width"), [(2048.0, 4096.0), (40.0, 400.0), (-600.0, 1500.5), (10.0, 1.0)]
)
def test_windows_are_pydicoms(function: str, center: float, width: float) -> None:
    pydicom = pytest.importorskip("pydicom", reason="install hilum[dicom]")
    from pydicom.pixels.processing import apply_windowing

    film = pydicom.Dataset()
    film.PhotometricInterpretation, film.BitsStored, film.PixelRepresentation = "MONOCHROME2", 16, 0
    film.WindowCenter, film.WindowWidth, film.VOILUTFunction = center, width, function
    values = np.arange(0, 5000)

    ours = Window(center, width, function).apply(values)  # type: ignore[arg-type]

    np.testing.assert_allclose(ours, apply_windowing(values, film) / 65535, atol=1e-9)


def test_a_linear_window_at_the_standards_own_points() -> None:
    # PS3.3 C.11.2.1.2.1: c=2048, w=4096 is y = x * ymax / 4095; c=2048, w=1 is a threshold at 2047.5
    assert Window(2048, 4096).apply(np.array([0, 4095])).tolist() == [0.0, 1.0]
    assert Window(2048, 1).apply(np.array([2047, 2048])).tolist() == [0.0, 1.0]
    # c=0, w=100: below -50 is black, above 49 white
    assert Window(0, 100).apply(np.array([-50, 49])).tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    ("center", "width", "function", "reason"),
    [
        (0.0, 0.0, "LINEAR", "corrupt"),
        (0.0, 0.5, "LINEAR", "corrupt"),
        (0.0, -5.0, "SIGMOID", "corrupt"),
        (float("nan"), 10.0, "LINEAR", "corrupt"),
        (0.0, float("inf"), "LINEAR_EXACT", "corrupt"),
        (0.0, 10.0, "CUBIC", "unsupported"),
    ],
)
def test_a_window_that_the_standard_forbids(center: float, width: float, function: str, reason: str) -> None:
    with pytest.raises(FilmError) as caught:
        Window(center, width, function)  # type: ignore[arg-type]
    assert caught.value.reason == reason


def test_a_table_repeats_its_ends() -> None:
    entries = np.array([10, 20, 40], np.uint16)

    assert look_up(np.array([-5, 100, 101, 102, 9999]), 100, entries).tolist() == [10, 10, 20, 40, 40]
    assert look_up(np.array([100.4, 100.6]), 100, entries).tolist() == [10, 20]
