"""Operations that read lungs, on phantoms whose lungs are known: what is cut and painted, the mask on its way, lists that replay."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.measure import regionprops
from skimage.morphology import dilation, footprint_rectangle

from hilum.augment.follow import Box, follow
from hilum.augment.lungs import CropToLungs, EraseLungs, EraseOutsideLungs, Lungs
from hilum.augment.pipeline import Pipeline
from hilum.core.digests import pixels_sha256
from hilum.core.errors import DigestError, InputError
from hilum.core.seeding import generator
from hilum.imaging.resize import resize
from hilum.synthetic.phantom import draw

PHANTOM = draw("covid", generator(3, "lungs"), 200)
FILM, INSIDE = PHANTOM.pixels, PHANTOM.lung_mask
MASK = np.where(INSIDE, 255, 0).astype(np.uint8)
RESIZE = {"op": "resize", "width_px": 120, "height_px": 100}
ROTATE = {"op": "rotate", "max_left_rotation": 15, "max_right_rotation": 15}
EVERYWHERE = ["train", "valid", "test"]


def pipeline(*steps: dict[str, object]) -> Pipeline:
    return Pipeline.from_dict({"name": "p", "steps": list(steps)})


def lungs() -> Lungs:
    return Lungs(MASK, *FILM.shape)


def test_a_crop_is_the_box_of_scikit_image_and_a_margin_of_its_sides() -> None:
    top, left, bottom, right = regionprops(INSIDE.astype(int))[0].bbox
    tight = CropToLungs(margin=0.0).find(lungs())
    assert tight == {"left_px": left, "top_px": top, "width_px": right - left, "height_px": bottom - top}
    np.testing.assert_array_equal(CropToLungs().apply(FILM, tight), FILM[top:bottom, left:right])
    wide = CropToLungs(margin=0.1).find(lungs())
    x, y = (right - left) / 10, (bottom - top) / 10
    assert wide["left_px"] == max(np.floor(left - x), 0)
    assert wide["top_px"] + wide["height_px"] == min(np.ceil(bottom + y), 200)
    assert CropToLungs(margin=0.5).find(Lungs(np.full((5, 5), 255, np.uint8), 40, 30)) == {
        "left_px": 0, "top_px": 0, "width_px": 30, "height_px": 40,
    }  # fmt: skip


def test_what_is_painted_and_with_what_grey() -> None:
    only = EraseOutsideLungs().apply_to(FILM, {}, lungs())
    np.testing.assert_array_equal(only[INSIDE], FILM[INSIDE])
    assert np.unique(only[~INSIDE]).tolist() == [np.rint(FILM[INSIDE].mean())]
    for share in (0.0, 0.05):
        around = dilation(INSIDE, footprint_rectangle((2 * round(share * 200) + 1,) * 2))
        made = EraseLungs(margin=share).apply_to(FILM, {}, lungs())
        np.testing.assert_array_equal(made[~around], FILM[~around])
        assert np.unique(made[around]).tolist() == [np.rint(FILM[~around].mean())]
    top, left, bottom, right = regionprops(INSIDE.astype(int))[0].bbox
    boxed = FILM.copy()
    boxed[top - 6 : bottom + 6, left - 6 : right + 6] = 9
    np.testing.assert_array_equal(EraseLungs(fill=9, shape="box").apply_to(FILM, {}, lungs()), boxed)


def test_no_pixel_of_the_sign_is_left_when_lungs_are_erased_and_all_of_it_when_all_else_is() -> None:
    erased = EraseLungs().apply_to(FILM, {}, lungs())
    assert np.unique(erased[PHANTOM.sign_mask]).size == 1
    only = EraseOutsideLungs(fill=0).apply_to(FILM, {}, lungs())
    np.testing.assert_array_equal(only[PHANTOM.sign_mask], FILM[PHANTOM.sign_mask])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([64, 128, 200]))
def test_the_mask_goes_where_the_film_goes(seed: int, side: int) -> None:
    """A film that is white where lung is, under steps that move it, is white nowhere else when all but the lungs is erased."""
    moving = [
        RESIZE,
        ROTATE,
        {"op": "random_brightness", "min_factor": 0.9, "max_factor": 1.0},
        {"op": "zoom_random", "percentage_area": 0.9},
        {"op": "random_distortion", "grid_width": 4, "grid_height": 4, "magnitude": 3},
        {"op": "flip_left_right", "probability": 0.5},
    ]
    both = pipeline(*moving, {"op": "erase_outside_lungs", "fill": 0, "parts": ["train"]})
    mask = resize(MASK, side, side, "bilinear")
    drawn = both.draw(seed, "a" * 64, 0, "train", *FILM.shape, mask)
    kept = both.apply(MASK, drawn, mask) > 100
    moved = pipeline(*moving).apply(MASK, [d for d in drawn if d["op"] != "erase_outside_lungs"]) > 100
    assert 2 * (kept & moved).sum() / (kept.sum() + moved.sum()) > 0.97


def test_a_crop_finds_the_lungs_where_a_rotation_put_them_and_a_box_follows() -> None:
    crop = {"op": "crop_to_lungs", "margin": 0.0, "parts": EVERYWHERE}
    turned = pipeline({**ROTATE, "parts": EVERYWHERE}, crop, RESIZE)
    boxes = set()
    for seed in range(6):
        drawn = turned.draw(seed, "b" * 64, 0, "test", *FILM.shape, MASK)
        white = turned.apply(MASK, drawn) > 127  # the box is listed: no mask is needed
        assert white.any(0)[[0, 1, -2, -1]].any()
        assert white.any(1).mean() > 0.95
        boxes.add(json.dumps(drawn[1]["drawn"]))
    assert len(boxes) > 3
    spot = np.zeros_like(FILM)
    spot[90:110, 50:70] = 255
    still = pipeline(crop, RESIZE)
    drawn = still.draw(0, "b" * 64, 0, "test", 200, 200, MASK)
    outline = follow(Box(50 / 200, 90 / 200, 20 / 200, 20 / 200), still, drawn, 200, 200).outline
    rows, columns = np.nonzero(still.apply(spot, drawn) > 127)
    assert outline.min(0) == pytest.approx([columns.min(), rows.min()], abs=1)
    assert outline.max(0) == pytest.approx([columns.max() + 1, rows.max() + 1], abs=1)


ERASES = pipeline({"op": "crop_to_lungs"}, {"op": "erase_lungs"}, RESIZE)


def test_lists_replay_and_predict_does_the_same() -> None:
    sha = pixels_sha256(FILM)
    drawn = ERASES.draw(1, sha, 0, "train", *FILM.shape, MASK)
    assert [d["op"] for d in drawn] == ["crop_to_lungs", "erase_lungs"]
    assert drawn[1]["drawn"] == {"lungs_sha256": pixels_sha256(MASK)}
    assert drawn == ERASES.draw(9, sha, 4, "test", *FILM.shape, MASK)
    made = ERASES.apply(FILM, json.loads(json.dumps(drawn)), MASK)
    np.testing.assert_array_equal(made, ERASES.deterministic(FILM, MASK))
    assert made.shape == ERASES.output_size == (100, 120)
    cropped = Pipeline(name="c", steps=(ERASES.steps[0], ERASES.steps[2]))
    np.testing.assert_array_equal(cropped.apply(FILM, drawn[:1]), cropped.deterministic(FILM, MASK))
    assert ERASES.caption(drawn).startswith("crop to the lungs, ")
    assert (ERASES.reads_lungs, ERASES.predicts_with_lungs) == (True, True)
    trained = pipeline({"op": "erase_lungs", "parts": ["train"]}, RESIZE)
    assert (trained.reads_lungs, trained.predicts_with_lungs) == (True, False)
    np.testing.assert_array_equal(trained.deterministic(FILM), pipeline(RESIZE).deterministic(FILM))


def test_a_mask_that_is_missing_empty_or_another_is_refused() -> None:
    drawn = ERASES.draw(1, "a" * 64, 0, "train", *FILM.shape, MASK)
    for call in (
        lambda: ERASES.draw(1, "a" * 64, 0, "train", *FILM.shape),
        lambda: ERASES.deterministic(FILM),
        lambda: ERASES.apply(FILM, drawn),
    ):
        with pytest.raises(
            InputError, match=r"pipeline 'p' reads the film's lungs \(.*\), and there is no lung mask"
        ):
            call()
    with pytest.raises(InputError, match="lung mask has no lung; leave the film out"):
        ERASES.deterministic(FILM, np.full((4, 4), 127, np.uint8))
    with pytest.raises(InputError, match=r"expected a lung mask.*got bool"):
        ERASES.deterministic(FILM, INSIDE)
    with pytest.raises(DigestError, match="pipeline 'p': it was made from lung mask"):
        ERASES.apply(FILM, drawn, 255 - MASK)
    away = pipeline({"op": "crop_by_size", "width_px": 8, "height_px": 8}, {"op": "crop_to_lungs"}, RESIZE)
    with pytest.raises(InputError, match="crop_to_lungs: what was drawn before it left no lung"):
        away.deterministic(FILM, np.where(np.indices((200, 200))[1] < 20, MASK | 255, 0).astype(np.uint8))


def test_a_crop_to_the_lungs_needs_a_resize_after_it() -> None:
    with pytest.raises(InputError, match="films of several sizes, those of crop_to_lungs; put a resize"):
        pipeline(RESIZE, {"op": "crop_to_lungs"})
