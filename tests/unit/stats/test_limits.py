"""Limits near 0 and 1: by a slow and obvious search, by hand, and as rows of statistics."""

import numpy as np
import pytest

from film_statistics import film_statistics
from hilum.artifacts.statistics import MACRO
from hilum.stats.limits import area_limits, f1_limits, mean_limits, newcombe
from hilum.stats.proportions import clopper_pearson, wilson
from statistics_rows import find


@pytest.mark.parametrize(
    ("area", "m", "n"),
    [
        (1.0, 30, 60),
        (0.9, 10, 20),
        (0.0, 30, 60),
        (0.5, 1, 5),
        (1.0, 1, 1),
        (0.999, 1000, 20),
        (0.97, 3, 400),
    ],
)
def test_newcombe_is_all_areas_within_two_of_their_own_standard_errors(area: float, m: int, n: int) -> None:
    q = np.linspace(0, 1, 200_001)
    big = (m + n) / 2
    variance = q * (1 - q) * (1 + (big - 1) * (1 - q) / (2 - q) + (big - 1) * q / (1 + q)) / (m * n)
    inside = q[np.abs(area - q) <= 1.959964 * variance**0.5]
    assert newcombe(area, m, n) == pytest.approx((inside.min(), inside.max()), abs=2e-5)


def test_newcombe_at_any_level() -> None:
    ends = [newcombe(1.0, 30, 60, level)[0] for level in (1e-6, 0.5, 0.95, 0.999, 1 - 1e-12)]
    assert ends == sorted(ends, reverse=True)
    assert 0 <= ends[-1] < ends[0] <= 1


def test_f1_by_its_proportion() -> None:
    """TP 27, FP 2, FN 1: F1 = 54 / 57, F = 27 / 30."""
    low, high = clopper_pearson(27, 30)
    assert f1_limits(54 / 57, 30) == pytest.approx((2 * low / (1 + low), 2 * high / (1 + high)))


def test_pr_areas_have_wilsons_limits_of_the_films_of_the_class() -> None:
    for area in ("pr_auc", "average_precision"):
        assert area_limits(area, 0.9, 20, 300)(0.95) == wilson(18, 20)
    assert area_limits("roc_auc", 0.9, 20, 300)(0.95) == newcombe(0.9, 20, 300)


def test_a_mean_of_limits_by_hand() -> None:
    each = [lambda _: (0.8, 1.0), lambda _: (0.5, 0.9)]
    points = np.array([[0.9, 0.6], [0.9, 0.8]])
    assert mean_limits(each, points, apart=False)(0.95) == pytest.approx((0.65, 0.95))
    reach = np.hypot(0.1, 0.2) / 2
    assert mean_limits(each, points, apart=True)(0.95) == pytest.approx((0.8 - reach, 0.8 + reach))


def test_perfectly_separated_films_are_not_certainty() -> None:
    """30 films of the class and 60 others, all right: every row has room below 1, and says that events are few."""
    true = np.repeat([1, 0], [30, 60])
    p = np.where(true == 1, 0.9, 0.1)
    rows = film_statistics(true, np.stack([1 - p, p], axis=1), ["normal", "covid"], "covid", n_resamples=100)
    lows = {r.metric: round(r.low or 0, 4) for r in rows if r.class_ == "covid"}
    assert lows == {
        "sensitivity": 0.8843, "specificity": 0.9404, "strict_rate": 0.9404, "ppv": 0.8843, "npv": 0.9404, "f1": 0.9386,
        "accuracy": 0.9598, "roc_auc": 0.9503, "pr_auc": 0.8865, "average_precision": 0.8865,
    }  # fmt: skip
    known = [r for r in rows if r.estimate is not None]
    assert {r.class_ for r in known} == {"covid", MACRO, "all"}
    assert all(r.high == 1.0 and r.estimate == 1.0 and "few events" in r.note for r in known)
    roc = find(rows, "roc_auc", "covid")
    assert roc.method.endswith("never narrower than Newcombe's method 5")
    # balanced accuracy of two classes: their distances in squares, halved
    reach = np.hypot(1 - clopper_pearson(30, 30)[0], 1 - clopper_pearson(60, 60)[0]) / 2
    assert find(rows, "sensitivity", MACRO).low == pytest.approx(1 - reach)


def test_patients_count_as_their_effective_number() -> None:
    true = np.repeat([1, 0], [30, 60])
    p = np.where(true == 1, 0.9, 0.1)
    patient = np.arange(90) // 3
    rows = film_statistics(
        true,
        np.stack([1 - p, p], axis=1),
        ["normal", "covid"],
        "covid",
        clusters=patient,
        unit="patient",
        n_resamples=50,
    )
    assert find(rows, "roc_auc", "covid").low == pytest.approx(newcombe(1.0, 10, 20)[0], abs=1e-6)
    assert find(rows, "pr_auc", "covid").low == pytest.approx(wilson(10, 10)[0])
    assert find(rows, "f1", "covid").low == pytest.approx(f1_limits(1.0, 10)[0])


def test_errors_of_one_patient_are_one_event() -> None:
    """Twelve films missed, all of one patient: one event, not twelve."""
    true = np.repeat([1, 0], [120, 60])
    p = np.where(true == 1, 0.9, 0.1)
    p[:12] = 0.2
    patient = np.concatenate([np.zeros(12, int), np.arange(1, 169)])
    rows = film_statistics(
        true,
        np.stack([1 - p, p], axis=1),
        ["normal", "covid"],
        "covid",
        clusters=patient,
        unit="patient",
        n_resamples=50,
    )
    assert find(rows, "sensitivity", "covid").note.startswith("few events (1 error);")


def test_one_film_of_a_class_has_an_interval_and_says_how_little_it_knows() -> None:
    true = np.repeat([1, 0], [1, 60])
    p = np.where(true == 1, 0.9, 0.1)
    rows = film_statistics(true, np.stack([1 - p, p], axis=1), ["normal", "covid"], "covid", n_resamples=200)
    row = find(rows, "pr_auc", "covid")
    assert (row.low, row.high) == pytest.approx(wilson(1, 1))
    assert "none from resamples: undefined in" in row.note
