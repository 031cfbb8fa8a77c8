"""Statistics of windows against scipy, scikit-learn, published numbers and slow obvious versions; thresholds against simulation."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics.pairwise import rbf_kernel

from hilum.core.errors import InputError
from hilum.stats.mmd import KernelReference, pearson_limit
from hilum.stats.psi import counts_in, edges_of, psi, psi_limit
from hilum.stats.windows import ks_distance, ks_limit, level_of_each

RNG = np.random.default_rng


@pytest.mark.parametrize("seed", range(6))
def test_the_distance_is_scipys_with_ties_too(seed: int) -> None:
    rng = RNG(seed)
    a, b = rng.normal(size=rng.integers(5, 80)).round(1), rng.normal(0.3, size=rng.integers(5, 80)).round(1)
    assert ks_distance(a, b) == pytest.approx(stats.ks_2samp(a, b).statistic, abs=1e-12)


@pytest.mark.parametrize(("n", "m"), [(25, 60), (100, 348), (100, 1000)])
@pytest.mark.parametrize("alpha", [1e-2, 6e-5])
def test_the_exact_probability_of_the_distance_is_not_above_the_level(n: int, m: int, alpha: float) -> None:
    limit = ks_limit(n, m, alpha)
    above = (np.floor(limit * n * m) + 1) / (n * m)
    assert 1 - _share_inside(above, n, m) <= alpha


def _share_inside(distance: float, n: int, m: int) -> Fraction:
    """P(D < distance) of two samples: the share of lattice paths that stay inside, counted exactly."""
    row: list[int] = [0] * (m + 1)
    for i in range(n + 1):
        for j in range(m + 1):
            if abs(i * m - j * n) >= distance * n * m - 1e-6:
                row[j] = 0
            elif i == 0 and j == 0:
                row[j] = 1
            else:
                row[j] = (row[j] if i else 0) + (row[j - 1] if j else 0)
    return Fraction(row[m], comb(n + m, n))


def test_psi_of_published_examples() -> None:
    """Siddiqi 2006, Credit Risk Scorecards, and Yurdakul & Naranjo 2020, J. Risk Model Validation 14(4), print shares; here by hand."""
    expected = np.array([10, 10, 10, 10, 10, 10, 10, 10, 10, 10.0])
    actual = np.array([8, 12, 10, 9, 11, 10, 7, 13, 10, 10.0])
    by_hand = sum((a - e) / 100 * np.log(a / e) for a, e in zip(actual, expected, strict=True))
    assert psi(actual, expected, added=0) == pytest.approx(by_hand, abs=1e-12)
    assert psi([30, 70], [50, 50], added=0) == pytest.approx(
        0.2 * np.log(5 / 3) + 0.2 * np.log(7 / 5), abs=1e-12
    )


def test_psi_is_the_sum_of_both_divergences() -> None:
    rng = RNG(1)
    w, r = rng.integers(1, 40, 8), rng.integers(1, 40, 8)
    p, q = w / w.sum(), r / r.sum()
    assert psi(w, r, added=0) == pytest.approx(stats.entropy(p, q) + stats.entropy(q, p), abs=1e-12)
    assert psi(w, w) == 0


def test_bins_hold_as_many_films_each_and_count_all() -> None:
    x = RNG(2).normal(size=400)
    edges = edges_of(x)
    assert counts_in(x, edges).tolist() == [40] * 10
    assert len(edges_of(np.zeros(50))) == 1
    assert counts_in([0, 0, 1], edges_of(np.zeros(50))).tolist() == [2, 1]


def _psi_of_rows(w, r):
    w, r = (side / side.sum(axis=1, keepdims=True) for side in (w + 0.5, r + 0.5))
    return ((w - r) * np.log(w / r)).sum(axis=1)


@pytest.mark.parametrize(("n", "m"), [(25, 348), (100, 348), (100, 900)])
@pytest.mark.parametrize(
    "shares", [[0.1] * 10, [1 / 3, 2 / 3], [0.12, 0.21, 0.54, 0.13], [0.97, 0.01, 0.01, 0.01]]
)
def test_psi_passes_its_limit_no_more_often_than_said(n: int, m: int, shares: list[float]) -> None:
    rng, draws = RNG(3), 200_000
    w, r = rng.multinomial(n, shares, draws), rng.multinomial(m, shares, draws)
    values = _psi_of_rows(w, r)
    assert values[:5] == pytest.approx([psi(a, b) for a, b in zip(w[:5], r[:5], strict=True)])
    for alpha in (1e-2, 1e-3, 6.25e-5):
        passed = int((values > psi_limit(n, m, len(shares), alpha)).sum())
        assert passed <= stats.poisson.isf(1e-3, alpha * draws)


def _slow_mmd2(x, y, width: float) -> float:
    def k(a, b) -> float:
        return float(np.exp(-((a - b) ** 2).sum() / (2 * width**2)))

    n, m = len(y), len(x)
    inner = sum(k(y[i], y[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    outer = sum(k(x[i], x[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    return inner + outer - 2 * sum(k(a, b) for a in x for b in y) / (n * m)


def test_mmd_is_the_slow_one_and_its_kernel_scikit_learns() -> None:
    rng = RNG(4)
    x, y = rng.normal(size=(40, 6)).astype(np.float32), rng.normal(0.4, size=(12, 6)).astype(np.float32)
    reference = KernelReference(x)
    assert reference.mmd2(y) == pytest.approx(_slow_mmd2(x, y, reference.width), abs=1e-5)
    theirs = rbf_kernel(x, y, gamma=1 / (2 * reference.width**2))
    assert np.abs(reference._kernel(x, y) - theirs).max() < 1e-5


def test_draws_of_the_null_are_the_statistic_of_those_windows() -> None:
    x = RNG(5).normal(size=(30, 5)).astype(np.float32)
    reference = KernelReference(x)
    drawn = reference.null(8, RNG(6), 5)
    again = RNG(6)
    for value in drawn:
        chosen = again.choice(30, 8, replace=False)
        rest = np.delete(x, chosen, axis=0)
        assert value == pytest.approx(_slow_mmd2(rest, x[chosen], reference.width), abs=1e-5)


@pytest.mark.parametrize("n", [25, 100])
def test_mmd_of_new_films_passes_its_limit_no_more_often_than_said(n: int) -> None:
    rng = RNG(7)
    spread = np.exp(rng.normal(size=20))
    x = (rng.normal(size=(300, 20)) * spread).astype(np.float32)
    reference = KernelReference(x)
    limits = {alpha: reference.limit(n, alpha, RNG(8), 800) for alpha in (0.05, 0.01)}
    over_references = []
    for _ in range(12):
        other = KernelReference((rng.normal(size=(300, 20)) * spread).astype(np.float32))
        new = [other.mmd2((rng.normal(size=(n, 20)) * spread).astype(np.float32)) for _ in range(40)]
        over_references += new
    for alpha, limit in limits.items():
        assert (np.array(over_references) > limit).mean() <= alpha + 3 * (alpha / 480) ** 0.5


def test_a_shift_that_no_single_number_shows_is_seen() -> None:
    """Mean and variance of each number stay; they begin to hang together."""
    rng = RNG(9)
    x = rng.normal(size=(400, 8)).astype(np.float32)
    common = rng.normal(size=(100, 1))
    y = (0.7**0.5 * common + 0.3**0.5 * rng.normal(size=(100, 8))).astype(np.float32)
    reference = KernelReference(x)
    assert max(ks_distance(y[:, k], x[:, k]) for k in range(8)) < ks_limit(100, 400, 1e-3)
    assert reference.mmd2(y) > reference.limit(100, 1e-4, RNG(1), 800)


def test_the_pearson_curve_is_scipys_of_a_gamma() -> None:
    x = stats.gamma.rvs(4, size=200_000, random_state=RNG(10))
    assert pearson_limit(x, 1e-3) == pytest.approx(stats.gamma.isf(1e-3, 4), rel=0.02)


def test_the_level_is_shared_out_evenly() -> None:
    assert level_of_each(16) * 16 * 50 == pytest.approx(0.05)
    with pytest.raises(InputError, match="expected a statistic and a window"):
        level_of_each(0)


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(InputError, match="counts over the same bins"):
        psi([1, 2], [1, 2, 3])
    with pytest.raises(InputError, match="films on both sides"):
        ks_distance([], [1.0])
    with pytest.raises(InputError, match="expected vectors of four"):
        KernelReference(np.zeros((3, 2)))
    with pytest.raises(InputError, match="two films or more in a window"):
        KernelReference(np.eye(5)).mmd2(np.zeros((1, 5)))
    with pytest.raises(InputError, match="expected a window of 2 to 3 of 5"):
        KernelReference(np.eye(5)).null(4, RNG(1))
    assert psi_limit(10, 10, 1, 0.01) == np.inf
