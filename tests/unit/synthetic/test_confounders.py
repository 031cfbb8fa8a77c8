"""What a planted shortcut changes of a film, and how often it goes with the class."""

import numpy as np
import pytest

from hilum.core.errors import InputError
from hilum.core.seeding import generator
from hilum.synthetic.confounders import CONFOUNDERS, Confounder

FILM = generator(1, "film").integers(20, 200, (100, 100), np.uint8)


def planted(kind: str) -> np.ndarray:
    return Confounder(kind, 1).planted(FILM, generator(2, kind))  # type: ignore[arg-type]


def test_a_marker_is_a_bright_letter_in_the_lower_right_corner() -> None:
    changed = planted("marker") != FILM
    rows, columns = np.nonzero(changed)
    assert rows.min() >= 88
    assert columns.min() >= 90
    assert set(planted("marker")[changed]) == {planted("marker")[98, 98]}
    assert planted("marker")[98, 98] >= 220


def test_a_border_is_a_grey_frame_of_three_in_a_hundred_pixels() -> None:
    out = planted("border")
    np.testing.assert_array_equal(out[3:-3, 3:-3], FILM[3:-3, 3:-3])
    (grey,) = {*out[:3].ravel(), *out[-3:].ravel(), *out[:, :3].ravel(), *out[:, -3:].ravel()}
    assert 65 <= grey <= 75


def test_resolution_is_fewer_pixels_of_the_same_mean() -> None:
    out = planted("resolution")
    assert out.shape == (80, 80)
    assert out.mean() == pytest.approx(FILM.mean(), abs=0.6)


def test_grain_is_noise_of_fourteen_grey_levels() -> None:
    difference = planted("grain").astype(float) - FILM
    inside = (FILM > 60) & (FILM < 195)  # where nothing is clipped
    assert difference[inside].std() == pytest.approx(14, rel=0.05)
    assert difference[inside].mean() == pytest.approx(0, abs=0.5)


def test_age_changes_no_pixel() -> None:
    assert planted("age") is FILM


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("kind", CONFOUNDERS)
def test_a_share_of_the_class_has_it_and_the_rest_of_the_share_of_others(kind: str, share: float) -> None:
    confounder = Confounder(kind, share)  # type: ignore[arg-type]
    for label, expected in (("covid", share), ("normal", 1 - share)):
        found = np.mean([confounder.is_on(3, label, k) for k in range(1000)])
        assert found == pytest.approx(expected, abs=0.05 if 0 < share < 1 else 0)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(InputError, match="no such confounder"):
        Confounder("hat", 1)  # type: ignore[arg-type]
