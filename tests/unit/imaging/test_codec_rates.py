"""Codecs are tried on the very bytes that the decoder reads, and a rate is pixels over seconds."""

from __future__ import annotations

import zlib

import numpy as np
import simplejpeg

from hilum.imaging import codec_rates as module
from hilum.imaging.codec_rates import codec_rates


def test_pixels_over_seconds_of_what_the_codecs_and_the_decoder_give(monkeypatch) -> None:
    film = np.random.default_rng(0).integers(0, 256, (40, 50), np.uint8)
    answers = []

    def shortest(work, _):
        answers.append(work()[0])
        return 0.5

    monkeypatch.setattr(module, "shortest", shortest)
    found = codec_rates([film, film])
    assert {r.bare for r in found.values()} | {r.decoder for r in found.values()} == {2 * 40 * 50 / 0.5}
    inflated, decoded_png, jpeg, decoded_jpeg = answers
    assert len(inflated) == 40 * (50 + 1)  # a row has its filter's byte (W3C PNG, section 9)
    assert inflated[0] == 2
    np.testing.assert_array_equal(decoded_png.pixels, film)
    stored = simplejpeg.encode_jpeg(film[..., None], module.JPEG_QUALITY, "GRAY")
    np.testing.assert_array_equal(jpeg, simplejpeg.decode_jpeg(stored, "GRAY"))
    np.testing.assert_array_equal(decoded_jpeg.pixels, jpeg[..., 0])


def test_without_isal_the_standard_library_inflates(monkeypatch) -> None:
    absent = module.importlib.import_module

    def import_module(name):
        if name.startswith("isal"):
            raise ImportError(name)
        return absent(name)

    monkeypatch.setattr(module.importlib, "import_module", import_module)
    inflate, name = module._inflater()
    assert (inflate(zlib.compress(b"rows")), name) == (b"rows", "zlib")
