"""Intervals of reader minus model against Newcombe's for paired proportions and a plain bootstrap of patients."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from hilum.serve.review.against_model import ReaderTest, reader_tests
from hilum.stats.scored_films import ScoredFilms

CLASSES = ("covid", "normal")


def newcombe(both: int, one: int, other: int, neither: int) -> tuple[float, float]:
    """Method 10 of Newcombe (1998, Statist. Med. 17:2635): Wilson's limits of each, joined with their corrected correlation."""
    n = both + one + other + neither
    p, q = (both + one) / n, (both + other) / n
    (p_low, p_high), (q_low, q_high) = (
        proportion_confint(k, n, method="wilson") for k in (both + one, both + other)
    )
    tipped = both * neither - one * other
    corrected = max(0.0, tipped - n / 2) if tipped > 0 else tipped
    below = (both + one) * (other + neither) * (both + other) * (one + neither)
    phi = corrected / below**0.5 if below else 0.0

    def joined(a: float, b: float) -> float:
        return float((a * a - 2 * phi * a * b + b * b) ** 0.5)

    return p - q - joined(p - p_low, q_high - q), p - q + joined(q - q_low, p_high - p)


def test_newcombes_interval_is_the_published_one() -> None:
    """Airway hyper-responsiveness of 21 children, in Fagerland, Lydersen & Laake (2014, Statist. Med. 33:2850)."""
    assert newcombe(1, 1, 7, 12) == (pytest.approx(-0.507, abs=5e-4), pytest.approx(-0.026, abs=5e-4))


def accuracy(right: np.ndarray, of_model: np.ndarray, patient: np.ndarray, others: int = 0) -> ReaderTest:
    """The row of a reader's accuracy, of whether reader and model are right; beside other readers who say what the model says."""
    label = np.arange(len(right)) % 2
    ids = [f"a/{k:04d}" for k in range(len(right))]

    def films(is_right: np.ndarray) -> ScoredFilms:
        return ScoredFilms(label, np.eye(2)[np.where(is_right, label, 1 - label)], patient, ids)

    pairs = {"A": (films(right), films(of_model))}
    pairs |= {f"other {k}": (films(of_model), films(of_model)) for k in range(others)}
    return next(
        t
        for t in reader_tests(pairs, CLASSES, "covid", "patient")
        if (t.reader, t.metric) == ("A", "accuracy")
    )


def of_table(both: int, one: int, other: int, neither: int, others: int = 0) -> ReaderTest:
    counts = (both, one, other, neither)
    right, of_model = (np.repeat(v, counts) for v in ([True, True, False, False], [True, False, True, False]))
    found = accuracy(right, of_model, np.array([f"p{k}" for k in range(sum(counts))]), others)
    assert (found.gained, found.lost) == (one, other)
    return found


@pytest.mark.parametrize(
    "table", [(150, 25, 12, 13), (300, 40, 40, 20), (60, 14, 30, 16), (400, 60, 20, 120)]
)
def test_where_films_are_many_the_interval_is_near_newcombes(table: tuple[int, int, int, int]) -> None:
    found, (low, high) = of_table(*table), newcombe(*table)
    assert found.estimate == pytest.approx((table[1] - table[2]) / sum(table))
    assert (found.low_one, found.high_one) == (
        pytest.approx(low, abs=0.08 * (high - low)),
        pytest.approx(high, abs=0.08 * (high - low)),
    )


@pytest.mark.parametrize("table", [(90, 5, 1, 4), (60, 0, 0, 0), (40, 7, 0, 3)])
def test_where_few_films_differ_the_interval_is_no_narrower_than_newcombes(
    table: tuple[int, int, int, int],
) -> None:
    found, (low, high) = of_table(*table), newcombe(*table)
    assert found.low_one is not None
    assert found.high_one is not None
    assert found.high_one - found.low_one > 0.95 * (high - low)
    assert found.low_one < found.estimate < found.high_one


def test_the_interval_resamples_patients_and_not_films() -> None:
    rng = np.random.default_rng(9)
    patient = np.repeat(np.arange(60), 4)
    easy = rng.normal(size=60)[patient]  # films of a patient are alike
    right, of_model = (easy + rng.normal(size=240) + shift > -0.8 for shift in (0.4, 0.0))
    found = accuracy(right, of_model, np.array([f"p{k:02d}" for k in patient]))
    tipped = (right.astype(int) - of_model).reshape(60, 4).mean(axis=1)
    plain = tipped[rng.integers(0, 60, (50_000, 60))].mean(axis=1)
    assert found.low_one is not None
    assert found.high_one is not None
    assert found.high_one - found.low_one == pytest.approx(2 * 1.959964 * plain.std(), rel=0.06)
    assert (found.low_one, found.high_one) == (
        pytest.approx(np.quantile(plain, 0.025), abs=0.008),
        pytest.approx(np.quantile(plain, 0.975), abs=0.008),
    )
    assert (found.low, found.high) == (found.low_one, found.high_one)  # of one reader they are the same


def test_the_interval_for_all_readers_together_is_bonferronis() -> None:
    alone, among = of_table(150, 25, 12, 13), of_table(150, 25, 12, 13, others=4)
    assert (alone.low_one, alone.high_one) == (among.low_one, among.high_one)
    assert among.low is not None
    assert among.high is not None
    assert alone.low is not None
    assert alone.high is not None
    assert (among.high - among.low) / (alone.high - alone.low) == pytest.approx(2.5758 / 1.95996, rel=1e-4)
