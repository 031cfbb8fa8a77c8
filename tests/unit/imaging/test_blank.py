"""Films of one grey are no films in any container; nearly blank ones are told by why."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from hilum.core.errors import FilmError
from hilum.imaging.blank import FEW_GREYS, ONE_GREY, nearly_blank
from hilum.imaging.decode import decode


def saved(pixels: NDArray[np.uint8], format_: str, mode: str = "L") -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(out, format_)
    return out.getvalue()


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "BMP", "TIFF"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("grey", [0, 128, 255])
def test_a_film_of_one_grey_is_refused_and_a_mask_of_one_is_not(format_: str, mode: str, grey: int) -> None:
    data = saved(np.full((32, 40), grey, np.uint8), format_, mode)

    with pytest.raises(
        FilmError, match=f"all 1280 pixels of the film have the grey {grey} of 0 to 255"
    ) as caught:
        decode(data)
    assert caught.value.reason == "one grey"
    assert (decode(data, mask=True).pixels == grey).all()


def test_a_film_that_is_transparent_everywhere_is_of_one_grey() -> None:
    film = Image.fromarray(np.arange(1024, dtype=np.uint32).astype(np.uint8).reshape(32, 32)).convert("LA")
    film.putalpha(0)
    out = io.BytesIO()
    film.save(out, "PNG")

    with pytest.raises(FilmError) as caught:
        decode(out.getvalue())
    assert caught.value.reason == "one grey"


def test_what_is_nearly_blank() -> None:
    film = np.full((50, 100), 7, np.uint8)
    film[0, :5] = 250
    assert nearly_blank(film) == ONE_GREY
    film[0, :6] = 250
    assert nearly_blank(film) == ""

    ramp = (np.arange(5000) % 32 + 100).astype(np.uint8).reshape(50, 100)
    assert nearly_blank(ramp) == FEW_GREYS
    ramp[:2] = 99
    assert nearly_blank(ramp) == ""


def test_12_bits_in_a_png_of_16_are_nearly_black_and_nearly_blank() -> None:
    values = np.linspace(0, 4095, 1280).astype(np.uint16).reshape(32, 40)
    out = io.BytesIO()
    Image.fromarray(values).save(out, "PNG")

    film = decode(out.getvalue()).pixels

    assert (film.min(), film.max()) == (0, 16)
    assert nearly_blank(film) == FEW_GREYS
