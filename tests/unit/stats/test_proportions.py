"""Proportions near 0 and 1; agreement with scipy is in tests/oracles."""

import pytest

from hilum.core.errors import InputError
from hilum.stats.proportions import clopper_pearson, effective_n, wilson


def test_no_error_in_sixty_is_not_certainty() -> None:
    assert clopper_pearson(60, 60) == (pytest.approx(0.025 ** (1 / 60)), 1.0)  # closed form at k = n
    assert wilson(60, 60) == (pytest.approx(60 / (60 + 1.959964**2)), 1.0)
    assert clopper_pearson(0, 60)[0] == wilson(0, 60)[0] == 0.0


def test_part_counts_lie_between_whole_ones() -> None:
    assert clopper_pearson(57, 60)[0] < clopper_pearson(57.5, 60)[0] < clopper_pearson(58, 60)[0]


def test_the_effective_number_of_films() -> None:
    assert effective_n([1] * 60) == 60
    assert effective_n([5] * 12) == 12  # alike within a patient: the number of patients
    assert effective_n([0, 0, 3]) == 1
    assert effective_n([0, 0]) == 0


@pytest.mark.parametrize(("k", "n"), [(-1, 5), (6, 5), (0, 0)])
def test_wrong_input_is_named(k: float, n: float) -> None:
    for interval in (wilson, clopper_pearson):
        with pytest.raises(InputError, match="0 <= k <= n and n > 0"):
            interval(k, n)
