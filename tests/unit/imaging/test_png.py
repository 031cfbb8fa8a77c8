"""The PNG reader's own corners: every sort of PNG against Pillow, and that either inflater gives the same film."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from hilum.core.errors import FilmError
from hilum.explain.colours import map_rgba
from hilum.imaging import png
from hilum.imaging.decode import decode


def film(grain: int = 256) -> np.ndarray:
    return np.random.default_rng(0).integers(0, grain, (33, 47)).astype(np.uint8)


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


@pytest.mark.parametrize("signed", [False, True])
def test_a_heat_map_is_about_as_small_as_pillows(signed: bool) -> None:
    y, x = np.mgrid[:224, :224]
    values = (np.sin(x / 30) * np.cos(y / 25)).astype(np.float32)
    colours = map_rgba(values if signed else values + 1, signed)
    out = io.BytesIO()
    Image.fromarray(colours).save(out, "PNG", compress_level=3)

    assert len(png.write(colours)) < 1.1 * len(out.getvalue())


def test_an_empty_film_is_written_and_refused_when_it_is_read() -> None:
    with pytest.raises(FilmError, match="declares 5 x 0 px") as caught:
        decode(png.write(np.zeros((0, 5), np.uint8)))
    assert caught.value.reason == "corrupt"


@pytest.mark.parametrize(
    ("first", "reason"), [(b"IDAT", "corrupt"), (b"tEXt", "corrupt"), (b"IEND", "corrupt")]
)
def test_a_png_must_begin_with_its_header(first: bytes, reason: str) -> None:
    data = png.SIGNATURE + struct.pack(">I", 0) + first + struct.pack(">I", zlib.crc32(first))

    with pytest.raises(FilmError) as caught:
        png.check(data)
    assert caught.value.reason == reason


def chunk(kind: bytes, body: bytes, sound: bool = True) -> bytes:
    checksum = zlib.crc32(body, zlib.crc32(kind)) if sound else 1
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)


PROFILE = chunk(b"iCCP", b"monitor\0\0" + zlib.compress(bytes(3_000_000)))
TEXTS = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"a" * 3_000_000)) + chunk(
    b"iTXt", b"Title\0\1\0\0\0" + zlib.compress(b"b" * 3_000_000)
)
BROKEN = b"".join(
    chunk(k, b"a\0b", sound=False) for k in (b"tEXt", b"iCCP", b"zTXt", b"iTXt", b"eXIf", b"prVt")
)
PASSES = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
SORTS = [(0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (2, 8), (2, 16), (3, 1), (3, 2), (3, 4), (3, 8)]
SORTS += [(4, 8), (4, 16), (6, 8), (6, 16)]


def packed_rows(samples: np.ndarray, depth: int) -> bytes:
    """Rows without filter, several samples a byte where they are small."""
    out = b""
    for row in samples.reshape(len(samples), -1).tolist():
        bits = "".join(f"{value:0{depth}b}" for value in row)
        bits += "0" * (-len(bits) % 8)
        out += b"\0" + int(bits, 2).to_bytes(len(bits) // 8)
    return out


def made(
    colour: int, depth: int, interlaced: bool, *between: bytes, transparent: bytes = b""
) -> tuple[bytes, np.ndarray]:
    """A PNG of any sort, and its samples."""
    n = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    samples = np.random.default_rng(depth).integers(0, 1 << depth, (33, 47, n))
    passes = PASSES if interlaced else [(0, 0, 1, 1)]
    stream = b"".join(packed_rows(samples[y::down, x::right], depth) for y, x, down, right in passes)
    header = struct.pack(">IIBBBBB", 47, 33, depth, colour, 0, 0, interlaced)
    parts = [chunk(b"IHDR", header), *between]
    if colour == 3:
        parts.append(
            chunk(b"PLTE", bytes((5 * k + 90 * c) % 256 for k in range(1 << depth) for c in range(3)))
        )
    if transparent:
        parts.append(chunk(b"tRNS", transparent))
    parts += [chunk(b"IDAT", zlib.compress(stream)), chunk(b"IEND", b"")]
    return png.SIGNATURE + b"".join(parts), samples


@pytest.mark.parametrize(("colour", "depth"), SORTS)
@pytest.mark.parametrize("interlaced", [False, True])
def test_every_sort_of_png_against_its_own_samples(colour: int, depth: int, interlaced: bool) -> None:
    data, samples = made(colour, depth, interlaced)

    film = decode(data)

    top = (1 << depth) - 1
    if colour == 3:
        k = samples[..., :1]
        samples, top = (5 * k + 90 * np.arange(3)) % 256, 255
    if colour in (4, 6):
        samples = (samples[..., :-1] * samples[..., -1:] + top // 2) // top
    weights = [65536] if samples.shape[2] == 1 else [19595, 38470, 7471]
    grey = (samples @ np.array(weights) + 32768) >> 16
    np.testing.assert_array_equal(film.pixels, (grey * 255 + top // 2) // top)


@pytest.mark.parametrize(("colour", "depth"), [(0, 4), (0, 16), (2, 8), (3, 8), (4, 8), (6, 16)])
@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("between", [PROFILE, TEXTS, BROKEN], ids=["profile", "texts", "broken"])
def test_what_only_describes_is_passed_over(
    colour: int, depth: int, interlaced: bool, between: bytes
) -> None:
    plain, _ = made(colour, depth, interlaced)
    data, _ = made(colour, depth, interlaced, between)

    np.testing.assert_array_equal(decode(data).pixels, decode(plain).pixels)


@pytest.mark.parametrize(("colour", "depth"), [(0, 2), (0, 8), (0, 16), (2, 8), (2, 16)])
@pytest.mark.parametrize("interlaced", [False, True])
def test_a_transparent_colour_is_black(colour: int, depth: int, interlaced: bool) -> None:
    plain, samples = made(colour, depth, interlaced)
    key = samples[7, 9]
    data, _ = made(colour, depth, interlaced, transparent=key.astype(">u2").tobytes())

    keyed = (samples == key).all(axis=2)
    np.testing.assert_array_equal(decode(data).pixels, np.where(keyed, 0, decode(plain).pixels))


def test_the_alpha_of_a_palette() -> None:
    data, samples = made(3, 8, False, transparent=bytes([0, 128]))
    plain = decode(made(3, 8, False)[0]).pixels

    film = decode(data).pixels

    assert (film[samples[..., 0] == 0] == 0).all()
    assert np.abs(film[samples[..., 0] == 1].astype(int) - plain[samples[..., 0] == 1] / 2).max() <= 1
    np.testing.assert_array_equal(film[samples[..., 0] > 1], plain[samples[..., 0] > 1])


@pytest.mark.parametrize("kind", [b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"])
def test_a_wrong_checksum_of_what_decides_about_pixels_is_corrupt(kind: bytes) -> None:
    data = bytearray(made(3, 8, False, transparent=bytes(9))[0])
    at = data.index(kind)
    end = at + 4 + int.from_bytes(data[at - 4 : at])
    data[end] ^= 1

    with pytest.raises(FilmError, match=f"the checksum of PNG chunk {kind!r} is wrong") as caught:
        decode(bytes(data))
    assert caught.value.reason == "corrupt"


def test_a_pixel_beyond_its_palette_is_corrupt() -> None:
    data, _ = made(3, 8, False)
    at = data.index(b"PLTE")
    short = data[: at - 4] + chunk(b"PLTE", bytes(30)) + data[data.index(b"IDAT") - 4 :]

    with pytest.raises(FilmError, match="palette has 10 colours") as caught:
        decode(short)
    assert caught.value.reason == "corrupt"


def test_a_sort_that_does_not_exist_is_corrupt() -> None:
    header = struct.pack(">IIBBBBB", 47, 33, 16, 3, 0, 0, 0)
    data = png.SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")

    with pytest.raises(FilmError, match="no PNG is of depth 16, colour type 3") as caught:
        decode(data)
    assert caught.value.reason == "corrupt"


def test_the_orientation_in_a_png() -> None:
    entry = struct.pack("<HHIHH", 274, 3, 1, 6, 0)
    turned, _ = made(0, 8, False, chunk(b"eXIf", b"II*\0" + struct.pack("<IH", 8, 1) + entry + bytes(4)))

    np.testing.assert_array_equal(decode(turned).pixels, np.rot90(decode(made(0, 8, False)[0]).pixels, -1))


@pytest.mark.parametrize("kind", [b"CgBI", b"ABCD"])
def test_a_critical_chunk_that_is_not_known_is_unsupported(kind: bytes) -> None:
    data, _ = made(0, 8, False)

    for place in (8, data.index(b"IDAT") - 4):
        with pytest.raises(FilmError, match=f"{kind!r}, which a reader has to know") as caught:
            decode(data[:place] + chunk(kind, b"abcd") + data[place:])
        assert caught.value.reason == "unsupported"


@pytest.mark.parametrize(("frames", "reason"), [(1, None), (2, "multi-frame")])
def test_an_animation_of_one_frame_is_a_film(frames: int, reason: str | None) -> None:
    data, samples = made(0, 8, False, chunk(b"acTL", struct.pack(">II", frames, 0)))

    if reason is None:
        np.testing.assert_array_equal(decode(data).pixels, samples[..., 0])
    else:
        with pytest.raises(FilmError) as caught:
            decode(data)
        assert caught.value.reason == reason
