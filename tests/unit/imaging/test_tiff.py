"""TIFF films of every layout, made by hand: planes, strips, tiles, byte orders, differences."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from hilum.core.errors import FilmError
from hilum.imaging.decode import decode
from tiff_films import DEFLATE, HEIGHT, NONE, ORDERS, PACKBITS, WIDTH, colours, luma, tiff


def packed(samples: NDArray[Any], compression: int, order: str, differences: bool) -> bytes:
    if differences:
        samples = np.concatenate([samples[:, :1], np.diff(samples, axis=1)], axis=1)
    data = samples.astype(f"{ORDERS[order]}{samples.dtype.kind}{samples.dtype.itemsize}").tobytes()
    if compression == DEFLATE:
        return zlib.compress(data)
    if compression == PACKBITS:
        return b"".join(
            bytes([len(data[i : i + 128]) - 1]) + data[i : i + 128] for i in range(0, len(data), 128)
        )
    return data


def film(
    samples: NDArray[Any],
    photometric: int,
    order: str = "II",
    *,
    planes: bool = False,
    compression: int = NONE,
    differences: bool = False,
    rows: int = HEIGHT,
    tiles: bool = False,
    **tags: list[int],
) -> bytes:
    """A TIFF of samples, (height, width, samples a pixel)."""
    n = samples.shape[2]
    segments = []
    for plane in [samples[..., k : k + 1] for k in range(n)] if planes else [samples]:
        if tiles:
            whole = np.zeros((48, 64, plane.shape[2]), plane.dtype)
            whole[:HEIGHT, :WIDTH] = plane
            parts = [whole[i : i + 16, j : j + 32] for i in range(0, 48, 16) for j in range(0, 64, 32)]
        else:
            parts = [plane[i : i + rows] for i in range(0, HEIGHT, rows)]
        segments += [packed(p, compression, order, differences) for p in parts]
    said = {
        258: [8 * samples.dtype.itemsize] * n,
        259: [compression],
        262: [photometric],
        277: [n],
        284: [1 + planes],
        317: [1 + differences],
        **({322: [32], 323: [16]} if tiles else {278: [rows]}),
        **{int(tag[1:]): value for tag, value in tags.items()},
    }
    return tiff(segments, said, order, tiles)


def to_8_bits(values: NDArray[Any], kind: type) -> NDArray[np.int64]:
    top = int(np.iinfo(kind).max)
    return (values.astype(np.int64) * 255 + top // 2) // top


def laid_over_black(samples: NDArray[Any], kind: type) -> NDArray[np.int64]:
    top = int(np.iinfo(kind).max)
    return (samples[..., :-1].astype(np.int64) * samples[..., -1:].astype(np.int64) + top // 2) // top


LAYOUTS = [
    {},
    {"planes": True},
    {"rows": 7},
    {"planes": True, "rows": 7, "compression": DEFLATE},
    {"tiles": True, "compression": DEFLATE, "differences": True},
    {"tiles": True, "planes": True, "compression": PACKBITS},
    {"compression": DEFLATE, "differences": True},
    {"planes": True, "compression": DEFLATE, "differences": True},
]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda v: "-".join(v) or "plain")
@pytest.mark.parametrize("order", ["II", "MM"])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_every_layout_of_samples(layout: dict[str, Any], order: str, kind: type) -> None:
    samples = colours(kind)
    rgb, two = samples[..., :3], samples[..., [0, 3]]
    right = {
        "grey": (film(samples[..., :1], 1, order, **layout), to_8_bits(samples[..., 0], kind)),
        "white is zero": (film(samples[..., :1], 0, order, **layout), 255 - to_8_bits(samples[..., 0], kind)),
        "grey, alpha": (
            film(two, 1, order, **layout, t338=[2]),
            to_8_bits(laid_over_black(two, kind)[..., 0], kind),
        ),
        "grey, depth": (film(two, 1, order, **layout, t338=[0]), to_8_bits(two[..., 0], kind)),
        "rgb": (film(rgb, 2, order, **layout), to_8_bits(luma(rgb), kind)),
        "rgb, alpha": (
            film(samples, 2, order, **layout, t338=[2]),
            to_8_bits(luma(laid_over_black(samples, kind)), kind),
        ),
        "rgb, over black": (film(samples, 2, order, **layout, t338=[1]), to_8_bits(luma(rgb), kind)),
    }
    for name, (data, expected) in right.items():
        np.testing.assert_array_equal(decode(data).pixels, expected, err_msg=name)


@pytest.mark.parametrize("bits", [1, 2, 3, 4, 6, 10, 12, 14])
@pytest.mark.parametrize("order", ["II", "MM"])
@pytest.mark.parametrize("compression", [NONE, DEFLATE])
@pytest.mark.parametrize("turned", [False, True])
def test_grey_of_any_depth(bits: int, order: str, compression: int, turned: bool) -> None:
    top = (1 << bits) - 1
    values = np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) * 7 % (top + 1)
    rows = ["".join(f"{v:0{bits}b}" for v in row) for row in values.tolist()]
    data = b"".join(int(r.ljust(-(-len(r) // 8) * 8, "0"), 2).to_bytes(-(-len(r) // 8)) for r in rows)
    strip = zlib.compress(data) if compression == DEFLATE else data
    if turned:
        strip = bytes(int(f"{byte:08b}"[::-1], 2) for byte in strip)
    said = {258: [bits], 259: [compression], 277: [1], 278: [HEIGHT], 266: [1 + turned]}
    right = (values * 255 + top // 2) // top

    np.testing.assert_array_equal(decode(tiff([strip], said | {262: [1]}, order)).pixels, right)
    np.testing.assert_array_equal(decode(tiff([strip], said | {262: [0]}, order)).pixels, 255 - right)


@pytest.mark.parametrize("compression", [NONE, DEFLATE])
@pytest.mark.parametrize("planes", [False, True])
def test_strips_that_hold_too_little_are_refused(compression: int, planes: bool) -> None:
    whole = film(colours(np.uint16)[..., :3], 2, planes=planes, compression=compression, rows=10)
    place = whole.index(struct.pack("<HH", 279, 4)) + 8
    lengths = struct.unpack("<I", whole[place : place + 4])[0]
    first = struct.unpack("<I", whole[lengths : lengths + 4])[0]

    short = whole[:lengths] + struct.pack("<I", first // 2) + whole[lengths + 4 :]

    assert reason_of(short) in ("truncated", "corrupt")
    assert reason_of(whole[:200]) == "truncated"


def reason_of(data: bytes) -> str:
    with pytest.raises(FilmError) as caught:
        decode(data)
    return caught.value.reason


@pytest.mark.parametrize(
    ("kind", "format_", "words"),
    [
        (np.int8, 2, "signed samples"),
        (np.int16, 2, "signed samples"),
        (np.int32, 2, "signed samples"),
        (np.uint32, 1, "32 bits"),
        (np.float32, 3, "floating-point samples"),
        (np.float64, 3, "floating-point samples"),
    ],
)
@pytest.mark.parametrize("order", ["II", "MM"])
def test_samples_whose_black_is_unknown_are_unsupported(
    kind: type, format_: int, words: str, order: str
) -> None:
    data = film(colours()[..., :1].astype(kind), 1, order, t339=[format_])

    with pytest.raises(FilmError, match=words) as caught:
        decode(data)
    assert caught.value.reason == "unsupported"


def test_chroma_that_is_sampled_less_often_is_unsupported_but_in_jpeg() -> None:
    with pytest.raises(FilmError, match="photometric interpretation 6") as caught:
        decode(film(colours()[..., :3], 6, t530=[2, 2]))
    assert caught.value.reason == "unsupported"


@pytest.mark.parametrize("compression", [2, 3, 4, 6, 34925, 50000])
def test_a_compression_that_is_not_read_is_named(compression: int) -> None:
    data = film(colours()[..., :1], 1, t259=[compression])

    with pytest.raises(FilmError, match=f"compression {compression}; read are none, LZW, JPEG") as caught:
        decode(data)
    assert caught.value.reason == "unsupported"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_the_orientation_of_what_pillow_does_not_put_together(orientation: int, kind: type) -> None:
    rgb = colours(kind)[..., :3]
    image = Image.fromarray(to_8_bits(luma(rgb), kind).astype(np.uint8))
    turn = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}.get(orientation)
    upright = image if turn is None else image.transpose(Image.Transpose(turn))

    np.testing.assert_array_equal(
        decode(film(rgb, 2, planes=True, t274=[orientation])).pixels, np.asarray(upright)
    )


def test_a_page_that_does_not_say_which_value_is_black_is_refused() -> None:
    data = film(colours()[..., :1], 1).replace(struct.pack("<HH", 262, 3), struct.pack("<HH", 263, 3))

    with pytest.raises(FilmError, match="tag 262") as caught:
        decode(data)
    assert caught.value.reason == "corrupt"


@pytest.mark.parametrize("kind", ["L", "I;16", "RGB"])
def test_big_tiff(kind: str) -> None:
    values = colours(np.uint16 if kind == "I;16" else np.uint8)
    image = Image.fromarray(values[..., :3] if kind == "RGB" else values[..., 0])
    plain, big = io.BytesIO(), io.BytesIO()
    image.save(plain, "TIFF")
    image.save(big, "TIFF", big_tiff=True)

    assert big.getvalue()[2:4] == b"+\0"
    np.testing.assert_array_equal(decode(big.getvalue()).pixels, decode(plain.getvalue()).pixels)
