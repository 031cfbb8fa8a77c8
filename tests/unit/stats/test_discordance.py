"""Few discordant films: against Garwood's exact limits, the exact McNemar test, and its own interval."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from hilum.stats.difference import TrialPart
from hilum.stats.discordance import JoinedTest, discordant_distances, separate_distances
from hilum.stats.proportions import clopper_pearson


def tipped(gained: int, lost: int, n: int) -> np.ndarray:
    return np.repeat([1 / n, -1 / n, 0.0], [gained, lost, n - gained - lost])


def test_gains_alone_have_garwoods_exact_limits_joined_with_those_of_no_loss() -> None:
    below, above = discordant_distances(tipped(8, 0, 1000), 1 / 1000)(0.95)
    low, high = stats.chi2.ppf(0.025, 16) / 2, stats.chi2.ppf(0.975, 18) / 2
    none = stats.chi2.ppf(0.975, 2) / 2
    assert above == pytest.approx((high - 8) / 1000)
    assert below == pytest.approx(np.hypot(8 - low, none) / 1000)


def garwood_p(gained: int, lost: int) -> float:
    """The p of two exact Poisson limits joined in squares, by the textbook's chi-square quantiles and a search for the level."""

    def room(p: float) -> float:
        least_gained = stats.chi2.ppf(p / 2, 2 * gained) / 2
        most_lost = stats.chi2.ppf(1 - p / 2, 2 * lost + 2) / 2
        return float(gained - lost - np.hypot(gained - least_gained, most_lost - lost))

    return float(optimize.brentq(room, 1e-9, 1 - 1e-9))


@pytest.mark.parametrize(
    ("gained", "lost", "wanted"),
    [
        (3, 0, 0.19707),
        (6, 0, 0.02543),
        (8, 0, 0.00663),
        (9, 0, 0.00339),
        (7, 1, 0.05832),
        (5, 2, 0.39467),
        (4, 1, 0.31568),
    ],
)
@pytest.mark.parametrize("n", [60, 1000])
def test_p_of_equal_weights_is_that_of_exact_limits_joined(
    gained: int, lost: int, wanted: float, n: int
) -> None:
    """A little below the exact McNemar test's (.25 for three of three), and whatever the number of films."""
    d = tipped(gained, lost, n)
    found = JoinedTest(float(d.sum()), discordant_distances(d, 1 / n), None).p()
    assert found == pytest.approx(garwood_p(gained, lost), rel=1e-6)
    assert found == pytest.approx(wanted, abs=5e-6)
    turned = JoinedTest(-float(d.sum()), discordant_distances(-d, 1 / n), None).p()
    assert turned == pytest.approx(found)
    assert found < stats.binomtest(gained, gained + lost).pvalue


def test_nothing_discordant_is_not_certainty() -> None:
    test = JoinedTest(0.0, discordant_distances(np.zeros(60), 1 / 60), None)
    assert test.p() == 1.0
    low, high = test.interval(0.95)
    assert high == pytest.approx(stats.chi2.ppf(0.975, 2) / 2 / 60)
    assert low == -high


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 9), st.integers(0, 9), st.floats(0, 0.02), st.sampled_from([60, 500]))
def test_interval_and_p_agree(gained: int, lost: int, error: float, n: int) -> None:
    d = tipped(gained, lost, n)
    test = JoinedTest(float(d.sum()), discordant_distances(d, 1 / n), TrialPart(error, 2))
    p = test.p()
    if 1e-6 < p < 0.999:
        wider, narrower = test.interval(1 - 0.99 * p), test.interval(1 - 1.01 * p) if 1.01 * p < 1 else None
        assert wider[0] <= 1e-9
        assert wider[1] >= -1e-9
        assert narrower is None or not narrower[0] < -1e-9 or not narrower[1] > 1e-9


def test_a_cluster_weighs_more_than_its_films_apart() -> None:
    together = np.array([3 / 60, *np.zeros(59)])
    apart = tipped(3, 0, 60)
    one, other = (JoinedTest(0.05, discordant_distances(d, 1 / 60), None).p() for d in (together, apart))
    assert one > other


def test_different_films_join_two_clopper_pearson_intervals() -> None:
    limits = [lambda level, p=p, n=n: clopper_pearson(p * n, n, level) for p, n in ((0.98, 50), (0.9, 60))]
    below, above = separate_distances(0.98, limits[0], 0.9, limits[1])(0.95)
    low, high = clopper_pearson(49, 50)
    other_low, other_high = clopper_pearson(54, 60)
    assert below == pytest.approx(np.hypot(0.98 - low, other_high - 0.9))
    assert above == pytest.approx(np.hypot(high - 0.98, 0.9 - other_low))
