"""Operations on greys and patches against scikit-image, Pillow, published formulas and plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage import exposure, util

from hilum.augment.degrade import KeepBorder, ShufflePatches, Thumbnail
from hilum.augment.enhance import Bcet, Clahe, Complement, Equalize, Gamma
from hilum.augment.operation import Film
from hilum.augment.pipeline import Pipeline
from hilum.augment.presets import PRESETS, preset
from hilum.augment.probe_steps import PROBE_STEPS, probe_pipeline
from hilum.core.digests import pixels_sha256
from hilum.core.errors import InputError
from hilum.imaging.shortcuts import border

some = settings(max_examples=40, deadline=None)
films = st.builds(
    lambda h, w, low, seed: np.random.default_rng(seed).integers(low, 256, (h, w), dtype=np.uint8),
    st.integers(16, 70),
    st.integers(16, 70),
    st.integers(0, 254),
    st.integers(0, 2**32 - 1),
)


def rounded(unit: np.ndarray) -> np.ndarray:
    return np.floor(unit * 255 + 0.5)


@some
@given(films)
def test_equalize_and_clahe_are_scikit_images(film: Film) -> None:
    np.testing.assert_array_equal(Equalize().apply(film, {}), rounded(exposure.equalize_hist(film)))
    clahe = Clahe(clip_limit=0.03, tiles=4).apply(film, {})
    kernel = (film.shape[0] // 4, film.shape[1] // 4)
    np.testing.assert_array_equal(
        clahe, rounded(exposure.equalize_adapthist(film, kernel_size=kernel, clip_limit=0.03))
    )


@some
@given(films, st.floats(0.2, 4.0))
def test_gamma_and_complement_are_the_formula_and_scikit_images(film: Film, gamma: float) -> None:
    made = Gamma(gamma=gamma).apply(film, {})
    np.testing.assert_array_equal(made, exposure.adjust_gamma(film, gamma))
    assert np.abs(made - 255 * (film / 255) ** gamma).max() <= 0.5 + 1e-9
    np.testing.assert_array_equal(Complement().apply(film, {}), util.invert(film))


def guo(film: Film, L: float, H: float, E: float) -> np.ndarray:
    """Guo 1991: y = a (x - b)^2 + c, with a, b and c from least, greatest, mean and mean square of a film."""
    x = film.astype(float)
    low, high, e, s = x.min(), x.max(), x.mean(), (x**2).mean()
    b = (high**2 * (E - L) - s * (H - L) + low**2 * (H - E)) / (
        2 * (high * (E - L) - e * (H - L) + low * (H - E))
    )
    a = (H - L) / ((high - low) * (high + low - 2 * b))
    return a * (x - b) ** 2 + L - a * (low - b) ** 2


def test_bcet_is_guos_parabola() -> None:
    film = np.random.default_rng(0).beta(2, 3, (80, 90))
    grey = np.floor(film * 200 + 20).astype(np.uint8)
    for low, mean, high in ((0.0, 110.0, 255.0), (10.0, 90.0, 240.0)):
        made = Bcet(low=low, mean=mean, high=high).apply(grey, {})
        wanted = guo(grey, low, high, mean)
        assert wanted.min() >= low - 1e-9
        assert wanted.max() <= high + 1e-9
        assert np.abs(made - wanted).max() <= 0.5 + 1e-6
        assert (made.min(), made.max()) == (low, high)
        assert made.mean() == pytest.approx(mean, abs=0.1)


def test_bcet_of_a_film_of_one_grey_and_of_two() -> None:
    one = np.full((3, 3), 7, np.uint8)
    assert Bcet().apply(one, {}).tolist() == one.tolist()
    assert Bcet().apply(np.array([[7, 9], [9, 9]], np.uint8), {}).tolist() == [[0, 255], [255, 255]]


@some
@given(films, st.integers(2, 40))
def test_a_thumbnail_is_pillows_there_and_back(film: Film, size: int) -> None:
    height, width = film.shape
    small = Image.fromarray(film).resize((min(size, width), min(size, height)), Image.Resampling.BILINEAR)
    back = np.asarray(small.resize((width, height), Image.Resampling.BILINEAR), int)
    assert np.abs(Thumbnail(size=size).apply(film, {}) - back).max() <= 1  # the last bit of Pillow before 13


@some
@given(films, st.floats(0.01, 0.45), st.integers(0, 255))
def test_a_kept_border_is_that_of_a_loop(film: Film, share: float, grey: int) -> None:
    height, width = film.shape
    y, x = max(round(share * height), 1), max(round(share * width), 1)
    kept = np.array(
        [[not (y <= r < height - y and x <= c < width - x) for c in range(width)] for r in range(height)]
    )
    np.testing.assert_array_equal(
        KeepBorder(share=share, fill=grey).apply(film, {}), np.where(kept, film, grey)
    )
    mean = int(np.rint(film[kept].mean()))
    np.testing.assert_array_equal(KeepBorder(share=share).apply(film, {}), np.where(kept, film, mean))


def test_the_border_of_the_audit_and_of_the_operation_are_one() -> None:
    film = np.random.default_rng(1).integers(0, 256, (32, 32), dtype=np.uint8)
    kept = KeepBorder().apply(film, {})
    np.testing.assert_array_equal(border(kept.astype(np.float32)), border(film.astype(np.float32)))
    assert len(np.unique(kept[2:-2, 2:-2])) == 1


@some
@given(films, st.integers(2, 9), st.integers(0, 5))
def test_shuffled_patches_are_those_of_a_loop(film: Film, n: int, seed: int) -> None:
    shuffle = ShufflePatches(n=n)
    drawn = shuffle.sample(np.random.default_rng(seed), *film.shape)
    assert sorted(drawn["order"]) == list(range(n * n))
    high, wide, wanted = film.shape[0] // n, film.shape[1] // n, film.copy()
    for place, patch in enumerate(drawn["order"]):
        (r, c), (from_r, from_c) = divmod(place, n), divmod(patch, n)
        wanted[r * high : (r + 1) * high, c * wide : (c + 1) * wide] = film[
            from_r * high : (from_r + 1) * high, from_c * wide : (from_c + 1) * wide
        ]
    made = shuffle.apply(film, drawn)
    np.testing.assert_array_equal(made, wanted)
    rows, columns = np.mgrid[: film.shape[0], : film.shape[1]]
    places = np.column_stack([columns.ravel(), rows.ravel()]) + 0.5
    x, y = np.floor(shuffle.move(places, drawn, *film.shape)).astype(int).T
    np.testing.assert_array_equal(made[y, x], film.ravel())


SHUFFLED = Pipeline.from_dict(
    {
        "name": "s",
        "steps": [{"op": "shuffle_patches", "n": 4}, {"op": "resize", "width_px": 32, "height_px": 32}],
    }
)


def test_the_order_of_patches_is_a_films_own_in_every_part_trial_and_in_predict() -> None:
    rng = np.random.default_rng(2)
    orders = set()
    for _ in range(5):
        film = rng.integers(0, 256, (64, 64), dtype=np.uint8)
        sha = pixels_sha256(film)
        drawn = SHUFFLED.draw(1, sha, 0, "train", 64, 64)
        for seed, copy, part in ((2, 0, "test"), (1, 3, "train"), (1, 0, "valid")):
            assert SHUFFLED.draw(seed, sha, copy, part, 64, 64) == drawn
        np.testing.assert_array_equal(SHUFFLED.deterministic(film), SHUFFLED.apply(film, drawn))
        assert SHUFFLED.caption(drawn) == "4×4 patches shuffled"
        orders.add(tuple(drawn[0]["drawn"]["order"]))
    assert len(orders) == 5
    other = {
        "name": "s",
        "steps": [{"op": "shuffle_patches", "n": 4, "seed": 1}, *SHUFFLED.to_dict()["steps"][1:]],
    }
    assert Pipeline.from_dict(other).draw(1, sha, 0, "train", 64, 64) != drawn


def test_a_list_that_lacks_a_films_order_is_refused() -> None:
    with pytest.raises(InputError, match=r"does step 0 \('shuffle_patches'\) to every film, and the list"):
        SHUFFLED.apply(np.zeros((64, 64), np.uint8), [])


def test_films_that_are_too_small_are_refused() -> None:
    with pytest.raises(InputError, match="8 x 8 patches do not fit a film of 6 x 9 px"):
        ShufflePatches(n=8).sample(np.random.default_rng(0), 6, 9)
    with pytest.raises(InputError, match="8 x 8 tiles do not fit a film of 6 x 9 px"):
        Clahe().apply(np.zeros((6, 9), np.uint8), {})


@pytest.mark.parametrize("probe", PROBE_STEPS)
def test_a_probe_comes_before_a_pipeline_and_changes_no_draw_of_it(probe: str) -> None:
    lungs = np.pad(np.full((40, 12), 255, np.uint8), ((12, 12), (8, 44))) | np.pad(
        np.full((40, 12), 255, np.uint8), ((12, 12), (44, 8))
    )
    for name in PRESETS:
        base = preset(name, size_px=48)
        made = probe_pipeline(probe, base)
        assert (made.name, made.output_size) == (f"{name}-{probe}", (48, 48))
        n = len(PROBE_STEPS[probe])
        assert made.steps[n:] == base.steps
        for copy in range(20):
            own = [d["drawn"] for d in base.draw(1, "a" * 64, copy, "train", 90, 80)]
            drawn = made.draw(1, "a" * 64, copy, "train", 90, 80, lungs)
            after = [d["drawn"] for d in drawn if d["step"] >= n]
            assert after == own
    with pytest.raises(InputError, match="unknown probe 'border'; did you mean 'border-only'"):
        probe_pipeline("border", base)
