"""TIFF whose strips are JPEG streams: put together, with tables apart, and never filled in."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from hilum.core.errors import FilmError
from hilum.imaging.decode import decode
from tiff_films import HEIGHT, JPEG, WIDTH, colours, luma, tiff


def reason_of(data: bytes) -> str:
    with pytest.raises(FilmError) as caught:
        decode(data)
    return caught.value.reason


def jpeg_strips(mode: str, strip: int = HEIGHT, **options: Any) -> tuple[list[bytes], NDArray[np.uint8]]:
    """JPEG streams of the strips of a film, and the greys that a JPEG decoder makes of them."""
    rgb = Image.fromarray(colours()[..., :3])
    image, streams, greys = rgb if mode == "RGB" else rgb.convert("L"), [], []
    for top in range(0, HEIGHT, strip):
        out = io.BytesIO()
        image.crop((0, top, WIDTH, min(top + strip, HEIGHT))).save(out, "JPEG", quality=90, **options)
        streams.append(out.getvalue())
        with Image.open(io.BytesIO(out.getvalue())) as opened:
            opened.draft("L", opened.size)
            greys.append(np.asarray(opened.convert("L")))
    return streams, np.concatenate(greys)


def jpeg_tiff(streams: list[bytes], mode: str, strip: int = HEIGHT, **tags: list[int]) -> bytes:
    n, photometric = (3, 6) if mode == "RGB" else (1, 1)
    said = {258: [8] * n, 259: [JPEG], 262: [photometric], 277: [n], 278: [strip]}
    return tiff(streams, said | {int(tag[1:]): value for tag, value in tags.items()})


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("strip", [HEIGHT, 16])
def test_strips_of_jpeg(mode: str, strip: int) -> None:
    streams, expected = jpeg_strips(mode, strip)

    result = decode(jpeg_tiff(streams, mode, strip))

    np.testing.assert_array_equal(result.pixels, expected)
    assert result.mode == mode


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_tables_that_stand_apart(mode: str) -> None:
    (stream,), expected = jpeg_strips(mode)
    frame = stream.index(b"\xff\xc0")
    tables = b"\xff\xd8" + stream[stream.index(b"\xff\xdb") : frame] + b"\xff\xd9"

    data = jpeg_tiff([b"\xff\xd8" + stream[frame:]], mode, t347=list(tables))

    np.testing.assert_array_equal(decode(data).pixels, expected)


def test_rgb_stored_in_jpeg_as_it_is() -> None:
    out = io.BytesIO()
    Image.fromarray(colours()[..., :3]).save(out, "JPEG", quality=100, keep_rgb=True, subsampling=0)
    stream = out.getvalue()
    adobe = stream.index(b"\xff\xee")
    bare = stream[:adobe] + stream[adobe + 16 :]  # without the segment that says so: the TIFF says it

    result = decode(jpeg_tiff([bare], "RGB", t262=[2]))

    assert np.abs(result.pixels - luma(colours()[..., :3])).max() <= 2


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("share", [0.5, 0.8, 0.97])
@pytest.mark.parametrize("filled", [b"", b"\0", b"\xff", b"\x55"])
def test_a_jpeg_strip_cut_anywhere_is_refused(mode: str, share: float, filled: bytes) -> None:
    for strip in (HEIGHT, 16):
        streams, _ = jpeg_strips(mode, strip)
        keep = int(share * len(streams[-1]))
        streams[-1] = streams[-1][:keep] + filled * (len(streams[-1]) - keep)

        assert reason_of(jpeg_tiff(streams, mode, strip)) in ("truncated", "corrupt")


def test_a_jpeg_strip_of_another_size_is_corrupt() -> None:
    streams, _ = jpeg_strips("L", 16)

    assert reason_of(jpeg_tiff([streams[0]], "L")) == "corrupt"
    assert reason_of(jpeg_tiff(streams[:2], "L", 16)) == "corrupt"
