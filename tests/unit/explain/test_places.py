"""Where a map's mass lies: in the lungs, on the border, in a sign whose place is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.explain.checks import Asked
from hilum.explain.places import (
    border_of,
    highest,
    hits,
    in_lungs,
    intersection_over_union,
    lung_centres,
    mass,
    on_border,
    overlap,
    pointing,
    share_in,
)


def asked(heat, lungs=None, truth=None) -> Asked:
    return Asked(
        None, np.zeros(heat.shape, np.uint8), 0, "grad-cam", heat.astype(np.float32), lungs=lungs, truth=truth
    )  # type: ignore[arg-type]


def square(at: int, side: int, size: int = 40) -> np.ndarray:
    mask = np.zeros((size, size), bool)
    mask[at : at + side, at : at + side] = True
    return mask


def test_shares_are_of_what_speaks_for_the_class() -> None:
    heat = np.where(square(0, 20), 3.0, -5.0)
    heat[30, 30] = 1200
    assert share_in(heat, square(0, 20)) == 0.5
    assert share_in(-np.ones((4, 4)), np.ones((4, 4), bool)) is None
    found = in_lungs(asked(heat, lungs=square(0, 20)))
    assert (found.value, found.bound, found.passed) == (0.5, 0.25, True)
    assert found.words == "50% of what speaks for the class lies in the lungs, which is 25% of the film"
    nothing = on_border(asked(-np.ones((40, 40))))
    assert (nothing.value, nothing.passed, nothing.words) == (
        None,
        None,
        "nothing on the map speaks for the class",
    )


def test_the_border_is_the_outer_tenth() -> None:
    border = border_of((40, 20))
    assert border.sum() == 40 * 20 - 32 * 16
    assert on_border(asked(border_of((40, 40)))).passed is False
    assert on_border(asked(~border_of((40, 40)))).value == 0


def test_the_pointing_game_counts_a_hit_and_a_near_one() -> None:
    heat = np.zeros((40, 40))
    heat[20, 20] = 1
    inside, near, away = square(18, 6), square(27, 6), square(35, 5)
    assert [hits(heat, t) for t in (inside, near, away)] == [True, False, False]
    assert [pointing(asked(heat, truth=t)).also["near"] for t in (inside, near, away)] == [1, 1, 0]
    assert pointing(asked(heat, truth=near)).words == "the highest pixel lies within 15 px of the sign"
    assert pointing(asked(heat)) is None
    assert mass(asked(heat, truth=np.zeros((40, 40), bool))) is None


def test_overlap_of_the_sign_itself_is_whole() -> None:
    truth = square(5, 10)
    found = overlap(asked(truth.astype(float), truth=truth))
    assert (found.value, found.passed) == (1.0, True)
    assert found.bound == pytest.approx((1 / 16) / (2 - 1 / 16))
    assert mass(asked(truth.astype(float), truth=truth)).value == 1


def test_the_map_to_stand_beside_points_at_the_middle_of_the_wider_lung() -> None:
    lungs = np.zeros((40, 40), bool)
    lungs[5:35, 4:14] = True
    lungs[5:35, 24:38] = True
    heat = lung_centres(lungs)
    down, right = np.unravel_index(heat.argmax(), heat.shape)
    assert 11 <= down <= 28
    assert right in (30, 31)
    assert share_in(heat, lungs) == 1


@given(st.integers(0, 2**32 - 1), st.integers(1, 99))
@settings(max_examples=25, deadline=None)
def test_shares_and_overlaps_are_shares(seed, n) -> None:
    rng = np.random.default_rng(seed)
    heat, truth = rng.normal(size=(10, 10)), np.zeros(100, bool)
    truth[rng.permutation(100)[:n]] = True
    truth = truth.reshape(10, 10)
    inside, outside = share_in(heat, truth), share_in(heat, ~truth)
    assert inside + outside == pytest.approx(1)
    assert highest(heat, n).sum() == n
    assert heat[highest(heat, n)].min() >= heat[~highest(heat, n)].max()
    assert 0 <= intersection_over_union(heat, truth) <= 1
    assert hits(heat, truth) == bool(truth.ravel()[heat.argmax()])
