"""The PNG reader's own corners: what it leaves to Pillow, and that either inflater gives the same film."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from hilum.core.errors import FilmError
from hilum.imaging import png


def film(grain: int = 256) -> np.ndarray:
    return np.random.default_rng(0).integers(0, grain, (33, 47)).astype(np.uint8)


def test_what_is_left_to_pillow() -> None:
    out = io.BytesIO()
    Image.fromarray(film()).convert("P").save(out, "PNG")
    checked = png.check(out.getvalue())

    assert png.read(checked) is None
    assert (checked.mode, checked.width_px, checked.height_px, checked.depth) == ("P", 47, 33, 8)


def test_the_standard_librarys_inflater_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    checked = png.check(png.write(film()))
    with_any = png.read(checked)
    monkeypatch.setattr(png, "_inflater", zlib)

    np.testing.assert_array_equal(png.read(checked), with_any)
    np.testing.assert_array_equal(with_any[..., 0], film())


def test_a_stream_without_its_checksum_is_truncated() -> None:
    rows = b"".join(b"\0" + row.tobytes() for row in film())
    checked = png.check(png.write(film()))._replace(stream=zlib.compress(rows)[:-4])

    with pytest.raises(FilmError, match="rows") as caught:
        png.read(checked)
    assert caught.value.reason == "truncated"


def test_a_film_with_grain_is_about_as_small_as_pillows() -> None:
    y, x = np.mgrid[:256, :256]
    smooth = 100 + 50 * np.sin(x / 40) + 30 * np.cos(y / 30)
    grainy = (smooth + np.random.default_rng(0).normal(0, 5, smooth.shape)).clip(0, 255).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(grainy).save(out, "PNG")

    assert len(png.write(grainy)) < 1.1 * len(out.getvalue())


@pytest.mark.parametrize(
    ("first", "reason"), [(b"IDAT", "corrupt"), (b"tEXt", "corrupt"), (b"IEND", "corrupt")]
)
def test_a_png_must_begin_with_its_header(first: bytes, reason: str) -> None:
    data = png.SIGNATURE + struct.pack(">I", 0) + first + struct.pack(">I", zlib.crc32(first))

    with pytest.raises(FilmError) as caught:
        png.check(data)
    assert caught.value.reason == reason
