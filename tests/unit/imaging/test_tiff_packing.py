"""LZW, Deflate and PackBits of TIFF against libtiff, which packed them here through Pillow; and damage to them."""

from __future__ import annotations

import contextlib
import io
import zlib

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

from hilum.core.errors import FilmError
from hilum.imaging.decode import decode
from hilum.imaging.tiff_packing import DEFLATE, LZW, NONE, PACKBITS, unpacked

NAMES = {LZW: "tiff_lzw", DEFLATE[0]: "tiff_adobe_deflate", PACKBITS: "packbits"}


def bytes_of_sort(sort: str, n_rows: int = 120, width: int = 97) -> NDArray[np.uint8]:
    rng = np.random.default_rng(3)
    return {
        "noise": rng.integers(0, 256, (n_rows, width)),
        "few": rng.integers(0, 3, (n_rows, width)) * 100,
        "flat": np.full((n_rows, width), 9) + (np.arange(width) == 50),
        "ramp": np.add.outer(np.arange(n_rows), np.arange(width)) % 256,
    }[sort].astype(np.uint8)


def strip_of(values: NDArray[np.uint8], compression: int) -> bytes:
    """The one strip that libtiff makes of a film."""
    out = io.BytesIO()
    Image.fromarray(values).save(out, "TIFF", compression=NAMES[compression], tiffinfo={278: len(values)})
    tags = TiffImagePlugin.TiffImageFile(io.BytesIO(out.getvalue())).tag_v2
    assert len(tags[273]) == 1
    return out.getvalue()[tags[273][0] : tags[273][0] + tags[279][0]]


@pytest.mark.parametrize("sort", ["noise", "few", "flat", "ramp"])
@pytest.mark.parametrize("compression", sorted(NAMES))
def test_what_libtiff_packed(sort: str, compression: int) -> None:
    values = bytes_of_sort(sort)
    strip = strip_of(values, compression)

    np.testing.assert_array_equal(unpacked(strip, compression, values.size), values.ravel())
    np.testing.assert_array_equal(unpacked(strip, compression, 5000), values.ravel()[:5000])


@pytest.mark.parametrize("sort", ["noise", "few", "ramp"])
@pytest.mark.parametrize("compression", sorted(NAMES))
def test_a_strip_cut_short_is_truncated(sort: str, compression: int) -> None:
    values = bytes_of_sort(sort)
    strip = strip_of(values, compression)

    with pytest.raises(FilmError, match=f"gives [0-9]+ bytes, not {values.size}") as caught:
        unpacked(strip[: len(strip) // 2], compression, values.size)
    assert caught.value.reason == "truncated"


def test_a_wrong_sum_and_a_code_that_stands_for_nothing_are_corrupt() -> None:
    packed = bytearray(zlib.compress(bytes(100)))
    packed[-1] ^= 1
    with pytest.raises(FilmError, match="incorrect data check") as caught:
        unpacked(bytes(packed), DEFLATE[0], 100)
    assert caught.value.reason == "corrupt"

    codes = f"{256:09b}{65:09b}{300:09b}"  # clear, "A", an entry that is not there yet
    with pytest.raises(FilmError, match="stands for nothing") as caught:
        unpacked(int(codes.ljust(32, "0"), 2).to_bytes(4), LZW, 100)
    assert caught.value.reason == "corrupt"


def test_the_lzw_of_old_is_unsupported_by_name() -> None:
    with pytest.raises(FilmError, match=r"before TIFF 5\.0") as caught:
        unpacked(b"\0\1\2\3", LZW, 3)
    assert caught.value.reason == "unsupported"


def test_no_compression_is_as_long_as_it_has_to_be() -> None:
    assert unpacked(b"abcd", NONE, 3).tobytes() == b"abc"
    with pytest.raises(FilmError, match="gives 4 bytes, not 5"):
        unpacked(b"abcd", NONE, 5)


def test_nothing_is_written_to_stderr_about_damage(capfd: pytest.CaptureFixture[str]) -> None:
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        out = io.BytesIO()
        Image.fromarray(bytes_of_sort("ramp")).save(out, "TIFF", compression=compression)
        data = bytearray(out.getvalue())
        data[60:90] = bytes(30)
        with contextlib.suppress(FilmError):
            decode(bytes(data))
    assert capfd.readouterr().err == ""
