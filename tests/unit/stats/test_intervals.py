"""From draws to intervals: known variances, and the cases without an interval."""

import numpy as np
import pytest
from scipy import stats

from hilum.stats.intervals import Interval, bootstrap_interval, few_events_interval, never_narrower
from hilum.stats.limits import Limits
from hilum.stats.proportions import clopper_pearson

B = 4000


def test_one_trial_is_the_percentile_interval_of_its_films() -> None:
    draws = np.linspace(0.8, 0.9, B)[None]
    found = bootstrap_interval(np.array([0.85]), draws, 100, seed=0)
    assert (found.low, found.high) == (pytest.approx(0.8025), pytest.approx(0.8975))
    assert found.trial_error is None


def test_films_that_do_not_matter_leave_students_interval() -> None:
    points = np.array([0.87, 0.91, 0.95])
    draws = np.repeat(points[:, None], B, axis=1)
    found = bootstrap_interval(points, draws, 100, seed=0)
    low, high = stats.t.interval(0.95, 2, loc=0.91, scale=0.04 / 3**0.5)
    assert (found.low, found.high) == (
        pytest.approx(low, abs=1e-3),
        1.0 if high > 1 else pytest.approx(high, abs=1e-3),
    )
    assert (found.film_error, found.trial_error) == (0.0, pytest.approx(0.04 / 3**0.5))


def test_trials_that_agree_leave_the_films_interval() -> None:
    film = np.random.default_rng(0).normal(0.9, 0.01, B)
    found = bootstrap_interval(np.array([0.9] * 3), np.stack([film] * 3), 100, seed=0)
    low, high = np.quantile(film, [0.025, 0.975])
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert found.film_error == pytest.approx(film.std())


def test_trials_that_agree_by_chance_do_not_make_films_certain() -> None:
    """Film chance that trials do not share, and trials that happen to be equal: without a floor the interval would be next to nothing."""
    draws = np.random.default_rng(2).normal(0.8, 0.04, (3, B))
    found = bootstrap_interval(np.array([0.8] * 3), draws, 100, seed=0)
    low, high = np.quantile(draws.mean(axis=0), [0.025, 0.975])
    assert (found.low, found.high) == (pytest.approx(low, abs=1e-12), pytest.approx(high, abs=1e-12))
    assert high - low > 0.08
    assert found.film_error == pytest.approx(0.0, abs=0.006)


def test_limits_from_a_model_widen_a_resampled_interval_and_never_narrow_it() -> None:
    resampled, wide, narrow = (
        Interval(a, b, 0.01, None) for a, b in ((0.9, 0.98), (0.8, 0.99), (0.92, 0.95))
    )
    assert never_narrower(resampled, wide) == Interval(0.8, 0.99, 0.01, None)
    assert never_narrower(resampled, narrow) == resampled
    none = Interval(None, None, None, None, "no interval: undefined in 6 of 100 resamples")
    alone = never_narrower(none, wide)
    assert (alone.low, alone.high, alone.note) == (
        0.8,
        0.99,
        "none from resamples: undefined in 6 of 100 resamples",
    )


def test_the_part_of_film_chance_that_trials_share_is_told_from_the_rest() -> None:
    rng = np.random.default_rng(1)
    draws = 0.5 + rng.normal(0, 0.03, B) + rng.normal(0, 0.04, (5, B))
    found = bootstrap_interval(np.array([0.49, 0.51, 0.5, 0.52, 0.48]), draws, 100, seed=0)
    assert found.film_error == pytest.approx(0.03, rel=0.05)  # cov(trial, trial'), not var of the mean


def test_undefined_resamples() -> None:
    draws = np.linspace(0.4, 0.6, 100)[None].copy()
    draws[0, :5] = np.nan
    found = bootstrap_interval(np.array([0.5]), draws, 10, seed=0)
    assert found.note == "undefined in 5 of 100 resamples, left out"
    assert found.low is not None
    draws[0, :6] = np.nan
    found = bootstrap_interval(np.array([0.5]), draws, 10, seed=0)
    assert (found.low, found.note) == (None, "no interval: undefined in 6 of 100 resamples")


def test_one_cluster_has_no_interval() -> None:
    found = bootstrap_interval(np.array([0.5]), np.full((1, 10), 0.5), 1, seed=0)
    assert (found.low, found.high, found.note) == (None, None, "no interval: one cluster only")


def limits_of(p: float, n: float) -> Limits:
    return lambda level: clopper_pearson(p * n, n, level)


def test_few_events_of_one_trial_are_clopper_and_pearsons() -> None:
    found = few_events_interval(np.array([59 / 60]), limits_of(59 / 60, 60))
    assert (found.low, found.high) == pytest.approx(clopper_pearson(59, 60))


def test_few_events_of_several_trials_add_their_spread_in_squares() -> None:
    points = np.array([58, 59, 60]) / 60
    found = few_events_interval(points, limits_of(59 / 60, 60))
    p, reach = 59 / 60, float(stats.t.ppf(0.975, 2)) * points.std(ddof=1) / 3**0.5
    assert found.low == pytest.approx(p - ((p - clopper_pearson(59, 60)[0]) ** 2 + reach**2) ** 0.5)
    assert found.high == 1.0
    agreed = few_events_interval(np.ones(3), limits_of(1.0, 60))
    assert (agreed.low, agreed.high) == pytest.approx(clopper_pearson(60, 60))
