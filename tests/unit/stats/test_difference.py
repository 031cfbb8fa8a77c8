"""The error of a difference: its sum against simulation and its limits, parts against numpy, intervals against p."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hilum.stats.difference import (
    FilmPart,
    ResampledTest,
    TrialPart,
    farther,
    film_part,
    reach_at,
    trial_part,
)

parts = st.floats(1e-4, 0.2)
quick = settings(max_examples=60, deadline=None)


def test_without_trials_it_is_the_normal_test() -> None:
    assert farther(0.02, FilmPart(0.01, 0.01), None) == pytest.approx(2 * stats.norm.sf(2), rel=1e-12)
    low, high = ResampledTest(0.02, FilmPart(0.01, 0.01), None).interval(0.95)
    assert (low, high) == pytest.approx((0.02 - 1.959964 * 0.01, 0.02 + 1.959964 * 0.01), abs=1e-8)


def test_without_films_it_is_the_paired_t_test() -> None:
    a, b = np.array([0.95, 0.91, 0.96]), np.array([0.90, 0.90, 0.92])
    wanted = stats.ttest_rel(a, b)
    trials = trial_part(a, b)
    assert trials is not None
    test = ResampledTest(float((a - b).mean()), FilmPart(0.0, 0.0), trials)
    assert test.p() == pytest.approx(wanted.pvalue, rel=1e-9)
    ends = wanted.confidence_interval(0.95)
    assert test.interval(0.95) == pytest.approx((ends.low, ends.high), rel=1e-7)


def test_other_numbers_of_trials_are_welchs_test() -> None:
    a, b = np.array([0.95, 0.91, 0.96]), np.array([0.90, 0.93])
    wanted = stats.ttest_ind(a, b, equal_var=False)
    trials = trial_part(a, b)
    assert trials is not None
    assert trials.df == pytest.approx(wanted.df)
    assert farther(abs(a.mean() - b.mean()), FilmPart(0, 0), trials) == pytest.approx(wanted.pvalue, rel=1e-9)
    assert trial_part(a, b[:1]) is None


@pytest.mark.parametrize(
    ("a", "b", "df", "x"), [(1, 1, 2, 5), (1, 0.01, 2, 2), (0.01, 1, 1, 30), (1, 0.5, 4, 1)]
)
def test_the_sum_against_simulation(a: float, b: float, df: float, x: float) -> None:
    rng = np.random.default_rng(0)
    drawn = np.abs(a * rng.normal(size=400_000) + b * rng.standard_t(df, 400_000)) > x
    wanted = drawn.mean()
    assert farther(x, FilmPart(a, a), TrialPart(b, df)) == pytest.approx(
        wanted, abs=4 * drawn.std() / 400_000**0.5
    )


@quick
@given(parts, parts, st.sampled_from([1.0, 2.0, 4.0]), st.floats(0.5, 0.999))
def test_interval_and_p_agree(film: float, trial: float, df: float, level: float) -> None:
    films, trials = FilmPart(film, film), TrialPart(trial, df)
    reach = reach_at(level, films, trials)
    assert farther(reach, films, trials) == pytest.approx(1 - level, rel=1e-4)


@quick
@given(parts, parts, st.floats(0, 1), st.floats(-0.5, 0.5))
def test_it_is_never_surer_than_the_films_alone(
    alone: float, trial: float, share: float, estimate: float
) -> None:
    films = FilmPart(alone * share, alone)
    test, plain = (ResampledTest(estimate, films, t) for t in (TrialPart(trial * 1e-3, 2), None))
    assert test.p() >= plain.p() - 1e-12
    low, high = test.interval(0.95)
    assert low <= plain.interval(0.95)[0] + 1e-12
    assert high >= plain.interval(0.95)[1] - 1e-12


def test_the_films_part_tells_common_from_own() -> None:
    """Three trials: common variance 4, own variance 9 each."""
    rng = np.random.default_rng(1)
    draws = 2 * rng.normal(size=200_000) + 3 * rng.normal(size=(3, 200_000))
    found = film_part(draws, np.zeros_like(draws))
    assert found.common == pytest.approx(2, rel=0.01)
    assert found.alone == pytest.approx(7**0.5, rel=0.01)
    assert film_part(draws[:1], np.zeros((1, 200_000))).common == pytest.approx(13**0.5, rel=0.01)


def test_what_both_cells_share_cancels_also_with_other_numbers_of_trials() -> None:
    rng = np.random.default_rng(2)
    shared = 5 * rng.normal(size=200_000)
    one, other = (shared + rng.normal(size=(n, 200_000)) for n in (3, 2))
    found = film_part(one, other)
    assert found.common == pytest.approx(0, abs=0.1)
    assert found.alone == pytest.approx((1 / 3 + 1 / 2) ** 0.5, rel=0.01)


def test_no_difference_has_p_1() -> None:
    assert ResampledTest(0.0, FilmPart(0.0, 0.0), TrialPart(0.0, 2)).p() == 1.0
    assert ResampledTest(0.0, FilmPart(0.01, 0.01), None).p() == 1.0
