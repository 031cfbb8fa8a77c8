"""DeLong's test: edges; second sources are in tests/oracles."""

import pytest

from hilum.core.errors import InputError
from hilum.stats.confusion import Undefined
from hilum.stats.delong import AreaTest, delong


def test_a_score_against_itself() -> None:
    found = delong([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], [0.1, 0.4, 0.35, 0.8])
    assert found == AreaTest(0.75, 0.75, 0.0, 1.0)


def test_only_the_ranking_counts() -> None:
    y, one, other = [0, 0, 0, 1, 1, 1], [1, 2, 4, 3, 5, 6], [1, 3, 4, 2, 6, 5]
    assert delong(y, one, other) == delong(y, [10 * v for v in one], [v**3 for v in other])


def test_too_few_films_or_clusters_say_so() -> None:
    assert delong([0, 0], [1, 2], [2, 1]) == Undefined("no film of the class")
    assert delong([1, 1], [1, 2], [2, 1]) == Undefined("no film of another class")
    few = delong([0, 0, 1, 1], [1, 2, 3, 4], [4, 3, 2, 1], ["a", "b", "c", "c"])
    assert isinstance(few, Undefined)
    assert "fewer than two clusters" in few.reason


def test_a_score_that_is_not_finite_is_refused() -> None:
    with pytest.raises(InputError, match="two finite scores"):
        delong([0, 1], [1, float("nan")], [2, 1])
