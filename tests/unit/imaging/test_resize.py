"""Resizing gives Pillow 13's pixels, to the bit; an older Pillow at hand gets its own bound."""

from __future__ import annotations

import threading

import numpy as np
import PIL
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hilum.core.errors import InputError
from hilum.imaging.resize import FILTERS, resize

PILLOW = {
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "lanczos": Image.Resampling.LANCZOS,
}
PILLOW_13 = int(PIL.__version__.partition(".")[0]) >= 13


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)


def pillow(film: np.ndarray, height: int, width: int, name: str = "bicubic") -> np.ndarray:
    return np.asarray(Image.fromarray(film).resize((width, height), PILLOW[name]))


def rows_first(height: int, width: int, height_px: int, width_px: int) -> bool:
    """Whether every Pillow takes the rows first, so that all of them agree to the bit."""
    return PILLOW_13 or not (height > height_px and height - height_px > 2 * (width - width_px))


sides = st.integers(1, 90)


@settings(max_examples=150, deadline=None)
@given(sides, sides, sides, sides, st.sampled_from(sorted(FILTERS)), st.integers(0, 9))
def test_is_pillow_to_the_bit(h: int, w: int, h_out: int, w_out: int, name: str, seed: int) -> None:
    if rows_first(h, w, h_out, w_out):
        film = noise(h, w, seed)
        np.testing.assert_array_equal(resize(film, h_out, w_out, name), pillow(film, h_out, w_out, name))


@pytest.mark.parametrize(
    "size",
    [(299, 299), (224, 224), (219, 219), (220, 220), (1024, 1024), (400, 300), (300, 217), (1328, 1760)],
)
def test_is_pillow_to_the_bit_at_the_sizes_films_have(size: tuple[int, int]) -> None:
    film = noise(*size)
    ours, theirs = resize(film, 244, 244), pillow(film, 244, 244)
    if rows_first(*size, 244, 244):
        np.testing.assert_array_equal(ours, theirs)
    else:  # Pillow before 13 takes the rows first: other roundings between the passes
        assert np.abs(ours.astype(int) - theirs.astype(int)).mean() < 0.5


def test_every_filter_has_an_oracle() -> None:
    assert set(FILTERS) == set(PILLOW)


def test_at_its_own_size_a_film_is_copied() -> None:
    film = noise(244, 244)
    out = resize(film, 244, 244)
    np.testing.assert_array_equal(out, film)
    assert not np.shares_memory(out, film)


def test_result_is_new_writable_and_the_film_untouched() -> None:
    film = noise(50, 40)
    before = film.copy()
    for size in ((60, 40), (50, 60), (20, 20)):
        out = resize(film, *size)
        assert out.flags.writeable
        assert out.flags.c_contiguous
        assert not np.shares_memory(out, film)
    np.testing.assert_array_equal(film, before)


def test_locked_and_strided_films_are_taken() -> None:
    film = noise(60, 80)
    expected = resize(film, 30, 30)
    locked = film.copy()
    locked.flags.writeable = False
    np.testing.assert_array_equal(resize(locked, 30, 30), expected)
    np.testing.assert_array_equal(resize(np.asfortranarray(film), 30, 30), expected)
    np.testing.assert_array_equal(resize(np.repeat(film, 2, axis=1)[:, ::2], 30, 30), expected)


def test_one_grey_stays_that_grey() -> None:
    for grey in (0, 1, 128, 255):
        assert (resize(np.full((37, 91), grey, np.uint8), 64, 64) == grey).all()


def test_threads_agree() -> None:
    films = [noise(120, 130, seed) for seed in range(8)]
    alone = [resize(film, 64, 64) for film in films]
    together: dict[int, np.ndarray] = {}
    threads = [
        threading.Thread(target=lambda i=i: together.__setitem__(i, resize(films[i], 64, 64)))
        for i in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i, film in enumerate(alone):
        np.testing.assert_array_equal(together[i], film)


@pytest.mark.parametrize(
    ("film", "size", "message"),
    [
        (np.zeros((4, 4), np.float32), (2, 2), "expected a film"),
        (np.zeros((4, 4, 3), np.uint8), (2, 2), "expected a film"),
        (np.zeros((0, 4), np.uint8), (2, 2), "expected a film"),
        (np.zeros((4, 4), np.uint8), (0, 2), "at least 1"),
    ],
)
def test_what_is_refused(film: np.ndarray, size: tuple[int, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        resize(film, *size)


def test_an_unknown_filter_gets_the_nearest() -> None:
    with pytest.raises(InputError, match=r"unknown filter 'bicubik'.*'bicubic'"):
        resize(noise(4, 4), 2, 2, "bicubik")
