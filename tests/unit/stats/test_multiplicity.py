"""Holm's adjustment and Bonferroni's level; statsmodels is the second source of Holm."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from hilum.core.errors import InputError
from hilum.stats.multiplicity import holm, simultaneous_level


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_against_statsmodels(p_values: list[float]) -> None:
    wanted = multipletests(p_values, alpha=0.05, method="holm")[1]
    assert holm(p_values) == pytest.approx(list(wanted), abs=1e-12)


def test_an_undefined_comparison_counts_in_the_family_and_stays_undefined() -> None:
    assert holm([0.02, None, 0.5]) == pytest.approx([0.06, None, 1.0])


def test_what_is_no_p_is_refused() -> None:
    with pytest.raises(InputError, match=r"p-value 1: expected 0 .. 1, got 1.5"):
        holm([0.1, 1.5])
    with pytest.raises(InputError, match="family of one or more"):
        simultaneous_level(0.95, 0)


def test_the_maximum_of_nine_normals_would_be_little_narrower() -> None:
    """Three groups of three contrasts with a common reference: what max-t would gain over Bonferroni at best."""
    rng = np.random.default_rng(0)
    cells = rng.normal(size=(400_000, 3, 4))
    contrast = (cells[:, :, 1:] - cells[:, :, :1]) / 2**0.5
    reach = np.quantile(np.abs(contrast).max(axis=(1, 2)), 0.95)
    assert reach == pytest.approx(2.74, abs=0.01)
    assert reach / 2.7729 > 0.98
