"""Means over films with intervals by patient, beside scipy's bootstrap, Student's t and what they should cover."""

import numpy as np
import pytest
from scipy import stats

from hilum.stats.discordance import JoinedTest, discordant_distances
from hilum.stats.proportions import clopper_pearson
from hilum.stats.unit_means import unit_difference, unit_mean


def names(n: int) -> list[str]:
    return [str(k) for k in range(n)]


def ends(found) -> tuple[float, float]:
    return found.low, found.high


def test_of_independent_films_it_is_scipys_percentile_interval_at_the_expanded_level() -> None:
    values = np.random.default_rng(1).beta(1, 6, 30)
    level = 1 - 2 * stats.norm.cdf((30 / 29) ** 0.5 * stats.t.ppf(0.025, 29))
    expected = stats.bootstrap(
        (values,), np.mean, n_resamples=9999, confidence_level=level, method="percentile", rng=0
    ).confidence_interval
    assert ends(unit_mean(values, names(30), 3, 9999)) == pytest.approx(tuple(expected), abs=0.004)


def test_of_shares_that_are_not_skewed_it_is_students_interval() -> None:
    values = np.random.default_rng(4).normal(0.1, 0.03, 20)
    expected = stats.t.interval(0.95, 19, values.mean(), stats.sem(values))
    assert ends(unit_mean(values, names(20), 0, 9999)) == pytest.approx(expected, abs=0.001)
    exact = clopper_pearson(values.sum(), 20)
    assert exact[1] - exact[0] > 8 * (expected[1] - expected[0])


def test_intervals_of_few_skewed_shares_hold_the_truth() -> None:
    rng, n = np.random.default_rng(5), 8
    held = []
    for k in range(150):
        values = rng.beta(1, 6, n)
        low, high = ends(unit_mean(values, names(n), k, 200))
        held.append(low <= 1 / 7 <= high)
    assert np.mean(held) > 0.87  # in 1 500: .92, the plain percentile interval .87


def test_films_of_a_patient_that_are_alike_widen_it() -> None:
    one_each = np.random.default_rng(2).uniform(0.1, 0.9, 60)
    values, units = np.repeat(one_each, 4), np.repeat(np.arange(60).astype(str), 4)
    by_patient, by_film = unit_mean(values, units, 0), unit_mean(values, names(240), 0)
    assert by_patient.high - by_patient.low == pytest.approx(2 * (by_film.high - by_film.low), rel=0.15)


def test_few_events_and_one_patient() -> None:
    assert ends(unit_mean(np.zeros(40), names(40), 0)) == clopper_pearson(0, 40)
    low, high = ends(unit_mean([1, 1, *[0] * 38], names(40), 0))
    assert (low, high) == (0.0, clopper_pearson(2, 40)[1])
    alone = unit_mean([1, 0, 1], ["p"] * 3, 0)
    assert (alone.low, alone.high, alone.units) == (None, None, 1)
    assert ends(unit_difference([1, 0, 1], [0, 0, 0], ["p"] * 3, 0)) == (None, None)


def test_a_difference_of_shares_is_paired() -> None:
    rng = np.random.default_rng(6)
    reference = rng.uniform(0.1, 0.8, 40)
    values = reference + rng.normal(0.05, 0.02, 40)
    found = unit_difference(values, reference, names(40), 0, 9999)
    assert found.mean == pytest.approx((values - reference).mean())
    assert ends(found) == pytest.approx(
        stats.t.interval(0.95, 39, found.mean, stats.sem(values - reference)), abs=0.001
    )


def test_a_difference_of_hits_with_few_discordant_films_is_never_sure() -> None:
    hit = np.array([1] * 20 + [0] * 20)
    low, high = ends(unit_difference(hit, hit, names(40), 0))
    assert low == pytest.approx(-high)
    assert high > stats.beta.ppf(0.975, 1, 40) / 2
    turned = hit.copy()
    turned[:3] = 0
    parts = np.array([-1 / 40] * 3 + [0] * 37)
    expected = JoinedTest(-3 / 40, discordant_distances(parts, 1 / 40), None).interval(0.95)
    low, high = ends(unit_difference(turned, hit, names(40), 0))
    assert low <= expected[0] < 0 < expected[1] <= high
    assert low > -0.25
