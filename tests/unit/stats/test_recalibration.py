"""Murphy's parts add up to the Brier score; slope and intercept of known miscalibration; bins do not depend on the order of films."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from hilum.stats.calibration import brier
from hilum.stats.recalibration import (
    brier_parts,
    equal_count_bins,
    probability_figures,
    slope_and_intercept,
)


@given(st.integers(0, 10**6), st.integers(2, 80), st.integers(2, 5), st.sampled_from([1, 2, 12]))
@settings(max_examples=60, deadline=None)
def test_the_parts_give_the_brier_score(seed: int, n: int, n_classes: int, decimals: int) -> None:
    rng = np.random.default_rng(seed)
    score = rng.dirichlet(np.ones(n_classes), n).round(decimals)
    true = rng.integers(0, n_classes, n)
    parts = brier_parts(true, score)
    total = parts.reliability - parts.resolution + parts.uncertainty + parts.within
    assert total == pytest.approx(brier(true, score), abs=1e-12)
    share = np.bincount(true, minlength=n_classes) / n
    assert parts.uncertainty == pytest.approx(1 - (share**2).sum())


def test_probabilities_that_are_the_shares_of_their_bins_have_no_reliability_and_nothing_within() -> None:
    p = np.repeat([0.25, 0.75], 40)
    true = np.array(([0] * 10 + [1] * 30) + ([0] * 30 + [1] * 10))
    parts = brier_parts(true, np.stack([p, 1 - p], axis=1))
    assert (parts.reliability, parts.within) == pytest.approx((0, 0), abs=1e-15)
    assert parts.resolution == pytest.approx(2 * 0.25**2)


def test_equal_probabilities_share_a_bin_and_bins_are_of_equal_count() -> None:
    p = np.random.default_rng(0).random(1000)
    bins = equal_count_bins(p)
    assert np.bincount(bins).tolist() == [100] * 10
    order = np.random.default_rng(1).permutation(1000)
    assert (equal_count_bins(p[order]) == bins[order]).all()
    assert equal_count_bins(np.full(7, 1.0)).tolist() == [0] * 7
    assert np.bincount(equal_count_bins([1.0] * 85 + [0.5] * 15)).tolist() == [15, 85]


def test_slope_and_intercept_undo_what_was_done_to_honest_probabilities() -> None:
    rng = np.random.default_rng(6)
    z = rng.normal(size=20000) * 1.5
    y = rng.random(20000) < expit(z)
    slope, intercept = slope_and_intercept(y, expit(2 * z))
    assert (slope, intercept) == pytest.approx((0.5, 0), abs=0.05)
    slope, intercept = slope_and_intercept(y, expit(z + 1))
    assert (slope, intercept) == pytest.approx((1, -1), abs=0.05)


def test_films_that_log_odds_separate_have_no_slope_and_films_of_one_side_neither() -> None:
    slope, intercept = slope_and_intercept([0, 0, 1, 1], [0.0, 0.2, 0.6, 1.0])
    assert slope is None
    assert intercept is not None
    assert slope_and_intercept([1, 1], [0.4, 0.5]) == (None, None)


def test_films_of_a_patient_count_as_one_in_a_bin() -> None:
    score = np.tile([[0.9, 0.1]], (6, 1))
    found = probability_figures([0] * 6, score, ["a"] * 3 + ["b"] * 3, 1)
    (one,) = found.bins
    assert (one.n, one.effective, one.right) == (6, 2.0, 1.0)
    assert found.ece_equal_count == pytest.approx(0.1)
