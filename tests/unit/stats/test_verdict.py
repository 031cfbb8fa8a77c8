"""What may be said: by the adjusted p at .05 only, and of one training nothing."""

from collections.abc import Sequence

import numpy as np
import pytest
from pydantic import ValidationError

from hilum.artifacts.comparisons import ALPHA, ONE_TRIAL, ComparisonRow, Pair, verdict_of
from hilum.stats.comparison import Cells
from hilum.stats.scored_films import ScoredFilms

N = 400


def says(wrong: int, first: int = 0, weights: str = "") -> ScoredFilms:
    """`wrong` films of the class missed, from the `first` on."""
    true = np.repeat([0, 1], [N, 20])
    p = np.where(true == 0, 0.9, 0.1)
    p[first : first + wrong] = 0.2
    names = [str(k) for k in range(N + 20)]
    return ScoredFilms(true, np.stack([p, 1 - p], axis=1), names, names, weights=weights)


def rows(cells: dict[str, list[ScoredFilms]]) -> list[ComparisonRow]:
    counted = Cells(cells, ["covid", "normal"], "covid", ["sensitivity"], n_resamples=300)
    return counted.compare("f", [Pair(c, "a", c) for c in cells if c != "a"], ["sensitivity"])


def test_alpha_is_a_twentieth() -> None:
    assert ALPHA == 0.05
    assert verdict_of(0.01, 0.0499, False) == "better"
    assert verdict_of(-0.01, 0.0499, False) == "worse"
    assert verdict_of(0.01, 0.05, False) == verdict_of(0.01, 0.0999, False) == "not distinguishable"


def test_the_verdict_is_of_the_adjusted_p() -> None:
    """Four comparisons of one size (62 films lost, 40 gained: z = 2.18): each alone would pass at .05, none does over the family."""
    cells = {"a": [says(62)] * 3, **{c: [says(40, 100 + 50 * k)] * 3 for k, c in enumerate("bcde")}}
    found = rows(cells)
    for row in found:
        assert row.p is not None
        assert row.p_adjusted is not None
        assert 0.0125 < row.p < 0.05 < row.p_adjusted
    assert {r.verdict for r in found} == {"not distinguishable"}
    assert rows({c: cells[c] for c in "ab"})[0].verdict == "better"


def test_a_p_between_a_twentieth_and_a_tenth_is_no_verdict() -> None:
    (row,) = rows({"a": [says(58)] * 3, "b": [says(40, 100)] * 3})
    assert row.p_adjusted is not None
    assert 0.05 < row.p_adjusted < 0.1
    assert row.verdict == "not distinguishable"


@pytest.mark.parametrize(
    ("weights", "reference", "verdict"),
    [
        (["", ""], ["", ""], "better"),  # not known: taken as two trainings
        (["x", "y"], ["v", "w"], "better"),
        (["x", "x"], ["v", "w"], ONE_TRIAL),  # a trial and its copy are one training
        (["x", "y"], ["v", "v"], ONE_TRIAL),
        (["x"], ["v"], ONE_TRIAL),
        (["x"], [""], ONE_TRIAL),
        (["x"], ["x"], "better"),  # one training, scored in two ways
        (["x", "x"], ["x", "x"], "better"),
        (["x", "y"], ["v"], ONE_TRIAL),
    ],
)
def test_trainings_are_counted_by_digest(
    weights: Sequence[str], reference: Sequence[str], verdict: str
) -> None:
    cells = {"a": [says(90, 0, w) for w in reference], "b": [says(10, 100, w) for w in weights]}
    (row,) = rows(cells)
    assert row.p is not None
    assert row.p < 0.001
    assert row.verdict == verdict
    assert ("no verdict" in row.note) == (verdict == ONE_TRIAL)
    assert row.shared_weights == (list(weights) == list(reference) and all(weights))


def test_a_stored_row_of_one_trial_that_says_better_is_refused() -> None:
    (row,) = rows({"a": [says(90)], "b": [says(10)]})
    values = {**row.model_dump(by_alias=True), "verdict": "better"}
    with pytest.raises(ValidationError, match="one trial has no verdict 'better', expected 'on these films"):
        ComparisonRow.model_validate(values)
