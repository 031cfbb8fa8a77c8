"""What is thought of a mask follows from stated rules."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.measure import euler_number, label

from hilum.artifacts.masks import LUNG, MaskQuality
from hilum.segment.quality import LEAST_LUNG, cleaned, failure, quality


def boxes(*places: tuple[int, int, int, int], grey: int = 255) -> np.ndarray:
    mask = np.zeros((128, 128), np.uint8)
    for top, bottom, left, right in places:
        mask[top:bottom, left:right] = grey
    return mask


LEFT, RIGHT = (20, 100, 15, 50), (20, 100, 75, 110)


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        (boxes(LEFT, RIGHT), MaskQuality(5600 / 128**2, 2, False)),
        (boxes(LEFT), MaskQuality(2800 / 128**2, 1, False)),
        (boxes(LEFT, (0, 5, 60, 65)), MaskQuality(2825 / 128**2, 1, True)),
        (boxes(LEFT, RIGHT, grey=LUNG), MaskQuality(0.0, 0, False)),
        (boxes((20, 100, 0, 50), (20, 100, 75, 128)), MaskQuality(8240 / 128**2, 2, True)),
    ],
)
def test_a_mask_is_measured(mask, expected):
    assert quality(mask) == expected


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (MaskQuality(0.3, 2, True, 0.95), ""),
        (MaskQuality(0.3, 2, True), ""),
        (MaskQuality(0.0, 0, False, 1.0), "no lung found"),
        (MaskQuality(0.2, 1, False, 0.95), "one lung"),
        (MaskQuality(0.2, 3, False), "more than two lungs"),
        (MaskQuality(0.9, 1, True, 0.95), "nearly all of the film is lung"),
        (MaskQuality(0.3, 2, True, 0.84), "the mirrored film has other lungs"),
    ],
)
def test_what_is_of_no_use_says_why(found, words):
    assert failure(found) == words


def test_holes_are_filled_and_small_parts_are_taken_away():
    mask = boxes(LEFT, RIGHT, (110, 120, 60, 65))
    mask[40:45, 30:35] = 0
    assert np.array_equal(cleaned(mask), boxes(LEFT, RIGHT))


def test_an_unsure_rim_stays_and_an_unsure_island_goes():
    rim, island = boxes((19, 101, 14, 51), grey=100), boxes((5, 10, 5, 10), grey=100)
    assert np.array_equal(
        cleaned(np.maximum.reduce([rim, island, boxes(LEFT)])), np.maximum(boxes(LEFT), _cornerless(rim))
    )


def _cornerless(rim: np.ndarray) -> np.ndarray:
    """The rim without its corners, which touch the box by a corner only."""
    out = rim.copy()
    for y, x in ((19, 14), (19, 50), (100, 14), (100, 50)):
        out[y, x] = 0
    return out


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(*[st.integers(0, 128)] * 4), max_size=8))
def test_a_cleaned_mask_has_two_parts_at_most_without_holes(places):
    mask = cleaned(boxes(*places))
    parts, n = label(mask > LUNG, connectivity=1, return_num=True)
    assert n <= 2
    assert (np.bincount(parts.ravel())[1:] >= LEAST_LUNG * mask.size).all()
    # each part has no hole: components less holes is components (4-connected lung, 8-connected ground)
    assert euler_number(mask > LUNG, connectivity=1) == n
    assert np.array_equal(cleaned(mask), mask)
