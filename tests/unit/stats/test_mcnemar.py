"""McNemar's tests: edges; second sources are in tests/oracles."""

import numpy as np
import pytest

from hilum.core.errors import InputError
from hilum.stats.mcnemar import clustered_mcnemar, mcnemar


def test_equal_decisions_are_not_different() -> None:
    found = mcnemar([1, 0, 1], [1, 0, 1])
    assert (found.gained, found.lost, found.p_exact, found.p_mid) == (0, 0, 1.0, 1.0)
    assert clustered_mcnemar([1, 0, 1], [1, 0, 1], ["a", "a", "b"]) == 1.0


def test_gains_and_losses_within_a_cluster_cancel() -> None:
    right, reference = np.array([1, 0, 1, 1, 1]), np.array([0, 1, 0, 1, 1])
    # cluster a: one gained, one lost; cluster b: one gained; so one cluster of three tips
    assert clustered_mcnemar(right, reference, ["a", "a", "b", "b", "c"]) == pytest.approx(
        0.4142, abs=1e-4
    )  # chi2 2/3


def test_films_must_be_the_same() -> None:
    with pytest.raises(InputError, match=r"the same films, got shapes \(2,\) and \(3,\)"):
        mcnemar([1, 0], [1, 0, 1])
    with pytest.raises(InputError, match="1 clusters"):
        clustered_mcnemar([1, 0], [0, 1], ["a", "a"])
