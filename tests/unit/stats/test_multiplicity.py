"""Holm's adjustment and Bonferroni's level; statsmodels is the second source of Holm."""

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from statsmodels.stats.multitest import multipletests

from hilum.core.errors import InputError
from hilum.stats.multiplicity import holm, simultaneous_level


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_against_statsmodels(p_values: list[float]) -> None:
    with patch("gc.collect"):  # it collects at each call, which takes a second late in a run of tests
        wanted = multipletests(p_values, alpha=0.05, method="holm")[1]
    assert holm(p_values) == pytest.approx(list(wanted), abs=1e-12)


def test_an_undefined_comparison_counts_in_the_family_and_stays_undefined() -> None:
    assert holm([0.02, None, 0.5]) == pytest.approx([0.06, None, 1.0])


def test_what_is_no_p_is_refused() -> None:
    with pytest.raises(InputError, match=r"p-value 1: expected 0 .. 1, got 1.5"):
        holm([0.1, 1.5])
    with pytest.raises(InputError, match="family of one or more"):
        simultaneous_level(0.95, 0)


def test_intervals_that_hold_together_are_little_wider_than_the_best_possible() -> None:
    """Three groups of three contrasts with a common reference: Bonferroni's reach holds all nine together in .95 and a little more of
    studies, and max-t, which is exact, would gain 1 %; one at a time they would hold together in two thirds only."""
    rng = np.random.default_rng(0)
    cells = rng.normal(size=(400_000, 3, 4))
    largest = np.abs((cells[:, :, 1:] - cells[:, :, :1]) / 2**0.5).max(axis=(1, 2))
    reach = norm.ppf(0.5 + simultaneous_level(0.95, 9) / 2)
    assert np.mean(largest <= reach) == pytest.approx(0.9545, abs=0.001)
    assert np.quantile(largest, 0.95) / reach == pytest.approx(0.9885, abs=0.001)
    assert np.mean(largest <= norm.ppf(0.975)) == pytest.approx(0.670, abs=0.003)


def test_the_level_of_each_of_nine_is_bonferronis() -> None:
    assert simultaneous_level(0.95, 1) == 0.95
    assert 1 - simultaneous_level(0.95, 9) == pytest.approx(0.05 / 9)
    assert 1 - simultaneous_level(0.9, 4) == pytest.approx(0.025)
