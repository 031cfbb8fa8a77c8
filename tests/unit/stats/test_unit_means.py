"""Means over films with intervals by patient: near scipy's bootstrap of independent films, wider where films of a patient are alike."""

import numpy as np
import pytest
from scipy import stats

from hilum.stats.proportions import clopper_pearson
from hilum.stats.unit_means import unit_mean


def test_of_independent_films_it_is_scipys_percentile_interval() -> None:
    values = np.random.default_rng(1).uniform(0.2, 0.8, 150)
    got = unit_mean(values, [str(k) for k in range(150)], seed=3)
    expected = stats.bootstrap(
        (values,), np.mean, n_resamples=9999, method="percentile", rng=0
    ).confidence_interval
    assert got.mean == pytest.approx(values.mean())
    assert (got.low, got.high) == pytest.approx(tuple(expected), abs=0.004)


def test_films_of_a_patient_that_are_alike_widen_it() -> None:
    one_each = np.random.default_rng(2).uniform(0.1, 0.9, 60)
    values, units = np.repeat(one_each, 4), np.repeat(np.arange(60).astype(str), 4)
    by_patient, by_film = unit_mean(values, units, 0), unit_mean(values, [str(k) for k in range(240)], 0)
    assert by_patient.high - by_patient.low == pytest.approx(2 * (by_film.high - by_film.low), rel=0.15)


def test_few_events_and_one_patient() -> None:
    none = unit_mean(np.zeros(40), [str(k) for k in range(40)], 0)
    assert (none.low, none.high) == clopper_pearson(0, 40)
    alone = unit_mean([1, 0, 1], ["p"] * 3, 0)
    assert (alone.low, alone.high, alone.units) == (None, None, 1)
