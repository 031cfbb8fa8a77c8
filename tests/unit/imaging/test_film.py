"""The limits on a film's size."""

from __future__ import annotations

import pytest

from hilum.core.errors import FilmError
from hilum.imaging.film import MAX_PIXELS, MIN_SIDE_PX, check_size


@pytest.mark.parametrize(
    ("width", "height", "reason"),
    [
        (0, 100, "corrupt"),
        (100, -1, "corrupt"),
        (MAX_PIXELS, 1, "too small"),
        (MAX_PIXELS // 100 + 1, 100, "too large"),
        (MIN_SIDE_PX - 1, 100, "too small"),
        (100, MIN_SIDE_PX - 1, "too small"),
    ],
)
def test_sizes_outside_the_limits(width: int, height: int, reason: str) -> None:
    with pytest.raises(FilmError) as caught:
        check_size(width, height)
    assert caught.value.reason == reason


def test_sizes_at_the_limits() -> None:
    check_size(MAX_PIXELS // 100, 100)
    check_size(MIN_SIDE_PX, MIN_SIDE_PX)
