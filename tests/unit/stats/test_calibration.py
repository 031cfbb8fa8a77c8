"""Operating points by hand; temperatures and errors with known answers."""

import numpy as np
import pytest

from hilum.core.errors import InputError
from hilum.stats.calibration import (
    apply_temperature,
    choose_threshold,
    expected_calibration_error,
    fit_temperature,
    reliability,
)

TRUE = [0, 0, 0, 0, 1, 0, 1, 1, 1, 1]
SCORE = [0.05, 0.1, 0.2, 0.3, 0.35, 0.4, 0.6, 0.7, 0.8, 0.9]


@pytest.mark.parametrize(
    ("rule", "threshold", "sensitivity", "specificity"),
    [
        ("youden", 0.325, 1.0, 0.8),  # ties with 0.5 (0.8 + 1.0): the lower, more sensitive one
        ("sensitivity>=0.95", 0.325, 1.0, 0.8),
        ("sensitivity >= 0.8", 0.5, 0.8, 1.0),
        ("sensitivity>=0.5", 0.5, 0.8, 1.0),  # as specific, and more sensitive than asked
        ("specificity>=0.9", 0.5, 0.8, 1.0),
        ("specificity>=0.8", 0.325, 1.0, 0.8),
        ("specificity>=.5", 0.325, 1.0, 0.8),  # as sensitive, and more specific than asked
    ],
)
def test_rules(rule: str, threshold: float, sensitivity: float, specificity: float) -> None:
    point = choose_threshold(TRUE, SCORE, rule)
    assert point.threshold == pytest.approx(threshold)
    assert (point.sensitivity, point.specificity, point.n, point.n_positive) == (
        sensitivity,
        specificity,
        10,
        5,
    )


def test_the_threshold_gives_what_it_says_and_survives_rounding() -> None:
    rng = np.random.default_rng(0)
    true = rng.random(500) < 0.3
    score = np.clip(rng.normal(0.4 + 0.3 * true, 0.2), 0, 1)
    for rule in ("youden", "sensitivity>=0.9", "specificity>=0.9"):
        point = choose_threshold(true, score, rule)
        said = score >= point.threshold
        assert said[true].mean() == pytest.approx(point.sensitivity, abs=1e-12)
        assert (~said[~true]).mean() == pytest.approx(point.specificity, abs=1e-12)
        assert ((score.round(7) >= point.threshold) == said).all()


def test_calling_nobody_positive_is_a_last_resort_and_a_real_threshold() -> None:
    point = choose_threshold([0, 1], [1.0, 0.5], "specificity>=1")
    assert point.threshold > 1
    assert (point.sensitivity, point.specificity) == (0.0, 1.0)
    assert choose_threshold([0, 1], [0.0, 0.0], "sensitivity>=1").threshold == 0.0


@pytest.mark.parametrize(
    ("true", "score", "rule", "message"),
    [
        ([0, 1], [0.1, 0.2], "yuoden", "unknown rule 'yuoden'.*known: 'youden'"),
        ([0, 1], [0.1, 0.2], "sensitivity>=95", "unknown rule"),
        ([0, 1], [0.1, 2.0], "youden", r"probabilities in 0 \.\. 1"),
        ([1, 1], [0.1, 0.2], "youden", "films of both sides; got 2 positive, 0 other"),
    ],
)
def test_wrong_input_is_named(true: list[int], score: list[float], rule: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        choose_threshold(true, score, rule)


def test_a_known_temperature_is_found() -> None:
    rng = np.random.default_rng(1)
    honest = rng.normal(size=(20000, 4)) * 2
    p = apply_temperature(honest, 1.0)
    true = (p.cumsum(axis=1) < rng.random((20000, 1))).sum(axis=1)
    found = fit_temperature(3.0 * honest, true)
    assert found.value == pytest.approx(3.0, rel=0.03)
    assert found.nll_after < found.nll_before
    assert not found.at_bound
    # where the likelihood is flat in 1 / T the mean logit of the truth equals its expectation
    q = apply_temperature(3.0 * honest, found.value)
    assert honest[np.arange(20000), true].mean() == pytest.approx((q * honest).sum(axis=1).mean(), abs=1e-5)
    assert (
        expected_calibration_error(true, q)
        < 0.015
        < expected_calibration_error(true, apply_temperature(3 * honest, 1))
    )


def test_films_that_are_all_right_have_no_temperature() -> None:
    sharpest = fit_temperature(np.eye(3), [0, 1, 2])
    assert (sharpest.value, sharpest.at_bound) == (pytest.approx(0.01), True)
    flattest = fit_temperature(np.eye(3), [1, 2, 0])
    assert (flattest.value, flattest.at_bound) == (pytest.approx(100.0), True)


def test_log_probabilities_do_as_well_as_logits() -> None:
    rng = np.random.default_rng(2)
    logits, true = rng.normal(size=(300, 3)), rng.integers(0, 3, 300)
    logs = np.log(apply_temperature(logits, 1.0))
    assert fit_temperature(logs, true).value == pytest.approx(fit_temperature(logits, true).value, rel=1e-5)


def test_bins_are_closed_below_and_one_goes_into_the_last() -> None:
    bins = reliability([0.0, 0.5, 0.5, 1.0], [0, 1, 0, 1], n_bins=2)
    assert bins.n.tolist() == [1, 3]
    assert bins.confidence.tolist() == pytest.approx([0.0, 2 / 3])
    assert bins.expected_error == pytest.approx(0.0)


def test_an_empty_bin_has_no_weight() -> None:
    bins = reliability([0.9, 0.9], [1, 0], n_bins=10)
    assert np.isnan(bins.accuracy[0])
    assert bins.expected_error == pytest.approx(0.4)
