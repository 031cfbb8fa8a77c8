"""Places go where the pixels go: each operation's `move` against a bright spot that the operation itself moved; boxes and their shares."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.augment.follow import Box, follow
from hilum.augment.operation import Operation
from hilum.augment.operations import OPERATIONS
from hilum.augment.pipeline import Pipeline
from hilum.augment.presets import preset
from hilum.core.digests import pixels_sha256
from hilum.core.errors import InputError
from hilum.report.panel import on_purpose

HEIGHT, WIDTH = 180, 150
CHOICES = {
    "resize": {"width_px": 110, "height_px": 200},
    "crop_centre": {"percentage_area": 0.9},
    "crop_by_size": {"width_px": 101, "height_px": 140, "centre": False},
    "rotate": {"max_left_rotation": 25, "max_right_rotation": 25},
    "random_distortion": {"grid_width": 5, "grid_height": 6, "magnitude": 4},
    "zoom": {"min_factor": 0.7, "max_factor": 1.4},
    "zoom_random": {"percentage_area": 0.8},
    "random_resized_crop": {"min_area": 0.7},
    "skew": {"magnitude": 0.2},
    "shear": {"max_shear_left": 20, "max_shear_right": 20},
    "translate": {"max_share": 0.2},
    "random_brightness": {"min_factor": 0.8, "max_factor": 1.1},
    "random_contrast": {"min_factor": 1.0, "max_factor": 1.2},
    "flip_left_right": {},
    "stretch": {},
    "thumbnail": {"size": 90},
    "gamma": {"gamma": 1.5},
}
NO_SPOT_LEFT = {
    "erase_outside_lungs",
    "erase_lungs",
    "keep_border",
    "equalize",
    "clahe",
    "complement",
    "bcet",
}
"""They move nothing, and a bright spot on black is none after them."""
ELSEWHERE = {"shuffle_patches", "crop_to_lungs"}
"""A spot comes apart, and is followed pixel by pixel in `tests/oracles/test_film_operations.py`; or a mask is needed: `test_lungs.py`."""


def _spot(x, y):
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH] + 0.5
    return (250 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 4.0**2))).astype(np.uint8)


def _centre(film):
    weight = np.where(film > 100, film, 0).astype(float)
    rows, columns = np.mgrid[0 : film.shape[0], 0 : film.shape[1]] + 0.5
    return np.array([(columns * weight).sum(), (rows * weight).sum()]) / weight.sum()


def test_every_operation_is_covered():
    assert set(CHOICES) | NO_SPOT_LEFT | ELSEWHERE == set(OPERATIONS)
    assert all(OPERATIONS[op].move is Operation.move and OPERATIONS[op].keeps_size for op in NO_SPOT_LEFT)


@pytest.mark.parametrize("op", CHOICES)
def test_places_go_where_the_pixels_go(op):
    operation = OPERATIONS[op].model_validate(CHOICES[op])
    for seed in range(12):
        rng = np.random.default_rng(seed)
        place = np.array([[rng.uniform(55, 95), rng.uniform(65, 115)]])
        drawn = operation.sample(rng, HEIGHT, WIDTH)
        moved = operation.move(place, drawn, HEIGHT, WIDTH)[0]
        out_height, out_width = operation.size_after(drawn, HEIGHT, WIDTH)
        if not (8 < moved[0] < out_width - 8 and 8 < moved[1] < out_height - 8):
            continue
        found = _centre(operation.apply(_spot(*place[0]), drawn))
        assert np.abs(moved - found).max() < 0.75, (seed, drawn, moved, found)


def test_a_bent_place_is_found_again_by_the_mesh():
    from hilum.augment.distort import RandomDistortion, _source

    distortion = RandomDistortion(grid_width=10, grid_height=10, magnitude=3)
    drawn = distortion.sample(np.random.default_rng(5), 244, 244)
    places = np.random.default_rng(6).uniform(0, 244, (500, 2))
    moved = distortion.move(places, drawn, 244, 244)
    assert np.abs(_source(moved, *distortion._mesh(drawn, 244, 244)) - places).max() < 2e-6
    assert 0.5 < np.abs(moved - places).max() < 8


def _pipeline(*steps):
    return Pipeline.from_dict({"name": "p", "steps": list(steps)})


RESIZE = {"op": "resize", "width_px": 100, "height_px": 100}


def test_shares_that_a_ruler_gives():
    centre = _pipeline(RESIZE, {"op": "crop_by_size", "width_px": 50, "height_px": 50}, RESIZE)
    # the crop keeps 25 to 75 of each side, so of a box from .1 to .5 along x and .25 to .75 along y it keeps 25 of 40 px
    found = follow(Box(0.1, 0.25, 0.4, 0.5), centre, [], 300, 200)
    assert found.left == pytest.approx(25 / 40, abs=1e-12)
    assert found.outline.min(axis=0) == pytest.approx([0, 0], abs=1e-9)
    assert found.outline.max(axis=0) == pytest.approx([50, 100], abs=1e-9)
    gone = follow(Box(0.0, 0.0, 0.2, 0.2), centre, [], 300, 200)
    assert (gone.left, len(gone.outline)) == (0.0, 0)
    assert follow(Box(0.0, 0.0, 1.0, 1.0), centre, [], 300, 200).left == pytest.approx(0.25, abs=1e-12)
    assert follow(Box(0.3, 0.3, 0.4, 0.4), centre, [], 300, 200).left == 1.0


def test_what_left_the_film_does_not_come_back():
    out_and_small = _pipeline(
        {**RESIZE},
        {"op": "crop_by_size", "width_px": 50, "height_px": 50},
        RESIZE,
        {"op": "zoom", "min_factor": 0.5, "max_factor": 0.5},
    )
    drawn = out_and_small.draw(0, "a", 0, "train", 100, 100)
    assert follow(Box(0.1, 0.25, 0.4, 0.5), out_and_small, drawn, 100, 100).left == pytest.approx(25 / 40)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10_000),
    st.sampled_from(["crop-distortion", "crop-zoom", "rotation"]),
    st.floats(0, 0.7),
    st.floats(0, 0.7),
)
def test_the_share_equals_that_of_a_mask_under_the_same_operations(seed, name, left, top):
    """The mask of all places of the decoded film that are still there, counted with places on a fine grid."""
    pipeline = Pipeline.from_dict(on_purpose(preset(name, 120).to_dict()))
    box = Box(left, top, 0.3, 0.25)
    drawn = pipeline.draw(seed, pixels_sha256(_spot(70, 70)), 0, "train", HEIGHT, WIDTH)
    grid = (np.stack(np.meshgrid(np.arange(200), np.arange(200)), axis=-1).reshape(-1, 2) + 0.5) / 200
    places = (grid * (box.width, box.height) + (box.left, box.top)) * (WIDTH, HEIGHT)
    alive = np.ones(len(places), bool)
    for operation, values, height, width in pipeline.done(drawn, HEIGHT, WIDTH):
        places = operation.move(places, values, height, width)
        after_height, after_width = operation.size_after(values, height, width)
        alive &= (places >= 0).all(axis=1) & (places <= (after_width, after_height)).all(axis=1)
    found = follow(box, pipeline, drawn, HEIGHT, WIDTH)
    assert found.left == pytest.approx(alive.mean(), abs=0.01)
    if len(found.outline):
        assert found.outline.min() >= -1e-9
        assert found.outline.max() <= 120 + 1e-9


def test_boxes_that_are_none_are_refused():
    with pytest.raises(InputError, match=r"four numbers with commas between.*got '1,2,3'"):
        Box.read("1,2,3")
    with pytest.raises(InputError, match=r"shares of the film's sides.*got 10,20,30,40"):
        Box.read("10,20,30,40")
    with pytest.raises(InputError, match=r"got 0.5,0.5,0,0.1"):
        Box(0.5, 0.5, 0.0, 0.1)
