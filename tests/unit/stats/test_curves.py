"""Curves at their edges; agreement with scikit-learn is in tests/oracles."""

import numpy as np
import pytest

from hilum.artifacts.evaluation import Points
from hilum.core.errors import InputError
from hilum.stats.confusion import Undefined
from hilum.stats.curves import average_precision, pr_auc, pr_curve, roc_auc, roc_curve, thin


def test_one_tie_of_all_films_is_the_prevalence() -> None:
    true, score = [1, 0, 0, 0], [0.5] * 4
    assert average_precision(true, score) == 0.25
    assert roc_auc(true, score) == 0.5
    assert pr_auc(true, score) == (1 + 0.25) / 2  # one trapezoid from (0, 1) to (1, prevalence)


def test_a_perfect_ranking() -> None:
    true, score = [0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4]
    assert (pr_auc(true, score), average_precision(true, score), roc_auc(true, score)) == (1.0, 1.0, 1.0)


def test_films_of_one_side_only() -> None:
    assert pr_auc([0, 0], [0.1, 0.2]) == Undefined("no film of the class")
    assert roc_auc([1, 1], [0.1, 0.2]) == Undefined("no film of another class")
    assert roc_auc([], []) == Undefined("no film of the class")
    assert average_precision([1, 1], [0.1, 0.2]) == 1.0  # every film called is right: sklearn's answer too


@pytest.mark.parametrize(
    ("true", "score", "message"),
    [
        ([0, 1], [0.1, float("nan")], "position 1: a score is not finite"),
        ([0, 2], [0.1, 0.2], "expected labels 0 and 1"),
        ([0, 1], [0.1], "as many labels as scores"),
    ],
)
def test_wrong_input_is_named(true: list[int], score: list[float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        pr_curve(true, score)


def noisy(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    true = rng.random(n) < 0.2
    return true, rng.normal(size=n) + 1.5 * true


@pytest.mark.parametrize("curve_of", [pr_curve, roc_curve])
def test_thinning_keeps_the_ends_and_the_shape(curve_of: object) -> None:
    whole = curve_of(*noisy(8296))  # type: ignore[operator]
    assert isinstance(whole, Points)
    few = thin(whole)
    assert len(few.x) <= 400
    assert (few.x[0], few.y[0], few.x[-1], few.y[-1]) == (whole.x[0], whole.y[0], whole.x[-1], whole.y[-1])
    kept = set(zip(few.x.tolist(), few.y.tolist(), strict=True))
    assert kept <= set(zip(whole.x.tolist(), whole.y.tolist(), strict=True))
    assert abs(np.trapezoid(few.y, few.x) - np.trapezoid(whole.y, whole.x)) < 2e-4
    assert distance_to_drawing(whole, few).max() < 0.002  # of the side of the plot: a pixel in 500


def distance_to_drawing(whole: Points, drawn: Points) -> np.ndarray:
    p = np.stack([whole.x, whole.y], axis=1)[:, None]
    a, b = (np.stack([drawn.x[s], drawn.y[s]], axis=1)[None] for s in (slice(0, -1), slice(1, None)))
    along = np.clip(((p - a) * (b - a)).sum(2) / ((b - a) ** 2).sum(2), 0, 1)
    return np.linalg.norm(p - a - along[..., None] * (b - a), axis=2).min(axis=1)


def test_thinning_leaves_a_short_curve_alone_but_for_points_on_its_lines() -> None:
    curve = Points(np.array([0.0, 0.25, 0.5, 1.0]), np.array([1.0, 0.75, 0.5, 0.8]))
    assert thin(curve).x.tolist() == [0.0, 0.5, 1.0]


def test_a_curve_needs_its_ends() -> None:
    with pytest.raises(InputError, match="at least its two ends"):
        thin(Points(np.arange(3.0), np.arange(3.0)), 1)
