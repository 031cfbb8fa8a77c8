"""The typical lungs that stand in for a mask of no use: what at least half of the usable masks have."""

import numpy as np
import pytest

from hilum.artifacts.masks import SIDE_PX, SOURCE, LungMask, MaskQuality
from hilum.core.errors import InputError
from hilum.segment.stand_in import stand_in


def mask(columns: slice, failed: str = "") -> LungMask:
    pixels = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    pixels[10:90, columns] = 255
    return LungMask(pixels, SOURCE, MaskQuality(0.2, 2, False), failed)


def test_it_is_the_mean_of_the_usable_masks_at_a_half() -> None:
    masks = [mask(slice(10, 40)), mask(slice(20, 50)), mask(slice(0, 128), "one lung")]
    found = stand_in(masks)
    np.testing.assert_array_equal(found.lung, np.mean([m.lung for m in masks[:2]], axis=0) >= 0.5)
    np.testing.assert_array_equal(stand_in([*masks, mask(slice(30, 60))]).lung, mask(slice(20, 50)).lung)
    assert (found.maker, found.failed) == ("stand-in", "")
    assert found.origin != stand_in(masks[:1]).origin == stand_in(masks[:1] * 3).origin


def test_without_a_usable_mask_or_a_common_place_there_is_none() -> None:
    with pytest.raises(InputError, match="0 films have a usable lung mask"):
        stand_in([mask(slice(0, 128), "one lung")])
    apart = [mask(slice(40 * k, 40 * k + 10)) for k in range(3)]
    with pytest.raises(InputError, match="leave lungs-erased and lungs-only out of"):
        stand_in(apart)
