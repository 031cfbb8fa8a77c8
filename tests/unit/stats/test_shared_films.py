"""Cells that tested other films are compared on those that both tested."""

import numpy as np

from hilum.artifacts.comparisons import Pair
from hilum.stats.comparison import Cells
from hilum.stats.scored_films import ScoredFilms
from hilum.stats.shared_films import on_shared_films


def trial(ids: list[str], right: list[bool]) -> ScoredFilms:
    """Films of class 1 where the id is even; scores that are right or wrong as said."""
    true = np.array([int(int(i) % 2 == 0) for i in ids])
    said = np.where(right, true, 1 - true)
    return ScoredFilms(true, np.stack([1 - said, said], axis=1) * 0.8 + 0.1, ids, ids)


def test_only_films_that_both_tested_count() -> None:
    reference_ids = [str(k) for k in range(40)]
    without_ids = [str(k) for k in range(20, 60)]
    reference = [trial(reference_ids, [k >= 30 for k in range(40)])] * 2  # right on the last ten
    without = [trial(without_ids, [k < 50 for k in range(20, 60)])] * 2  # right on all that both have
    cells = {"without": without, "plain": reference}
    pairs = [Pair("without", "plain", "without x against all sources")]
    cut, renamed, own = on_shared_films(cells, pairs)
    assert [sorted(map(int, t.image_ids)) for c in cut.values() for t in c] == [list(range(20, 40))] * 4
    (row,) = Cells(cut, ["a", "b"], "b", ["sensitivity"], n_resamples=50).compare(
        "f", renamed, ["sensitivity"]
    )
    assert (own[row.cell], own[row.reference]) == ("without", "plain")
    assert (row.value, row.reference_value, row.paired) == (1.0, 0.5, True)
    plain = Cells(cells, ["a", "b"], "b", ["sensitivity"], n_resamples=50).compare(
        "f", pairs, ["sensitivity"]
    )[0]
    assert (plain.value, plain.reference_value, plain.paired) == (0.75, 0.25, False)


def test_equal_films_and_films_that_share_none_are_left_as_they_are() -> None:
    a, b = [trial(["0", "1"], [True, True])], [trial(["2", "3"], [True, True])]
    cells = {"a": a, "same": a, "other": b}
    cut, renamed, own = on_shared_films(cells, [Pair("same", "a", "x"), Pair("other", "a", "y")])
    assert set(cut) == set(own) == {"a", "same", "other"}
    assert renamed[1] == Pair("other", "a", "y")
