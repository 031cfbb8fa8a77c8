"""Tests of differences against statsmodels, a published example, definitions written out, and the bootstrap."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as wanted_mcnemar

from hilum.stats.delong import AreaTest, delong
from hilum.stats.mcnemar import clustered_mcnemar, mcnemar

# DeLong, DeLong & Clarke-Pearson (1988), the 43 complete patients as the SAS/STAT User's Guide prints them (PROC LOGISTIC, "Comparing
# Receiver Operating Characteristic Curves"): albumin, total protein, 10 - K-G score, and 0 for the event.
_OVARIAN = """
3.0 5.8 10 0 3.2 6.3 5 1 3.9 6.8 3 1 2.8 4.8 6 0 3.2 5.8 3 1 0.9 4.0 5 0 2.5 5.7 8 0 1.6 5.6 5 1 3.8 5.7 5 1 3.7 6.7 6 1 3.2 5.4 4 1
3.8 6.6 6 1 4.1 6.6 5 1 3.6 5.7 5 1 4.3 7.0 4 1 3.6 6.7 4 0 2.3 4.4 6 1 4.2 7.6 4 0 4.0 6.6 6 0 3.5 5.8 6 1 3.8 6.8 7 1 3.0 4.7 8 0
4.5 7.4 5 1 3.7 7.4 5 1 3.1 6.6 6 1 4.1 8.2 6 1 4.3 7.0 5 1 4.3 6.5 4 1 3.2 5.1 5 1 2.6 4.7 6 1 3.3 6.8 6 0 1.7 4.0 7 0 3.7 6.1 5 1
3.3 6.3 7 1 4.2 7.7 6 1 3.5 6.2 5 1 2.9 5.7 9 0 2.1 4.8 7 1 2.8 6.2 8 0 4.0 7.0 7 1 3.3 5.7 6 1 3.7 6.9 5 1 3.6 6.6 5 1
"""
OVARIAN = np.array(_OVARIAN.split(), dtype=np.float64).reshape(43, 4)


@pytest.mark.parametrize(
    ("column", "area", "estimate", "error", "chi2", "p"),
    [(0, 0.7366, 0.0108, 0.0953, 0.0127, 0.9102), (1, 0.6478, -0.0780, 0.1046, 0.5554, 0.4561)],
    ids=["albumin", "total protein"],
)
def test_delong_against_its_published_example(
    column: int, area: float, estimate: float, error: float, chi2: float, p: float
) -> None:
    event, kg = OVARIAN[:, 3] == 0, OVARIAN[:, 2]
    found = delong(event, -OVARIAN[:, column], kg)
    assert isinstance(found, AreaTest)
    assert found.area == pytest.approx(area, abs=5e-5)
    assert found.area_reference == pytest.approx(0.7258, abs=5e-5)
    difference = found.area - found.area_reference
    assert difference == pytest.approx(estimate, abs=5e-5)
    assert found.standard_error == pytest.approx(error, abs=5e-5)
    assert (difference / found.standard_error) ** 2 == pytest.approx(chi2, abs=5e-5)
    assert found.p == pytest.approx(p, abs=1e-4)


def films(seed: int, n: int, decimals: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Clusters of 1 to 4 films, some with both classes; two scores that share the film and the cluster."""
    rng = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(n), rng.integers(1, 5, n))
    y = rng.random(len(cluster)) < np.where(cluster % 3 == 0, 0.8, 0.2)
    common = rng.normal(size=n)[cluster] + 0.5 * rng.normal(size=len(cluster))
    one, other = (
        (g * y + common + rng.normal(size=n)[cluster] + rng.normal(size=len(y))).round(decimals)
        for g in (1.5, 1.2)
    )
    return cluster, y, one, other


def kernel(y: np.ndarray, score: np.ndarray) -> np.ndarray:
    """DeLong's psi for every pair of a film of the class and another: (n_positive, n_others)."""
    x, o = score[y][:, None], score[~y][None]
    return (x > o) + 0.5 * (x == o)


def test_delong_against_its_definition_with_ties() -> None:
    for seed in range(5):
        _, y, one, other = films(seed, 60)
        k = [kernel(y, s) for s in (one, other)]
        v10, v01 = (np.stack([m.mean(axis=a) for m in k]) for a in (1, 0))
        cov = np.cov(v10) / v10.shape[1] + np.cov(v01) / v01.shape[1]
        error = (cov[0, 0] + cov[1, 1] - 2 * cov[0, 1]) ** 0.5
        found = delong(y, one, other)
        assert isinstance(found, AreaTest)
        assert (found.area, found.area_reference) == pytest.approx((k[0].mean(), k[1].mean()), abs=1e-12)
        assert found.standard_error == pytest.approx(error, rel=1e-10)
        alone = delong(y, one, other, np.arange(len(y)))
        assert alone == found


def test_clustered_delong_against_obuchowskis_formulas() -> None:
    """Obuchowski 1997: S10, S01 and S11 of both areas and between them, written out cluster by cluster."""
    for seed in range(3):
        cluster, y, one, other = films(10 + seed, 40)
        m, n, clusters = int(y.sum()), int((~y).sum()), np.unique(cluster)
        sums = []
        for score in (one, other):
            k = kernel(y, score)
            v10, v01, area = k.mean(axis=1), k.mean(axis=0), k.mean()
            sums.append(
                [
                    (
                        v10[cluster[y] == c].sum() - (y & (cluster == c)).sum() * area,
                        v01[cluster[~y] == c].sum() - (~y & (cluster == c)).sum() * area,
                    )
                    for c in clusters
                ]
            )
        a, b = (np.array(s) for s in sums)
        i10 = sum((y & (cluster == c)).any() for c in clusters)
        i01 = sum((~y & (cluster == c)).any() for c in clusters)
        i = len(clusters)

        def covariance(p: np.ndarray, q: np.ndarray) -> float:
            s10 = i10 / ((i10 - 1) * m) * (p[:, 0] * q[:, 0]).sum()  # noqa: B023
            s01 = i01 / ((i01 - 1) * n) * (p[:, 1] * q[:, 1]).sum()  # noqa: B023
            s11 = i / (i - 1) * (p[:, 0] * q[:, 1]).sum()  # noqa: B023
            s11_back = i / (i - 1) * (p[:, 1] * q[:, 0]).sum()  # noqa: B023
            return float(s10 / m + s01 / n + (s11 + s11_back) / (m * n))  # noqa: B023

        error = (covariance(a, a) + covariance(b, b) - 2 * covariance(a, b)) ** 0.5
        found = delong(y, one, other, cluster)
        assert isinstance(found, AreaTest)
        assert found.standard_error == pytest.approx(error, rel=1e-10)


def test_clustered_delong_against_the_bootstrap_of_clusters() -> None:
    cluster, y, one, other = films(20, 150, 3)
    found = delong(y, one, other, cluster)
    assert isinstance(found, AreaTest)
    rng, n = np.random.default_rng(0), int(cluster.max()) + 1
    rows = [np.flatnonzero(cluster == c) for c in range(n)]
    drawn = []
    for _ in range(600):
        k = np.concatenate([rows[c] for c in rng.integers(0, n, n)])
        drawn.append(kernel(y[k], one[k]).mean() - kernel(y[k], other[k]).mean())
    assert found.standard_error == pytest.approx(np.std(drawn), rel=0.1)
    alone = delong(y, one, other)
    assert isinstance(alone, AreaTest)
    assert found.standard_error > 1.05 * alone.standard_error


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (3, 0), (8, 1), (5, 5), (12, 7), (40, 61)])
def test_mcnemar_against_statsmodels(gained: int, lost: int) -> None:
    right = np.repeat([1, 0, 1, 0], [gained, lost, 20, 10])
    reference = np.repeat([0, 1, 1, 0], [gained, lost, 20, 10])
    found = mcnemar(right, reference)
    table = [[20, gained], [lost, 10]]
    assert found.p_exact == pytest.approx(wanted_mcnemar(table, exact=True).pvalue, abs=1e-12)
    assert (found.gained, found.lost) == (gained, lost)
    # mid-p is exact p less the chance of the observed table (Fagerland 2013, equation 4)
    if gained != lost:
        assert found.p_mid == pytest.approx(
            found.p_exact - stats.binom.pmf(min(gained, lost), gained + lost, 0.5)
        )


def test_clustered_mcnemar_of_single_films_is_mcnemars_up_to_its_factor() -> None:
    rng = np.random.default_rng(0)
    right, reference = rng.random(200) < 0.8, rng.random(200) < 0.7
    b, c = int((right & ~reference).sum()), int((~right & reference).sum())
    chi2 = wanted_mcnemar([[0, b], [c, 0]], exact=False, correction=False).statistic
    assert clustered_mcnemar(right, reference, np.arange(200)) == pytest.approx(
        stats.chi2.sf(chi2 * 199 / 200, 1), rel=1e-10
    )


def test_clustered_mcnemar_against_obuchowskis_formulas() -> None:
    """Obuchowski 1998: pooled variances and covariance of two proportions from clusters."""
    rng = np.random.default_rng(1)
    cluster = np.repeat(np.arange(50), rng.integers(1, 6, 50))
    luck = rng.normal(size=50)[cluster]
    right, reference = (luck + rng.normal(size=len(cluster)) > t for t in (-1.0, -0.6))
    n = len(cluster)
    size, x, z = (np.bincount(cluster, weights=w) for w in (np.ones(n), right, reference))
    pooled = (x.sum() + z.sum()) / (2 * n)
    factor = 50 / 49 / n**2
    variances = factor * ((x - size * pooled) ** 2).sum(), factor * ((z - size * pooled) ** 2).sum()
    covariance = factor * ((x - size * pooled) * (z - size * pooled)).sum()
    chi2 = ((x.sum() - z.sum()) / n) ** 2 / (sum(variances) - 2 * covariance)
    assert clustered_mcnemar(right, reference, cluster) == pytest.approx(stats.chi2.sf(chi2, 1), rel=1e-10)
