"""Families of comparisons: estimates against plain means, verdicts, pairing, few and undefined, order of films."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from hilum.artifacts.comparisons import ComparisonRow, Pair
from hilum.core.errors import InputError
from hilum.stats.comparison import Cells
from hilum.stats.curves import pr_auc
from hilum.stats.scored_films import ScoredFilms
from hilum.stats.summary import cell_statistics

CLASSES = ["covid", "normal", "viral"]
N = 600
METRICS = ["sensitivity", "specificity", "ppv", "f1", "pr_auc", "roc_auc"]


def cell(seed: int, skill: float, trials: int = 3, first: int = 0, n: int = N) -> list[ScoredFilms]:
    """Films `first` and on; what is hard about a film depends on its number only, so cells share it."""
    numbers = np.arange(first, first + n)
    true = np.array([k % 3 for k in numbers])
    hard = np.random.default_rng(99).normal(size=(5000, 3))[numbers]
    found = []
    for t in range(trials):
        z = hard + 0.5 * np.random.default_rng([seed, t]).normal(size=(n, 3))
        z[np.arange(n), true] += skill
        score = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        found.append(ScoredFilms(true, score, [f"u{k // 2}" for k in numbers], [f"f{k}" for k in numbers]))
    return found


def one(trials_of: dict[str, list[ScoredFilms]], metric: str = "sensitivity", seed: int = 0) -> ComparisonRow:
    cells = Cells(trials_of, CLASSES, "covid", [metric], "patient", seed, 400)
    (row,) = cells.compare("f", [Pair("a", "b", "a against b")], [metric])
    return row


@pytest.fixture(scope="module")
def cells() -> Cells:
    trials_of = {"a": cell(1, 1.6), "b": cell(2, 1.0), "c": cell(3, 1.0)}
    return Cells(trials_of, CLASSES, "covid", METRICS, "patient", 5, 400)


def test_estimates_are_those_of_the_statistics(cells: Cells) -> None:
    rows = {
        (name, r.metric): r.estimate
        for name, trials in (("a", cell(1, 1.6)), ("b", cell(2, 1.0)))
        for r in cell_statistics(trials, CLASSES, "covid", n_resamples=2)
        if r.class_ == "covid"
    }
    for row in cells.compare("f", [Pair("a", "b", "")], METRICS):
        assert row.value == pytest.approx(rows["a", row.metric])
        assert row.reference_value == pytest.approx(rows["b", row.metric])
        assert row.estimate == pytest.approx(row.value - row.reference_value)  # type: ignore[operator]
        assert row.p is not None
        assert (row.p < 0.05) == (not row.low_one <= 0 <= row.high_one)  # type: ignore[operator]


def test_a_large_difference_is_better_one_way_and_worse_the_other(cells: Cells) -> None:
    rows = cells.compare("f", [Pair("a", "b", ""), Pair("b", "a", ""), Pair("b", "c", "")], ["roc_auc"])
    assert [r.verdict for r in rows] == ["better", "worse", "not distinguishable"]
    assert rows[0].p == pytest.approx(rows[1].p)
    assert rows[0].low == pytest.approx(-rows[1].high)  # type: ignore[operator]
    assert rows[0].p_adjusted == pytest.approx(3 * rows[0].p)  # type: ignore[operator]
    assert (rows[0].n_family, rows[0].unit, rows[0].n_clusters, rows[0].n_trials) == (3, "patient", N // 2, 3)
    assert rows[0].n_needed is None
    assert rows[2].n_needed or rows[2].trials_needed
    for r in rows:
        assert r.low <= r.low_one <= r.high_one <= r.high  # type: ignore[operator]


def test_a_larger_family_is_harder_to_pass(cells: Cells) -> None:
    pair = Pair("a", "b", "")
    alone, many = (cells.compare("f", [pair] * n, ["sensitivity"])[0] for n in (1, 20))
    assert many.p == alone.p
    assert many.p_adjusted == pytest.approx(min(1.0, 20 * alone.p))  # type: ignore[operator]
    assert many.low < alone.low  # type: ignore[operator]


def test_a_cell_against_itself() -> None:
    row = one({"a": cell(1, 1.0), "b": cell(1, 1.0)})
    assert (row.estimate, row.p, row.verdict) == (0.0, 1.0, "not distinguishable")
    assert row.n_needed is None
    assert row.low < 0 < row.high  # type: ignore[operator]
    assert all(s.p == 1.0 for s in row.secondary)
    row = one({"a": cell(1, 1.0), "b": cell(1, 1.0)}, "pr_auc")
    assert (row.estimate, row.p, row.low, row.high) == (0.0, 1.0, 0.0, 0.0)


def test_neither_the_order_of_films_nor_that_of_cells_changes_a_number() -> None:
    a, b = cell(1, 1.3), cell(2, 1.0)
    order = np.random.default_rng(0).permutation(N)
    assert one({"b": [t.take(order) for t in b], "a": a}, "pr_auc") == one({"a": a, "b": b}, "pr_auc")


def test_pairing_by_film_makes_the_difference_surer() -> None:
    paired = one({"a": cell(1, 1.3), "b": cell(2, 1.0)}, "pr_auc")
    apart = one({"a": cell(1, 1.3), "b": cell(2, 1.0, first=2000)}, "pr_auc")
    assert paired.paired
    assert not apart.paired
    assert "test films differ" in apart.note
    assert paired.film_error < 0.7 * apart.film_error  # type: ignore[operator]
    assert paired.secondary == []
    assert apart.n_clusters == N


def test_films_that_only_some_trials_share_are_resampled_from_the_union() -> None:
    """Set 1: trial t of both cells has the same films, each trial its own."""
    a, b = ([c for t in range(3) for c in [cell(s, k, 3, 1000 * t)[t]]] for s, k in ((1, 1.3), (2, 1.0)))
    row = one({"a": a, "b": b})
    assert row.paired
    assert row.n_clusters == 3 * N // 2
    assert len([s for s in row.secondary if s.test == "McNemar (exact)"]) == 3


def test_one_trial_speaks_of_films_only() -> None:
    row = one({"a": cell(1, 1.3, 1), "b": cell(2, 1.0, 1)}, "roc_auc")
    assert row.trial_error is None
    assert "one trial: films only" in row.note
    assert row.p == pytest.approx(2 * stats.norm.sf(abs(row.estimate) / row.film_error))  # type: ignore[operator]
    # the resampled error is DeLong's for clusters
    clustered = next(s for s in row.secondary if "clusters" in s.test)
    assert clustered.p == pytest.approx(row.p, abs=0.03)


def test_other_numbers_of_trials_are_compared_unpaired() -> None:
    row = one({"a": cell(1, 1.3, 3), "b": cell(2, 1.0, 2)})
    assert not row.paired
    assert "trials not paired" in row.method
    assert row.p is not None


def test_few_discordant_films_are_counted_not_resampled() -> None:
    n = 60
    true = np.repeat([0, 1], [n, 20])
    ids = [str(k) for k in range(80)]

    def says(wrong: list[int]) -> list[ScoredFilms]:
        p = np.where(true == 0, 0.9, 0.1)
        p[wrong] = 0.2
        return [ScoredFilms(true, np.stack([p, 1 - p], axis=1), ids, ids)]

    cells = Cells({"a": says([0]), "b": says([1, 2, 3, 4])}, ["covid", "normal"], "covid", ["sensitivity"])
    (row,) = cells.compare("f", [Pair("a", "b", "")], ["sensitivity"])
    exact = stats.binomtest(1, 5).pvalue
    assert row.p == pytest.approx(0.31568, abs=5e-6)  # by hand in test_discordance.py
    assert (row.estimate, row.film_error) == (pytest.approx(3 / 60), pytest.approx(0.0365, rel=0.05))
    assert "few discordant units" in row.note
    assert "Fay & Feuer; effectively 5 discordant units" in row.method
    assert (row.secondary[0].p, row.secondary[0].test) == (pytest.approx(exact), "McNemar (exact)")
    assert row.secondary[0].note.startswith("4 films gained, 1 lost")


def test_few_errors_on_other_films_are_not_resampled_either() -> None:
    a, b = cell(1, 9.0, 1), cell(2, 9.0, 1, first=2000)
    row = one({"a": a, "b": b})
    assert (row.value, row.reference_value) == (1.0, 1.0)
    assert row.low < 0 < row.high  # type: ignore[operator]
    assert "Clopper-Pearson" in row.method


def test_what_is_undefined_is_a_row_with_its_reason() -> None:
    (t,) = cell(1, 1.0, 1)
    kept = np.flatnonzero(np.asarray(t.y_true) != 0)
    without = t.take(kept)
    cells = Cells({"a": [t], "b": [without]}, CLASSES, "covid", ["sensitivity", "pr_auc"])
    for row in cells.compare("f", [Pair("a", "b", "")], ["sensitivity", "pr_auc"]):
        assert (row.verdict, row.estimate, row.p, row.p_adjusted, row.low) == (
            "undefined",
            None,
            None,
            None,
            None,
        )
        assert row.value is not None
        assert "undefined: no film of the class (b, trial 1)" in row.note


def test_pr_auc_is_the_trapezoid(cells: Cells) -> None:
    (row,) = cells.compare("f", [Pair("a", "b", "")], ["pr_auc"])
    wanted = np.mean(
        [pr_auc(np.asarray(t.y_true) == 0, np.asarray(t.y_score)[:, 0]) for t in cell(1, 1.6)]  # type: ignore[misc]
    )
    assert row.value == pytest.approx(wanted)


def test_wrong_words_are_refused(cells: Cells) -> None:
    with pytest.raises(InputError, match="no cell 'aa'; did you mean 'a'"):
        cells.compare("f", [Pair("aa", "b", "")], ["pr_auc"])
    with pytest.raises(InputError, match="no comparison of metric 'sensitivty'; did you mean 'sensitivity'"):
        Cells({"a": cell(1, 1.0, 1)}, CLASSES, "covid", ["sensitivty"])
    (t,) = cell(1, 1.0, 1)
    twice = replace(t, image_ids=[t.image_ids[0]] * N)
    with pytest.raises(InputError, match="a, trial 1: an image id occurs twice"):
        Cells({"a": [twice]}, CLASSES, "covid", ["ppv"])
