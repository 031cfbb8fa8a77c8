"""Coverage of intervals of areas, F1 and macro averages near 1, by simulation of films of known truth: a short check, and the table (slow).

Scores are binormal: normal, those of the class moved by mu, so that the ROC area is Phi(mu / sqrt 2) and the PR area an integral. Patients
have one to four films that share .8 of their scores' variance. Each test prints its rates.
"""

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm

from film_statistics import film_statistics
from hilum.artifacts.comparisons import Pair
from hilum.artifacts.statistics import MACRO
from hilum.stats.comparison import Cells
from hilum.stats.confusion import predicted_class
from hilum.stats.scored_films import ScoredFilms
from statistics_rows import find

AREAS = ("roc_auc", "pr_auc", "average_precision")
LEAST = 0.93
RESAMPLES = 400


def mu_of(area: float) -> float:
    return float(norm.ppf(area)) * 2**0.5 if area < 1 else 60.0


def pr_area(mu: float, share: float) -> float:
    x = np.linspace(mu + 9, -9, 40_001)
    recall, other = norm.sf(x - mu), norm.sf(x)
    precision = share * recall / np.maximum(share * recall + (1 - share) * other, 1e-300)
    precision[0] = 1.0
    return float((np.diff(recall) * (precision[1:] + precision[:-1]) / 2).sum())


def scores(
    rng: np.random.Generator, n: int, others: int, mu: float, patients: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """True classes, scores in 0 .. 1, and patients."""
    true = np.repeat([1, 0], [n, others])
    unit = np.arange(n + others)
    if patients:
        parts = [np.repeat(np.arange(k), rng.integers(1, 5, k))[:k] for k in (n, others)]
        unit = np.concatenate([parts[0], n + parts[1]])
    shared = 0.8 if patients else 0.0
    z = shared**0.5 * rng.normal(size=n + others)[unit] + (1 - shared) ** 0.5 * rng.normal(size=n + others)
    return true, expit(z + mu * (true - 0.5)), unit


def coverage(area: float, n: int, others: int, patients: bool, repeats: int) -> dict[str, float]:
    rng = np.random.default_rng([n, others, int(1e4 * area), patients])
    mu = mu_of(area)
    truth = {"roc_auc": area, "pr_auc": pr_area(mu, n / (n + others)) if area < 1 else 1.0}
    truth["average_precision"] = truth["pr_auc"]
    held = dict.fromkeys(AREAS, 0)
    for repeat in range(repeats):
        true, p, unit = scores(rng, n, others, mu, patients)
        rows = film_statistics(
            true,
            np.stack([1 - p, p], axis=1),
            ["normal", "covid"],
            "covid",
            clusters=unit,
            seed=repeat,
            n_resamples=RESAMPLES,
        )
        for metric in AREAS:
            row = find(rows, metric, "covid")
            assert row.low is not None
            assert row.high is not None
            held[metric] += row.low - 1e-9 <= truth[metric] <= row.high + 1e-9
    return {m: k / repeats for m, k in held.items()}


@pytest.mark.parametrize(
    ("area", "n", "others", "patients"), [(0.99, 15, 45, False), (0.999, 30, 60, False), (0.95, 30, 60, True)]
)
def test_areas_near_one_are_held(area: float, n: int, others: int, patients: bool) -> None:
    """A percentile bootstrap alone holds the ROC area in .73, .53 and .82 of these studies."""
    found = coverage(area, n, others, patients, 100)
    print(f"area {area}, {n} of the class, {others} others, patients {patients}: {found}")
    assert min(found.values()) >= LEAST


@pytest.mark.slow
@pytest.mark.parametrize("patients", [False, True], ids=["films", "patients"])
@pytest.mark.parametrize("n", [10, 15, 30, 60])
@pytest.mark.parametrize("area", [0.8, 0.9, 0.95, 0.99, 1.0])
def test_areas_are_held_everywhere(area: float, n: int, patients: bool) -> None:
    found = coverage(area, n, 3 * n, patients, 1000)
    print(f"area {area}, {n} of the class, {3 * n} others, patients {patients}: {found}")
    assert min(found.values()) >= LEAST


@pytest.mark.parametrize("repeats", [60, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("level", [3.0, 4.5])
def test_f1_and_macro_averages_of_good_models_are_held(level: float, repeats: int) -> None:
    """Three classes of 20, 30 and 40 films; the truth is that of 300 000 films."""

    def draw(rng: np.random.Generator, counts: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        true = np.repeat(np.arange(3), counts)
        z = rng.normal(size=(len(true), 3))
        z[np.arange(len(true)), true] += level
        return true, np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)

    names, counts = ["covid", "normal", "viral"], (20, 30, 40)
    wanted = [("f1", "covid"), ("f1", MACRO), ("sensitivity", MACRO), ("roc_auc", MACRO), ("pr_auc", MACRO)]
    many = film_statistics(
        *draw(np.random.default_rng(0), tuple(2500 * c for c in counts)), names, "covid", n_resamples=2
    )
    truth = {key: find(many, *key).estimate for key in wanted}
    rng, held = np.random.default_rng(int(10 * level)), dict.fromkeys(wanted, 0)
    for repeat in range(repeats):
        rows = film_statistics(*draw(rng, counts), names, "covid", seed=repeat, n_resamples=RESAMPLES)
        for key in wanted:
            row = find(rows, *key)
            held[key] += row.low <= truth[key] <= row.high  # type: ignore[operator]
    print(
        f"log-odds {level}: "
        + ", ".join(f"{m} {c} {truth[m, c]:.4f} held in {k / repeats:.3f}" for (m, c), k in held.items())
    )
    assert min(held.values()) / repeats >= (0.93 if repeats > 100 else 0.88)


@pytest.mark.parametrize("repeats", [40, pytest.param(1000, marks=pytest.mark.slow)])
def test_equal_rankings_near_one_are_seldom_told_apart(repeats: int) -> None:
    """Two trained models of equal skill, films shared: p < .05 in at most .05 of studies, and the interval holds 0."""
    rng = np.random.default_rng(9)
    n, others, mu = 15, 45, mu_of(0.97)
    true, ids = np.repeat([1, 0], [n, others]), [str(k) for k in range(n + others)]
    false = dict.fromkeys(AREAS, 0)
    for repeat in range(repeats):
        film = rng.normal(size=n + others)
        cells = {}
        for name in "ab":
            p = expit(0.6**0.5 * film + 0.4**0.5 * rng.normal(size=n + others) + mu * true)
            cells[name] = [ScoredFilms(true, np.stack([1 - p, p], axis=1), ids, ids)]
        counted = Cells(cells, ["normal", "covid"], "covid", AREAS, seed=repeat, n_resamples=RESAMPLES)
        for row in counted.compare("f", [Pair("a", "b", "")], AREAS):
            assert row.p is not None
            assert (row.p < 0.05) == (not row.low_one <= 0 <= row.high_one)  # type: ignore[operator]
            false[row.metric] += row.p < 0.05
    print({m: k / repeats for m, k in false.items()})
    assert max(false.values()) / repeats <= 0.05 + 3 * (0.05 * 0.95 / repeats) ** 0.5


def test_two_perfect_cells_do_not_differ_by_exactly_nothing() -> None:
    n, others = 30, 60
    true, ids = np.repeat([1, 0], [n, others]), [str(k) for k in range(n + others)]
    p = np.where(true == 1, 0.9, 0.1)
    said = predicted_class(np.stack([1 - p, p], axis=1))
    assert (said == true).all()
    cells = {c: [ScoredFilms(true, np.stack([1 - p, p], axis=1), ids, ids)] * 2 for c in "ab"}
    metrics = ["sensitivity", "ppv", "f1", "roc_auc", "pr_auc", "average_precision"]
    counted = Cells(cells, ["normal", "covid"], "covid", metrics, n_resamples=100)
    for row in counted.compare("f", [Pair("a", "b", "")], metrics):
        assert (row.estimate, row.p, row.verdict) == (0.0, 1.0, "not distinguishable")
        assert row.low_one < -0.03, row.metric  # type: ignore[operator]
        assert row.high_one > 0.03, row.metric  # type: ignore[operator]
        assert "few" in row.note
