"""Dice is F1 of the pixels; its mean and 5th percentile have intervals over patients."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import bootstrap
from sklearn.metrics import f1_score

from hilum.core.seeding import generator
from hilum.segment.score import dice, dice_by_source

MASK = arrays(np.uint8, (4, 5), elements=st.sampled_from([0, 127, 128, 255]))


@settings(deadline=None, max_examples=50)
@given(MASK, MASK)
def test_dice_is_f1_of_the_pixels(a, b):
    truth, found = (b > 127).ravel(), (a > 127).ravel()
    assert dice(a, b) == pytest.approx(f1_score(truth, found, zero_division=1.0))
    assert dice(a, b) == dice(b, a)
    assert dice(a, a) == 1.0


def test_films_of_their_own_patients_have_the_plain_bootstrap_s_interval():
    scores = generator(1, "dice").beta(20, 2, 80)
    (row,) = dice_by_source(scores, ["s"] * 80, [str(k) for k in range(80)])
    other = bootstrap((scores,), np.mean, n_resamples=4000, method="percentile", rng=1).confidence_interval
    assert (row.source, row.n_films, row.n_patients) == ("s", 80, 80)
    assert row.mean == pytest.approx(scores.mean(), abs=1e-4)
    assert row.fifth == pytest.approx(np.quantile(scores, 0.05), abs=1e-4)
    assert row.mean_interval == pytest.approx([other.low, other.high], abs=0.002)
    assert row.fifth_interval[0] <= row.fifth <= row.fifth_interval[1]


def test_a_patient_s_films_are_drawn_together():
    scores = np.repeat([0.8, 0.9, 0.95, 0.99], 20)
    names = np.repeat(list("abcd"), 20)
    (one,) = dice_by_source(scores, ["s"] * 80, names.tolist())
    (own,) = dice_by_source(scores, ["s"] * 80, [str(k) for k in range(80)])
    assert one.n_patients == 4
    assert np.ptp(one.mean_interval) > 3 * np.ptp(own.mean_interval)


def test_sources_do_not_mix_and_the_order_of_films_makes_no_difference():
    scores, sources = [0.5, 0.9, 0.7, 0.8], ["a", "b", "a", "b"]
    rows = dice_by_source(scores, sources, list("1234"))
    assert [(r.source, r.mean) for r in rows] == [("a", 0.6), ("b", 0.85)]
    assert rows == dice_by_source(scores[::-1], sources[::-1], list("4321"))
