"""Units and trials that would be needed: statsmodels for films alone, the noncentral t for trials."""

import pytest
from scipy import stats
from statsmodels.stats.power import normal_sample_size_one_tail

from hilum.stats.difference import FilmPart, TrialPart, farther
from hilum.stats.sample_size import needed


@pytest.mark.parametrize(("difference", "alpha"), [(0.02, 0.05), (0.005, 0.05 / 9)])
def test_films_alone_against_statsmodels(difference: float, alpha: float) -> None:
    one_unit = 0.01 * 1000**0.5
    wanted = normal_sample_size_one_tail(difference, 0.8, alpha / 2, std_null=one_unit)
    assert needed(difference, FilmPart(0.01, 0.01), None, 1000, 1, alpha).units == pytest.approx(
        wanted, rel=1e-3
    )


def test_trials_that_vary_ask_for_more_films_and_then_for_more_trials() -> None:
    films = FilmPart(0.01, 0.01)
    alone = needed(0.03, films, None, 1000, 3, 0.05).units
    little = needed(0.03, films, TrialPart(0.002, 2), 1000, 3, 0.05)
    much = needed(0.03, films, TrialPart(0.02, 2), 1000, 3, 0.05)
    assert alone is not None
    assert little.units is not None
    assert little.units > alone
    assert much.units is None
    assert much.trials is not None
    # with so many trials, and no film chance, the power of Student's test is about .8
    n, deviation = much.trials, 0.02 * 3**0.5
    power = stats.nct.sf(stats.t.ppf(0.975, n - 1), n - 1, 0.03 / (deviation / n**0.5))
    assert power == pytest.approx(0.8, abs=0.06)


def test_film_chance_that_differs_between_trials_is_not_held_against_them() -> None:
    """All of s is film chance (own films): more films are enough."""
    found = needed(0.03, FilmPart(0.0, 0.01), TrialPart(0.01, 2), 1000, 3, 0.05)
    assert found.units is not None


def test_with_that_many_films_the_difference_would_stand_out() -> None:
    films = FilmPart(0.01, 0.01)
    units = needed(0.02, films, None, 1000, 1, 0.05).units
    assert units is not None
    error = 0.01 * (1000 / units) ** 0.5
    assert farther(0.02, FilmPart(error, error), None) == pytest.approx(
        2 * stats.norm.sf(1.959964 + 0.841621), rel=1e-2
    )
