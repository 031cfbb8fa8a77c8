"""Conformal thresholds: the rule by patient, what too few patients give, and coverage of exchangeable patients."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from hilum.core.errors import InputError
from hilum.stats.conformal import (
    NO_CLASS,
    chosen_limits,
    class_limits,
    patient_weights,
    patients_needed,
    set_text,
    sets_of,
    upper_limit,
)


@given(st.integers(1, 60), st.integers(0, 10**6), st.sampled_from([80, 90, 95]))
@settings(max_examples=60, deadline=None)
def test_with_one_film_a_patient_it_is_the_usual_order_statistic(n: int, seed: int, level: int) -> None:
    scores = np.random.default_rng(seed).random(n)
    rank = -(-(n + 1) * level // 100)  # whole numbers: exact
    expected = np.sort(scores)[rank - 1] if rank <= n else math.inf
    assert upper_limit(scores, np.arange(n), level) == expected
    assert math.isinf(upper_limit(scores, np.arange(n), level)) is (n < patients_needed(level))


def test_a_patient_with_many_films_weighs_as_one() -> None:
    scores, patients = np.arange(1.0, 20.0), np.arange(19)
    assert upper_limit(scores, patients, 90) == 18.0
    many = np.concatenate([scores, np.full(500, 1000.0)])
    of = np.concatenate([patients, np.full(500, 19)])
    # 20 patients, the one to come makes 21: .9 * 21 = 18.9, reached by the 19th; by films it would be 1000
    assert upper_limit(many, of, 90) == 19.0
    assert patient_weights(of).sum() == pytest.approx(20)


def test_a_class_of_too_few_patients_is_in_every_set() -> None:
    true = np.array([0] * 30 + [1] * 10)
    p = np.linspace(0.01, 0.99, 40)
    score = np.stack([p, 1 - p], axis=1)
    limits = class_limits(true, score, np.arange(40), 95)
    assert limits[0] == p[0]  # 31 * .95 = 29.45 patients are reached by the 30th
    assert limits[1] is None


def test_a_class_of_too_few_patients_is_told_in_what_a_bundle_keeps() -> None:
    kept = chosen_limits([0] * 9 + [1] * 8, np.full((17, 2), 0.5), np.arange(17), ("covid", "normal"))
    assert kept["n_patients"] == {"covid": 9, "normal": 8}
    assert kept["least"] == {"90": {"covid": 0.5, "normal": None}, "95": {"covid": None, "normal": None}}


def test_sets_hold_the_class_at_its_threshold_and_may_be_empty() -> None:
    held = sets_of([[0.5, 0.5], [0.4, 0.6], [0.45, 0.55]], [0.5, 0.6])
    assert [set_text(h, ("covid", "normal")) for h in held] == ["covid", "normal", NO_CLASS]


def test_scores_that_are_not_finite_are_refused() -> None:
    with pytest.raises(InputError, match="expected a finite score and a patient a film"):
        upper_limit([0.1, np.nan], ["a", "b"], 90)


@pytest.mark.parametrize("level", [90, 95])
def test_exchangeable_patients_are_covered_as_often_as_promised(level: int) -> None:
    """Patients of 1 to 6 films that are alike within a patient; a film drawn from each of many new patients, in 400 worlds.

    The truth of a world varies with its validation patients; over worlds the mean is at least the level, and at most by 1 / (n + 1) above.
    """
    rng = np.random.default_rng(11)
    worlds, n, new = 400, 60, 40
    covered = 0
    for _ in range(worlds):
        sizes = rng.integers(1, 7, n)
        patients = np.repeat(np.arange(n), sizes)
        # large patients are harder, so weighing films alone would promise too much of the wrong thing
        own = rng.normal(size=n) + 0.3 * sizes
        limit = upper_limit(own[patients] + 0.3 * rng.normal(size=len(patients)), patients, level)
        fresh_sizes = rng.integers(1, 7, new)
        fresh = rng.normal(size=new) + 0.3 * fresh_sizes + 0.3 * rng.normal(size=new)
        covered += int((fresh <= limit).sum())
    total = worlds * new
    # films of a world share a threshold: a world counts as few films, with beta-binomial spread of its coverage
    share, spread = covered / total, math.sqrt(level * (100 - level)) / 100 / math.sqrt(n + 2)
    error = math.sqrt(spread**2 / worlds + level * (100 - level) / 1e4 / total)
    assert level / 100 - 4 * error < share < level / 100 + 1 / (n + 1) + 4 * error
    assert binom.sf(covered, total, level / 100 - 0.02) < 1e-6
