"""The resampling engine against resamples that are really built, film by film."""

import numpy as np
import pytest

from hilum.core.errors import InputError
from hilum.stats.confusion import Undefined, confusion, exact_accuracy, predicted_class, rates, ratios
from hilum.stats.curves import average_precision, pr_auc, roc_auc
from hilum.stats.resampling import (
    DecisionTable,
    Ranking,
    TrialFigures,
    cluster_numbers,
    draw_counts,
    resample,
)

K = 4


def films(seed: int, n: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    true = rng.integers(0, K, n)
    score = rng.dirichlet(np.ones(K), n).round(1)  # rounded: many ties
    clusters = np.array([f"patient{c}" for c in rng.integers(0, n // 3, n)])
    return true, score, clusters


def figures(true: np.ndarray, score: np.ndarray, clusters: np.ndarray) -> TrialFigures:
    everyone = np.ones(len(true), dtype=np.bool_)
    table = DecisionTable(true * K + predicted_class(score), K, [*ratios(K, 1), exact_accuracy(K)])
    return TrialFigures(clusters, [table], [Ranking(true == 1, score[:, 1], everyone)])


def slow_and_obvious(true: np.ndarray, score: np.ndarray) -> list[float]:
    matrix = confusion(true, predicted_class(score), K)
    values = [*rates(matrix, 1).values()]
    values += [area(true == 1, score[:, 1]) for area in (pr_auc, average_precision, roc_auc)]
    return [np.nan if isinstance(v, Undefined) else v for v in values]


def test_each_draw_is_the_figure_of_the_films_it_stands_for() -> None:
    trials = [films(1), films(2, 45)]  # other films, some patients in both: the union is drawn
    found = resample([figures(*trial) for trial in trials], 70, seed=5)
    numbers, n_clusters = cluster_numbers([c for _, _, c in trials])
    counts = np.concatenate([draw_counts(n_clusters, 64, 5, 0), draw_counts(n_clusters, 6, 5, 1)], axis=1)
    assert found.n_clusters == n_clusters
    for t, (true, score, _) in enumerate(trials):
        np.testing.assert_allclose(found.points[t], slow_and_obvious(true, score), rtol=1e-12)
        for b in range(70):
            rows = np.repeat(np.arange(len(true)), counts[numbers[t], b])
            wanted = slow_and_obvious(true[rows], score[rows])
            np.testing.assert_allclose(
                found.draws[t, b], wanted, rtol=1e-12, err_msg=f"trial {t}, resample {b}"
            )


def test_a_draw_takes_as_many_clusters_as_there_are_evenly() -> None:
    counts = draw_counts(50, 4000, seed=0, block=0)
    assert (counts.sum(axis=0) == 50).all()
    assert counts.mean(axis=1) == pytest.approx(np.ones(50), abs=0.08)
    assert counts.var() == pytest.approx(1 - 1 / 50, rel=0.02)  # multinomial


def test_the_draws_do_not_depend_on_what_is_counted_or_on_how_many_resamples() -> None:
    trial = films(3)
    one, two = resample([figures(*trial)], 100, seed=1), resample([figures(*trial)] * 2, 130, seed=1)
    np.testing.assert_array_equal(one.draws[0], two.draws[1, :100])
    other = resample([figures(*trial)], 100, seed=2)
    assert not np.array_equal(one.draws, other.draws, equal_nan=True)


def test_numerators_denominators_and_effective_films() -> None:
    true, clusters = np.array([1, 1, 1, 0]), np.array(["a", "a", "b", "c"])
    table = DecisionTable(true * 2 + np.array([1, 0, 1, 0]), 2, ratios(2, 1)[:2])
    found = resample([TrialFigures(clusters, [table])], 5, seed=0)
    assert (found.points * found.below).tolist() == [[2, 1]]
    assert found.below.tolist() == [[3, 1]]
    assert found.effective.tolist() == [[9 / 5, 1]]


def test_films_left_out_do_not_count() -> None:
    true, score, clusters = films(4)
    rows = true != 2
    table = DecisionTable(np.where(rows, true * K + predicted_class(score), -1), K, ratios(K, 1))
    found = resample([TrialFigures(clusters, [table], [Ranking(true == 1, score[:, 1], rows)])], 3, seed=0)
    wanted = slow_and_obvious(true[rows], score[rows])
    np.testing.assert_allclose(found.points[0], wanted[:7] + wanted[8:])


@pytest.mark.parametrize(
    ("trials", "message"),
    [
        ([], "expected trials and resamples, got 0"),
        ([TrialFigures(["a"])], "the same figures"),
        ([figures(*films(1)), TrialFigures(["a"])], "the same figures"),
        (
            [TrialFigures(["a"], [DecisionTable(np.zeros(2, np.int64), 2, ratios(2, 1))])],
            "trial 0: 1 clusters",
        ),
    ],
)
def test_wrong_input_is_named(trials: list[TrialFigures], message: str) -> None:
    with pytest.raises(InputError, match=message):
        resample(trials, 10, seed=0)
