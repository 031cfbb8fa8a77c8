"""Options, draws and sizes of the operations. That they do what Augmentor does is in tests/oracles."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torchvision

from hilum.augment.crop import CropBySize, CropCentre, crop
from hilum.augment.distort import RandomDistortion
from hilum.augment.lungs import Lungs, ReadsLungs
from hilum.augment.operations import OPERATIONS
from hilum.augment.rotate import Rotate
from hilum.augment.shear import Shear
from hilum.augment.skew import Skew
from hilum.augment.stretch import Stretch
from hilum.augment.translate import Translate
from hilum.augment.zoom import Zoom, ZoomRandom
from hilum.core.errors import InputError


def affine(film, translate):  # type: ignore[no-untyped-def]
    """A translation by torchvision."""
    moved = torchvision.transforms.functional.affine(torch.from_numpy(film)[None], 0.0, translate, 1.0, 0.0)
    return moved[0].numpy()


def drawn_many(operation, n=2000, size=(244, 244)):  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(0)
    return [operation.sample(rng, *size) for _ in range(n)]


def test_every_operation_of_the_issue_is_there() -> None:
    assert set(OPERATIONS) == {
        "resize",
        "crop_centre",
        "crop_by_size",
        "rotate",
        "random_distortion",
        "zoom",
        "zoom_random",
        "random_resized_crop",
        "skew",
        "shear",
        "translate",
        "random_brightness",
        "random_contrast",
        "flip_left_right",
        "stretch",
        "crop_to_lungs",
        "erase_outside_lungs",
        "erase_lungs",
        "keep_border",
        "thumbnail",
        "shuffle_patches",
        "equalize",
        "clahe",
        "gamma",
        "complement",
        "bcet",
    }


def test_stretch_takes_a_films_own_greys_to_the_ends() -> None:
    film = np.array([[40, 90], [140, 240]], np.uint8)
    assert Stretch().apply(film, {}).tolist() == [[0, 64], [128, 255]]  # (90 - 40) / 200 * 255 = 63.75
    ramp = np.arange(101, dtype=np.uint8).reshape(1, 101)
    assert Stretch(low_percentile=10, high_percentile=90).apply(ramp, {})[0, [0, 10, 50, 90, 100]].tolist() == [
        0, 0, 128, 255, 255,
    ]  # fmt: skip
    assert Stretch().apply(np.full((2, 2), 9, np.uint8), {}).tolist() == [[9, 9], [9, 9]]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"low_percentile": 100}, "low_percentile must be from 0 to below 100, got 100"),
        (
            {"low_percentile": 5, "high_percentile": 5},
            r"high_percentile must be above low_percentile \(5.0\)",
        ),
    ],
)
def test_percentiles_of_a_stretch_are_in_order(options: dict[str, float], words: str) -> None:
    with pytest.raises(InputError, match=words):
        OPERATIONS["stretch"].model_validate(options)


def test_percentage_area_is_of_each_side() -> None:
    """0.9 of 244 px is 219 px; cut with Pillow's rounding it is 220: 81 % of the area, not 90."""
    assert CropCentre(percentage_area=0.9).size_after({}, 244, 244) == (220, 220)
    assert CropCentre(percentage_area=0.8).size_after({}, 200, 100) == (160, 80)
    box = ZoomRandom(percentage_area=0.8).sample(np.random.default_rng(0), 244, 244)
    assert (box["height_px"], box["width_px"]) == (195, 195)


def test_rotation_draws_an_angle_for_each_side_and_tosses_a_coin() -> None:
    angles = [d["angle_deg"] for d in drawn_many(Rotate(max_left_rotation=15, max_right_rotation=5), 20_000)]
    assert (min(angles), max(angles)) == (-15, 5)
    # P(0) = 1/2 (1/16 + 1/6) = 0.1146; the standard error at 20 000 draws is 0.0023
    assert np.mean(np.array(angles) == 0) == pytest.approx(0.1146, abs=0.01)
    assert np.mean(np.array(angles) > 0) == pytest.approx(0.5 * 5 / 6, abs=0.015)


def test_rotation_leaves_no_black_corner_and_squeezes_as_documented() -> None:
    rotate, white = Rotate(max_left_rotation=25, max_right_rotation=25), np.full((244, 244), 255, np.uint8)
    for angle in range(2, 26):
        assert rotate.apply(white, {"angle_deg": angle}).min() >= 250, angle
    assert (rotate.apply(white, {"angle_deg": 1}) < 250).mean() < 0.003

    # The box cut out at 15 degrees is 7 % wider than high, so a disc's outline comes out narrower by that.
    y, x = np.mgrid[:244, :244] - 121.5
    disc = np.where(x * x + y * y < 60**2, 255, 0).astype(np.uint8)
    seen = rotate.apply(disc, {"angle_deg": 15}) > 127
    high, wide = np.ptp(np.flatnonzero(seen.any(1))) + 1, np.ptp(np.flatnonzero(seen.any(0))) + 1
    assert high / wide == pytest.approx(1.07, abs=0.015)


def test_a_positive_angle_turns_counter_clockwise() -> None:
    film = np.zeros((101, 101), np.uint8)
    film[48:53, 80:90] = 255  # a mark to the right of the centre
    rows, _ = np.nonzero(
        Rotate(max_left_rotation=25, max_right_rotation=25).apply(film, {"angle_deg": 10}) > 127
    )
    assert rows.mean() < 45


def test_distortion_moves_inner_corners_only() -> None:
    distort = RandomDistortion(grid_width=10, grid_height=8, magnitude=3)
    shifts = np.array(distort.sample(np.random.default_rng(0), 244, 244)["shifts_px"])
    assert shifts.shape == (9 * 7, 2)
    assert set(np.unique(shifts)) == set(range(-3, 4))
    film = np.random.default_rng(1).integers(0, 256, (244, 244), dtype=np.uint8)
    still = {"shifts_px": np.zeros_like(shifts).tolist()}
    np.testing.assert_array_equal(distort.apply(film, still), film)


def test_distortion_reaches_every_pixel_of_a_size_the_grid_does_not_divide() -> None:
    white = np.full((103, 57), 255, np.uint8)
    distort = RandomDistortion(grid_width=10, grid_height=10, magnitude=0)
    assert distort.apply(white, {"shifts_px": [[0, 0]] * 81}).min() == 255


def test_shear_keeps_its_bounds_and_never_draws_zero() -> None:
    drawn = drawn_many(Shear(max_shear_left=3, max_shear_right=5))
    assert {d["angle_deg"] for d in drawn} == {-3, -2, -1, 1, 2, 3, 4, 5}
    assert {d["axis"] for d in drawn} == {"x", "y"}


def test_a_translation_keeps_its_bounds_and_brings_in_black() -> None:
    drawn = drawn_many(Translate(max_share=0.1), size=(200, 100))
    right, down = ([d[side] for d in drawn] for side in ("right_px", "down_px"))
    assert (min(right), max(right), min(down), max(down)) == (-10, 10, -20, 20)
    assert np.std(right) == pytest.approx(10 / np.sqrt(3), rel=0.05)  # of a uniform draw
    film = np.arange(1, 7, dtype=np.uint8).reshape(2, 3)
    assert Translate(max_share=0.5).apply(film, {"right_px": 1, "down_px": -1}).tolist() == [
        [0, 4, 5],
        [0, 0, 0],
    ]
    np.testing.assert_array_equal(
        Translate(max_share=0.5).apply(film, {"right_px": -1, "down_px": 0}), affine(film, translate=(-1, 0))
    )


def test_skew_draws_every_kind_and_keeps_its_magnitude() -> None:
    drawn = drawn_many(Skew(magnitude=0.1))
    assert {d["kind"] for d in drawn} == {"tilt", "tilt_left_right", "tilt_top_bottom", "corner"}
    assert np.abs([d["corners_px"] for d in drawn]).max() == 25  # ceil(0.1 * 244)
    assert {d["kind"] for d in drawn_many(Skew(skew_type="corner"), 20)} == {"corner"}


def test_zoom_factor_has_two_digits() -> None:
    factors = [d["factor"] for d in drawn_many(Zoom(min_factor=0.9, max_factor=1.3))]
    assert all(0.9 <= f <= 1.3 and f == round(f, 2) for f in factors)


def test_zoom_out_lies_on_black() -> None:
    small = Zoom(min_factor=0.5, max_factor=1).apply(np.full((100, 100), 200, np.uint8), {"factor": 0.5})
    assert (small[25:75, 25:75] == 200).all()
    assert small.sum() == 200 * 50 * 50


def test_zoom_random_reaches_every_edge() -> None:
    boxes = drawn_many(ZoomRandom(percentage_area=0.8), size=(20, 30))
    assert {b["left_px"] for b in boxes} == set(range(30 - 24 + 1))
    assert {b["top_px"] for b in boxes} == set(range(20 - 16 + 1))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"min_area": 0.0}, "min_area must be above 0, to 1, got 0"),
        ({"min_area": 0.5, "max_area": 0.4}, r"max_area must be at least min_area \(0.5\)"),
        ({"max_ratio": 0.5}, r"max_ratio must be at least min_ratio \(0.75\)"),
    ],
)
def test_areas_and_shapes_of_a_resized_crop_are_in_order(options: dict[str, float], words: str) -> None:
    with pytest.raises(InputError, match=words):
        OPERATIONS["random_resized_crop"].model_validate(options)


def test_crop_beyond_the_film_is_black() -> None:
    film = np.full((4, 4), 9, np.uint8)
    out = crop(film, -1, 2, 5, 6)
    assert out.tolist() == [[0, 9, 9, 9, 9, 0]] * 2 + [[0] * 6] * 2
    assert crop(film, 7, 0, 9, 2).tolist() == [[0, 0], [0, 0]]


def test_crop_larger_than_the_film_is_refused() -> None:
    box = CropBySize(width_px=300, height_px=100)
    with pytest.raises(InputError, match="300 px does not fit a film of 244 x 244 px; put a resize before"):
        box.sample(np.random.default_rng(0), 244, 244)
    with pytest.raises(InputError, match="does not fit"):
        box.apply(np.zeros((244, 244), np.uint8), {})


def test_every_operation_has_words_for_a_caption() -> None:
    needed = {
        "width_px": 50,
        "height_px": 50,
        "percentage_area": 0.8,
        "max_left_rotation": 5,
        "max_right_rotation": 5,
        "grid_width": 4,
        "grid_height": 4,
        "magnitude": 1,
        "min_factor": 0.8,
        "max_factor": 1.2,
        "max_shear_left": 5,
        "max_shear_right": 5,
        "max_share": 0.1,
        "n": 4,
        "gamma": 0.8,
    }
    for name, kind in OPERATIONS.items():
        operation = kind.model_validate({n: needed[n] for n in kind.model_fields if n in needed})
        if isinstance(operation, ReadsLungs):
            drawn = operation.find(Lungs(np.full((9, 9), 255, np.uint8), 244, 244))
        else:
            drawn = operation.sample(np.random.default_rng(0), 244, 244)
        words = operation.describe(drawn)
        assert 3 < len(words) < 60, (name, words)


@pytest.mark.parametrize(
    ("op", "options", "message"),
    [
        ("crop_centre", {"percentage_area": 1.0}, "percentage_area must be from 0.1 to below 1, got 1.0"),
        ("crop_centre", {}, "crop_centre: percentage_area is missing"),
        (
            "crop_centre",
            {"percentag_area": 0.9},
            "unknown key 'percentag_area'; did you mean 'percentage_area'",
        ),
        ("crop_centre", {"percentage_area": "0.9"}, "percentage_area must be a number, got '0.9'"),
        ("crop_centre", {"percentage_area": True}, "percentage_area must be a number, got True"),
        ("crop_centre", {"percentage_area": float("nan")}, "must be a number, got nan"),
        (
            "crop_centre",
            {"percentage_area": 0.9, "probability": 1.5},
            "probability must be from 0 to 1, got 1.5",
        ),
        ("rotate", {"max_left_rotation": 26, "max_right_rotation": 0}, "from 0 to 25 degrees, got 26"),
        ("rotate", {"max_left_rotation": 2.5, "max_right_rotation": 0}, "must be a whole number, got 2.5"),
        ("resize", {"width_px": 1, "height_px": 9}, "width_px must be at least 2, got 1"),
        ("resize", {"width_px": 9, "height_px": 9, "resample_filter": "cubic"}, "did you mean 'bicubic'"),
        ("zoom", {"min_factor": 1.2, "max_factor": 1.1}, "at least min_factor"),
        ("skew", {"skew_type": "tlit"}, "did you mean 'tilt'"),
        ("skew", {"magnitude": 0.0}, "magnitude must be above 0 and at most 1, got 0.0"),
        ("shear", {"max_shear_left": 0, "max_shear_right": 5}, "from 1 to 25"),
        ("translate", {"max_share": 0.6}, "max_share must be above 0 and at most 0.5, got 0.6"),
        ("random_brightness", {"min_factor": -1, "max_factor": 5}, "min_factor must be at least 0"),
        (
            "random_distortion",
            {"grid_width": 0, "grid_height": 5, "magnitude": 1},
            "grid_width must be at least 1",
        ),
        ("crop_to_lungs", {"margin": 0.6}, "margin must be from 0 to 0.5, got 0.6"),
        ("erase_lungs", {"margin": -0.1}, "margin must be from 0 to 0.5, got -0.1"),
        ("erase_lungs", {"shape": "boxes"}, "shape got 'boxes'; did you mean 'box'"),
        ("erase_outside_lungs", {"fill": -1}, 'fill must be "mean" or a grey from 0 to 255, got -1'),
        ("keep_border", {"share": 0.5}, "share must be above 0 and below 0.5, got 0.5"),
        ("keep_border", {"fill": 256}, 'fill must be "mean" or a grey from 0 to 255, got 256'),
        ("keep_border", {"fill": "median"}, "fill must be \"mean\" or a grey from 0 to 255, got 'median'"),
        ("thumbnail", {"size": 1}, "size must be at least 2, got 1"),
        ("shuffle_patches", {"n": 1}, "n must be at least 2, got 1"),
        ("shuffle_patches", {}, "shuffle_patches: n is missing"),
        ("clahe", {"clip_limit": 0.0}, "clip_limit must be above 0 and at most 1, got 0.0"),
        ("gamma", {"gamma": 0.0}, "gamma must be greater than 0, got 0.0"),
        ("bcet", {"mean": 0.0}, "mean must be above low (0.0), got 0.0"),
        ("bcet", {"mean": 200.0, "high": 150.0}, "high must be above mean (200.0), got 150.0"),
        ("bcet", {"low": 120.0}, "mean must be above low (120.0), got 110.0"),
    ],
)
def test_bad_options_are_named(op: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        OPERATIONS[op].model_validate(options)
    assert op in str(caught.value)
    assert message in str(caught.value)
