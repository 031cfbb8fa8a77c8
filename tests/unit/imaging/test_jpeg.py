"""JPEG streams: segments in any number and order, and every process that is not read, by name."""

from __future__ import annotations

import io
import struct
import subprocess
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from hilum.core.errors import FilmError
from hilum.imaging import jpeg
from hilum.imaging.decode import decode
from needs import needed_program

HEIGHT, WIDTH = 40, 52


def picture() -> Image.Image:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return Image.fromarray(np.stack([x * 4, y * 6, x + y], axis=-1).astype(np.uint8))


def saved(mode: str = "L", **options: Any) -> bytes:
    out = io.BytesIO()
    picture().convert(mode).save(out, "JPEG", **options)
    return out.getvalue()


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def exif(orientation: int, order: str = "<") -> bytes:
    start = b"II*\0" if order == "<" else b"MM\0*"
    entry = struct.pack(f"{order}HHIHH", 274, 3, 1, orientation, 0)
    return b"Exif\0\0" + start + struct.pack(f"{order}IH", 8, 1) + entry + bytes(4)


ICC = [segment(0xE2, b"ICC_PROFILE\0" + bytes([k + 1, 9]) + bytes(40_000)) for k in range(9)]
XMP = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + b" " * 30_000)
SEGMENTS = {
    "first": b"",
    "after a profile": b"".join(ICC),
    "after texts": segment(0xFE, b"a" * 60_000) * 3 + XMP,
}


@pytest.mark.parametrize("before", sorted(SEGMENTS))
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("orientation", "turns"), [(3, 2), (6, 3), (8, 1)])
def test_the_orientation_stands_after_any_number_of_segments(
    before: str, order: str, orientation: int, turns: int
) -> None:
    plain = saved()
    data = plain[:2] + SEGMENTS[before] + segment(0xE1, exif(orientation, order)) + plain[2:]

    np.testing.assert_array_equal(decode(data).pixels, np.rot90(decode(plain).pixels, turns))


def test_fill_bytes_before_a_marker() -> None:
    plain = saved()
    data = plain[:2] + b"\xff\xff\xff" + segment(0xE1, exif(6)) + b"\xff" + plain[2:]

    assert decode(data).pixels.shape == (WIDTH, HEIGHT)


@pytest.mark.parametrize(
    "body", [b"Exif\0\0", b"Exif\0\0II*\0", exif(6)[:20], exif(77), b"Exif\0\0" + bytes(40)]
)
def test_a_damaged_exif_block_turns_nothing(body: bytes) -> None:
    plain = saved()

    film = decode(plain[:2] + segment(0xE1, body) + plain[2:])

    np.testing.assert_array_equal(film.pixels, decode(plain).pixels)


def test_the_words_exif_in_the_picture_turn_nothing() -> None:
    plain = saved()

    film = decode(plain[:2] + segment(0xFE, exif(6)) + plain[2:])

    assert film.pixels.shape == (HEIGHT, WIDTH)


PROCESSES = {
    0xC3: "lossless",
    0xC5: "hierarchical",
    0xC6: "hierarchical",
    0xC7: "hierarchical",
    0xCB: "lossless",
}


def changed_frame(data: bytes, at: int, value: int) -> bytes:
    """The JPEG with one byte of its frame segment changed: 1 is the marker, 4 the precision, 5 the height."""
    frame = data.index(b"\xff\xc0")
    return data[: frame + at] + bytes([value]) + data[frame + at + 1 :]


@pytest.mark.parametrize(("process", "word"), sorted(PROCESSES.items()))
def test_a_process_that_no_decoder_reads_is_named(process: int, word: str) -> None:
    with pytest.raises(
        FilmError, match=f"a {word} JPEG .frame marker FF{process:02X}. outside DICOM"
    ) as caught:
        decode(changed_frame(saved(), 1, process))
    assert caught.value.reason == "unsupported"


def test_jpeg_ls_is_named() -> None:
    with pytest.raises(FilmError, match=r"a JPEG-LS \(frame marker FFF7\) outside DICOM") as caught:
        decode(changed_frame(saved(), 1, 0xF7))
    assert caught.value.reason == "unsupported"


@pytest.mark.parametrize("precision", [2, 12, 16])
def test_another_precision_is_named(precision: int) -> None:
    with pytest.raises(FilmError, match=f"a JPEG of {precision} bits a sample; 8 are read") as caught:
        decode(changed_frame(saved(), 4, precision))
    assert caught.value.reason == "unsupported"


def test_a_height_that_follows_the_picture_is_named() -> None:
    data = changed_frame(changed_frame(saved(), 5, 0), 6, 0)

    with pytest.raises(FilmError, match="DNL") as caught:
        decode(data)
    assert caught.value.reason == "unsupported"


def test_another_number_of_components_is_named() -> None:
    plain = saved()
    frame = plain.index(b"\xff\xc0")
    two = segment(0xC0, plain[frame + 4 : frame + 9] + bytes([2, 1, 0x11, 0, 2, 0x11, 0]))
    data = plain[:frame] + two + plain[frame + 13 :]

    with pytest.raises(FilmError, match="2 components") as caught:
        decode(data)
    assert caught.value.reason == "unsupported"


def converted(*options: str) -> bytes:
    program = needed_program("cjpeg", "libjpeg-turbo-progs")
    out = io.BytesIO()
    picture().save(out, "PPM")
    run = subprocess.run(
        [program, "-quality", "90", *options], input=out.getvalue(), capture_output=True, check=True
    )
    return run.stdout


def luminance(data: bytes) -> NDArray[np.uint8]:
    """The luminance plane, by Pillow's libjpeg."""
    with Image.open(io.BytesIO(data)) as image:
        image.draft("L", image.size)
        return np.asarray(image.convert("L"))


@pytest.mark.parametrize(
    "options",
    [["-arithmetic"], ["-arithmetic", "-progressive"], ["-progressive"], ["-restart", "1"], ["-optimize"]],
)
@pytest.mark.parametrize("grey", [[], ["-grayscale"]])
def test_arithmetic_coding_scans_and_restarts_are_read(options: list[str], grey: list[str]) -> None:
    data = converted(*options, *grey)

    np.testing.assert_array_equal(decode(data).pixels, luminance(data))


@pytest.mark.parametrize("sampling", ["1x1", "2x1", "1x2", "2x2", "4x1"])
def test_usual_samplings_of_colour(sampling: str) -> None:
    data = converted("-sample", sampling)

    np.testing.assert_array_equal(decode(data).pixels, luminance(data))
    assert jpeg.header(data).sampling[1:] == ((1, 1), (1, 1))


ODD = ["3x2", "3x1", "1x3", "4x2", "2x2,2x1,1x2", "1x1,2x2,1x1"]


@pytest.mark.parametrize("sampling", ODD)
@pytest.mark.parametrize("options", [[], ["-restart", "1"], ["-restart", "3B"], ["-optimize"]])
def test_odd_samplings_are_read_and_never_filled_in(sampling: str, options: list[str]) -> None:
    data = converted("-sample", sampling, *options)

    np.testing.assert_array_equal(decode(data).pixels, luminance(data))
    start = data.index(b"\xff\xda") + 14
    for share in (0.1, 0.5, 0.8, 0.95):
        keep = start + int(share * (len(data) - start - 2))
        rest = len(data) - 2 - keep
        for end in (b"", b"\xff\xd9", bytes(rest) + b"\xff\xd9", b"\x55" * rest + b"\xff\xd9"):
            with pytest.raises(FilmError) as caught:
                decode(data[:keep] + end)
            assert caught.value.reason in ("truncated", "corrupt")


@pytest.mark.parametrize("options", [["-progressive"], ["-arithmetic"]])
def test_an_odd_sampling_that_cannot_be_checked_is_named(options: list[str]) -> None:
    with pytest.raises(
        FilmError, match="a JPEG, not baseline, whose components are sampled 3x2, 1x1, 1x1"
    ) as caught:
        decode(converted("-sample", "3x2", *options))
    assert caught.value.reason == "unsupported"


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"quality": 100}])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("share", [0.3, 0.7, 0.9])
def test_what_is_missing_is_never_filled_in(options: dict[str, Any], mode: str, share: float) -> None:
    whole = saved(mode, **options)
    start = whole.index(b"\xff\xda")
    keep = start + int(share * (len(whole) - start))
    for end in (b"", b"\xff\xd9", bytes(len(whole) - keep - 2) + b"\xff\xd9"):
        with pytest.raises(FilmError) as caught:
            decode(whole[:keep] + end)
        assert caught.value.reason in ("truncated", "corrupt")


def test_a_progressive_film_whose_last_scans_are_gone_is_truncated() -> None:
    whole = saved("RGB", progressive=True)
    assert decode(whole[:2] + segment(0xFE, b"\xff\xda\0\x08\1\7\0\0\1\0") + whole[2:]).mode == "RGB"

    last = whole.rindex(b"\xff\xda")
    with pytest.raises(FilmError, match="before its last scans") as caught:
        decode(whole[:last] + b"\xff\xd9")
    assert caught.value.reason == "truncated"
