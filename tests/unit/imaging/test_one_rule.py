"""One rule of intensity: a film has the same greys in every container, and its own values play no part in it."""

from __future__ import annotations

import io
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from hilum.imaging.decode import decode
from needs import needed_module

needed_module("pydicom", "pip install 'hilum[dicom]'")
MADE = runpy.run_path(str(Path(__file__).parents[2] / "dicom_films.py"))


def picture(format_: str, **options: Any) -> Callable[[NDArray[Any]], bytes]:
    def save(values: NDArray[Any]) -> bytes:
        out = io.BytesIO()
        Image.fromarray(values).save(out, format_, **options)
        return out.getvalue()

    return save


def dicom(bits: int, **tags: Any) -> Callable[[NDArray[Any]], bytes]:
    return lambda values: MADE["bytes_of"](MADE["film_of"](values.astype(np.int64), bits, **tags))


def greys(data: bytes) -> NDArray[np.int64]:
    return decode(data).pixels.astype(np.int64)


WINDOW = {"WindowCenter": "32768", "WindowWidth": "65536"}
OF_8_BITS = {
    "png": picture("PNG"),
    "bmp": picture("BMP"),
    "tiff": picture("TIFF"),
    "tiff lzw": picture("TIFF", compression="tiff_lzw"),
    "dicom": dicom(8),
    "dicom, full window": dicom(8, WindowCenter="128", WindowWidth="256"),
    "dicom, rescaled": dicom(8, RescaleSlope="4", RescaleIntercept="-1000"),
}
OF_16_BITS = {
    "png": picture("PNG"),
    "tiff": picture("TIFF"),
    "tiff deflate": picture("TIFF", compression="tiff_adobe_deflate"),
    "dicom": dicom(16),
    "dicom, full window": dicom(16, **WINDOW),
}


@pytest.mark.parametrize(("low", "high"), [(0, 255), (13, 242), (100, 140)])
def test_a_film_of_8_bits_keeps_its_greys_in_every_container(low: int, high: int) -> None:
    film = np.linspace(low, high, 1280).round().astype(np.uint8).reshape(32, 40)

    for name, save in OF_8_BITS.items():
        np.testing.assert_array_equal(greys(save(film)), film, err_msg=name)


@pytest.mark.parametrize(("low", "high"), [(0, 65535), (3000, 62_000), (20_000, 30_000)])
def test_a_film_of_16_bits_has_the_same_greys_in_every_container(low: int, high: int) -> None:
    film = np.linspace(low, high, 1280).round().astype(np.uint16).reshape(32, 40)

    for name, save in OF_16_BITS.items():
        np.testing.assert_array_equal(greys(save(film)), np.floor(film / 65535 * 255 + 0.5), err_msg=name)


def test_12_bits_moved_to_the_top_of_16_are_the_dicom_film_of_12_bits() -> None:
    film = np.linspace(0, 4095, 1280).round().astype(np.uint16).reshape(32, 40)

    assert np.abs(greys(picture("PNG")(film << 4)) - greys(dicom(12)(film))).max() <= 1


@pytest.mark.parametrize(
    "save", [dicom(12), dicom(12, WindowCenter="2000", WindowWidth="3000"), picture("PNG")]
)
def test_a_pixel_has_the_same_grey_whatever_else_is_on_the_film(
    save: Callable[[NDArray[Any]], bytes],
) -> None:
    film = np.linspace(900, 2900, 1280).round().astype(np.uint16).reshape(32, 40)
    with_marker = film.copy()
    with_marker[:4, :4], with_marker[-4:, -4:] = 4095, 0

    same = greys(save(film)) == greys(save(with_marker))

    assert same[4:-4].all()
