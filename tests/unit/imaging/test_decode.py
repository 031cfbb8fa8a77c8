"""The decoder: pixels against Pillow's where Pillow is right, and one reason for each sort of bad file."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps

from hilum.core.errors import FilmError
from hilum.imaging import decode as decoding
from hilum.imaging.decode import REASONS, decode, decode_file, is_film_name, sniff

HEIGHT, WIDTH = 40, 52
ORIENTATION = 274


def chest() -> NDArray[np.uint8]:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    waves = 120 + 60 * np.sin(x / 9) + 50 * np.cos(y / 7)
    return (waves + np.random.default_rng(0).normal(0, 4, waves.shape)).clip(0, 255).astype(np.uint8)


def saved(image: Image.Image, format_: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, format_, **options)
    return out.getvalue()


def colour() -> Image.Image:
    grey = chest()
    return Image.fromarray(np.stack([grey, grey[::-1], grey[:, ::-1]], axis=-1))


def reason_of(data: bytes) -> str:
    with pytest.raises(FilmError) as caught:
        decode(data)
    assert caught.value.reason in REASONS
    assert str(caught.value)
    return caught.value.reason


@pytest.mark.parametrize("format_", ["PNG", "BMP", "TIFF"])
def test_grey_8_bit_comes_back_as_it_was(format_: str) -> None:
    film = decode(saved(Image.fromarray(chest()), format_))

    np.testing.assert_array_equal(film.pixels, chest())
    assert (film.format, film.mode) == (format_.lower(), "L")
    assert (film.height_px, film.width_px) == (HEIGHT, WIDTH)
    assert film.pixels.dtype == np.uint8
    assert film.pixels.flags.c_contiguous


@pytest.mark.parametrize(
    ("format_", "options"), [("PNG", {}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"})]
)
def test_grey_16_bit_is_scaled_by_the_full_range(format_: str, options: dict[str, str]) -> None:
    stored = np.random.default_rng(1).integers(0, 65536, (HEIGHT, WIDTH)).astype(np.uint16)

    film = decode(saved(Image.fromarray(stored), format_, **options))

    np.testing.assert_array_equal(film.pixels, np.rint(stored / 257.0).astype(np.uint8))
    assert film.mode.startswith("I;16")


@pytest.mark.parametrize("format_", ["PNG", "BMP", "TIFF"])
def test_one_bit_becomes_black_and_white(format_: str) -> None:
    bits = Image.fromarray(chest()).convert("1")

    film = decode(saved(bits, format_))

    np.testing.assert_array_equal(film.pixels, np.where(np.asarray(bits), 255, 0))


@pytest.mark.parametrize("format_", ["PNG", "BMP", "TIFF"])
def test_colour_becomes_luma(format_: str) -> None:
    film = decode(saved(colour(), format_))

    np.testing.assert_array_equal(film.pixels, np.asarray(colour().convert("L")))
    assert film.mode == "RGB"


def test_grey_stored_as_colour_comes_back_unchanged() -> None:
    film = decode(saved(Image.fromarray(chest()).convert("RGB"), "PNG"))

    np.testing.assert_array_equal(film.pixels, chest())


@pytest.mark.parametrize("format_", ["PNG", "TIFF"])
@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_transparency_is_laid_over_black(format_: str, mode: str) -> None:
    alpha = Image.linear_gradient("L").resize((WIDTH, HEIGHT))
    image = (Image.fromarray(chest()) if mode == "LA" else colour()).convert(mode)
    image.putalpha(alpha)
    black = Image.new("RGBA", image.size, (0, 0, 0, 255))
    expected = Image.alpha_composite(black, image.convert("RGBA")).convert("L")

    film = decode(saved(image, format_))

    assert np.abs(film.pixels.astype(int) - np.asarray(expected)).max() <= 1
    assert film.mode == mode


def test_a_palette_is_looked_up() -> None:
    image = colour().quantize(40)

    film = decode(saved(image, "PNG"))

    np.testing.assert_array_equal(film.pixels, np.asarray(image.convert("RGB").convert("L")))
    assert film.mode == "P"


def test_a_transparent_colour_of_a_palette_is_black() -> None:
    image = colour().quantize(40)
    index = int(np.asarray(image)[5, 5])

    film = decode(saved(image, "PNG", transparency=index))

    assert (film.pixels[np.asarray(image) == index] == 0).all()


def test_a_grey_jpeg_is_pillows() -> None:
    data = saved(Image.fromarray(chest()), "JPEG", quality=90)

    film = decode(data)

    np.testing.assert_array_equal(film.pixels, np.asarray(Image.open(io.BytesIO(data))))
    assert film.mode == "L"


@pytest.mark.parametrize("options", [{"quality": 95}, {"progressive": True}, {"subsampling": 0}])
def test_a_colour_jpeg_of_greys_differs_from_pillow_by_rounding_only(options: dict[str, Any]) -> None:
    data = saved(Image.fromarray(chest()).convert("RGB"), "JPEG", **options)

    film = decode(data)

    assert np.abs(film.pixels.astype(int) - np.asarray(Image.open(io.BytesIO(data)).convert("L"))).max() <= 1
    assert film.mode == "RGB"


def test_a_cmyk_jpeg_is_inverted_as_adobe_stores_it() -> None:
    data = saved(colour().convert("CMYK"), "JPEG", quality=95)

    film = decode(data)

    np.testing.assert_array_equal(film.pixels, np.asarray(Image.open(io.BytesIO(data)).convert("L")))
    assert film.mode == "CMYK"
    assert np.abs(film.pixels.astype(int) - np.asarray(colour().convert("L"))).mean() < 4


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_", ["JPEG", "TIFF"])
def test_the_orientation_is_applied(format_: str, orientation: int) -> None:
    image = Image.fromarray(chest())
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    data = saved(image, format_, exif=exif)
    with Image.open(io.BytesIO(data)) as opened:
        upright = ImageOps.exif_transpose(opened)

    film = decode(data)

    np.testing.assert_array_equal(film.pixels, np.asarray(upright))
    assert (film.width_px, film.height_px) == upright.size


def test_white_is_zero_is_turned_round_for_16_bits_too() -> None:
    stored = (chest().astype(np.uint16) * 257)[:, :]
    data = bytearray(saved(Image.fromarray(stored), "TIFF"))
    entry = data.index(struct.pack("<HHI", 262, 3, 1))  # PhotometricInterpretation, SHORT, one value
    data[entry + 8 : entry + 10] = struct.pack("<H", 0)

    np.testing.assert_array_equal(decode(bytes(data)).pixels, 255 - chest())


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_of(header: tuple[int, ...], stream: bytes, *before: bytes) -> bytes:
    parts = [
        chunk(b"IHDR", struct.pack(">IIBBBBB", *header)),
        *before,
        chunk(b"IDAT", stream),
        chunk(b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_an_interlaced_png() -> None:
    grey, passes = chest(), b""
    for y0, x0, dy, dx in [
        (0, 0, 8, 8),
        (0, 4, 8, 8),
        (4, 0, 8, 4),
        (0, 2, 4, 4),
        (2, 0, 4, 2),
        (0, 1, 2, 2),
        (1, 0, 2, 1),
    ]:
        passes += b"".join(b"\0" + row.tobytes() for row in grey[y0::dy, x0::dx])

    film = decode(png_of((WIDTH, HEIGHT, 8, 0, 0, 0, 1), zlib.compress(passes)))

    np.testing.assert_array_equal(film.pixels, grey)


def test_16_bit_colour_is_not_cut_to_8_first() -> None:
    stored = np.full((HEIGHT, WIDTH, 3), 255, ">u2")  # 255/65535 rounds to 1 of 255, not to the high byte 0
    stored[0] = 0
    rows = b"".join(b"\0" + row.tobytes() for row in stored)

    film = decode(png_of((WIDTH, HEIGHT, 16, 2, 0, 0, 0), zlib.compress(rows)))

    assert (film.pixels[1:] == 1).all()


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "BMP", "TIFF"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.99])
def test_a_film_cut_short_is_refused_and_never_filled_in(format_: str, share: float) -> None:
    data = saved(Image.fromarray(chest()), format_)

    assert reason_of(data[: max(int(share * len(data)), 9)]) == "truncated"


def test_the_last_bytes_of_a_png_and_a_jpeg_matter_too() -> None:
    for format_ in ("PNG", "JPEG"):
        data = saved(Image.fromarray(chest()), format_)
        assert {reason_of(data[:-n]) for n in (1, 2)} == {"truncated"}


def test_a_jpeg_whose_end_was_pasted_on_is_refused() -> None:
    data = saved(Image.fromarray(chest()), "JPEG")

    assert reason_of(data[: len(data) * 2 // 3] + b"\xff\xd9") in ("truncated", "corrupt")


def test_a_png_of_too_few_rows_is_truncated() -> None:
    rows = b"".join(b"\0" + row.tobytes() for row in chest()[:-1])

    assert reason_of(png_of((WIDTH, HEIGHT, 8, 0, 0, 0, 0), zlib.compress(rows))) == "truncated"


def test_a_flipped_bit_in_a_png_is_corrupt() -> None:
    data = bytearray(saved(Image.fromarray(chest()), "PNG"))
    data[len(data) // 2] ^= 1

    assert reason_of(bytes(data)) == "corrupt"


def test_a_png_row_filter_that_does_not_exist_is_corrupt() -> None:
    rows = b"".join(b"\x05" + row.tobytes() for row in chest())

    assert reason_of(png_of((WIDTH, HEIGHT, 8, 0, 0, 0, 0), zlib.compress(rows))) == "corrupt"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"path,label\n", "not an image"),
        (b"%PDF-1.7\n", "not an image"),
        (b"\0" * 5000, "not an image"),
    ],
)
def test_what_is_no_film(data: bytes, reason: str) -> None:
    assert reason_of(data) == reason


def test_another_picture_format_is_unsupported() -> None:
    assert reason_of(saved(Image.fromarray(chest()), "GIF")) == "unsupported"
    assert reason_of(saved(Image.fromarray(chest().astype(np.float32)), "TIFF")) == "unsupported"
    assert (
        reason_of(saved(Image.fromarray(chest()).convert("1"), "TIFF", compression="group4")) == "unsupported"
    )


@pytest.mark.parametrize(("at", "value"), [(28, 7), (30, 4)])
def test_a_bmp_of_a_sort_that_is_not_read_is_unsupported_not_corrupt(at: int, value: int) -> None:
    data = bytearray(saved(Image.fromarray(chest()), "BMP"))
    data[at] = value  # bits a pixel; compression by JPEG

    assert reason_of(bytes(data)) == "unsupported"


@pytest.mark.parametrize("format_", ["GIF", "PNG", "TIFF", "WEBP"])
def test_several_pictures_in_a_file_are_refused(format_: str) -> None:
    first, second = Image.fromarray(chest()), Image.fromarray(chest()[::-1].copy())

    data = saved(first, format_, save_all=True, append_images=[second])

    assert reason_of(data) == "multi-frame"


def test_a_bomb_is_refused_by_its_header(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = png_of((20_000, 20_000, 8, 0, 0, 0, 0), zlib.compress(bytes(1000)))
    assert reason_of(bomb) == "too large"

    for format_ in ("JPEG", "BMP", "TIFF"):
        monkeypatch.setattr("hilum.imaging.film.MAX_PIXELS", HEIGHT * WIDTH - 1)
        assert reason_of(saved(Image.fromarray(chest()), format_)) == "too large"


def test_a_png_that_unpacks_to_more_than_it_declares_is_cut() -> None:
    rows = b"".join(b"\0" + row.tobytes() for row in chest())

    film = decode(png_of((WIDTH, HEIGHT, 8, 0, 0, 0, 0), zlib.compress(rows + bytes(50_000_000))))

    np.testing.assert_array_equal(film.pixels, chest())


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "BMP", "TIFF"])
def test_a_thumbnail_is_too_small(format_: str) -> None:
    assert reason_of(saved(Image.fromarray(chest()[:15]), format_)) == "too small"
    assert decode(saved(Image.fromarray(chest()[:16]), format_)).height_px == 16


def test_a_file_says_its_path(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    good.write_bytes(saved(Image.fromarray(chest()), "PNG"))
    bad.write_bytes(b"no picture")

    np.testing.assert_array_equal(decode_file(good).pixels, chest())
    with pytest.raises(FilmError, match=r"bad\.png: neither PNG") as caught:
        decode_file(bad)
    assert caught.value.reason == "not an image"


def test_a_file_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (tmp_path / "absent.png", tmp_path):
        with pytest.raises(FilmError) as caught:
            decode_file(path)
        assert caught.value.reason == "unreadable"
        assert str(caught.value).startswith(str(path))

    (tmp_path / "big.png").write_bytes(bytes(100))
    monkeypatch.setattr(decoding, "MAX_FILE_BYTES", 99)
    with pytest.raises(FilmError, match="100 bytes") as caught:
        decode_file(tmp_path / "big.png")
    assert caught.value.reason == "too large"


def test_names_and_first_bytes() -> None:
    assert [
        n
        for n in ("a.PNG", "b.jpg", "c.JPEG", "d.bmp", "e.tif", "f.TIFF", "g.dcm")
        if not is_film_name(Path(n))
    ] == []
    assert not any(is_film_name(Path(n)) for n in ("a.csv", "IM0001", "x.png.txt", ".png"))
    assert sniff(bytes(128) + b"DICM") == "dicom"
    assert sniff(b"\x89PNG") is None


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(FilmError, match=r"a.png: expected a file, got a folder, a pipe or a device"):
        decode_file(tmp_path / "a.png")
