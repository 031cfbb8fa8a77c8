"""Kappas against scikit-learn and statsmodels, their errors against statsmodels and against leaving clusters out."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from hilum.core.errors import InputError
from hilum.stats.agreement import Agreement, cohen_kappa, fleiss_kappa
from hilum.stats.confusion import Undefined
from needs import needed_module

inter_rater = needed_module("statsmodels.stats.inter_rater")


def readings(seed: int, n: int, n_readers: int, k: int, agree: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, k, n)
    return np.stack(
        [np.where(rng.random(n) < agree, truth, rng.integers(0, k, n)) for _ in range(n_readers)], axis=1
    )


@pytest.mark.parametrize(("seed", "n", "k", "agree"), [(1, 60, 2, 0.5), (2, 200, 4, 0.7), (3, 31, 3, 0.1)])
def test_cohens_kappa_and_its_error_are_those_of_two_libraries(
    seed: int, n: int, k: int, agree: float
) -> None:
    a, b = readings(seed, n, 2, k, agree).T
    found = cohen_kappa(a, b, k)
    assert isinstance(found, Agreement)
    table = np.bincount(a * k + b, minlength=k * k).reshape(k, k)
    theirs = inter_rater.cohens_kappa(table)
    assert found.kappa == pytest.approx(cohen_kappa_score(a, b), abs=1e-12)
    assert found.standard_error == pytest.approx(theirs.std_kappa, abs=1e-12)
    assert (found.low, found.high) == pytest.approx((theirs.kappa_low, theirs.kappa_upp), abs=1e-12)


@pytest.mark.parametrize(("seed", "n", "m", "k"), [(4, 80, 3, 3), (5, 150, 5, 4), (6, 40, 2, 2)])
def test_fleiss_kappa_is_that_of_statsmodels(seed: int, n: int, m: int, k: int) -> None:
    said = readings(seed, n, m, k, 0.6)
    counts = np.stack([(said == c).sum(1) for c in range(k)], axis=1)
    found = fleiss_kappa(counts)
    assert isinstance(found, Agreement)
    assert found.kappa == pytest.approx(inter_rater.fleiss_kappa(counts, method="fleiss"), abs=1e-12)


def test_errors_are_near_those_of_leaving_out_one_cluster_at_a_time() -> None:
    said, clusters = readings(7, 240, 3, 3, 0.6), np.repeat(np.arange(80), 3)
    said = said[np.repeat(np.arange(0, 240, 3), 3)]  # films of a patient are read alike
    counts = np.stack([(said == c).sum(1) for c in range(3)], axis=1)
    found = fleiss_kappa(counts, clusters.tolist())
    without = [inter_rater.fleiss_kappa(counts[clusters != g]) for g in range(80)]
    jackknife = np.sqrt(79 / 80 * ((np.array(without) - np.mean(without)) ** 2).sum())
    assert isinstance(found, Agreement)
    assert found.n_clusters == 80
    assert found.standard_error == pytest.approx(jackknife, rel=0.03)
    alone = fleiss_kappa(counts)
    assert isinstance(alone, Agreement)
    assert found.standard_error == pytest.approx(alone.standard_error * np.sqrt(3), rel=1e-6)


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    k, agree, held = 3, 0.75, 0
    truth = agree**2  # two readers who guess evenly elsewhere: kappa is the share of films that both know
    for seed in range(400):
        a, b = readings(100 + seed, 120, 2, k, agree).T
        found = cohen_kappa(a, b, k)
        assert isinstance(found, Agreement)
        held += found.low <= truth <= found.high
    assert 0.92 <= held / 400 <= 0.98


def test_readers_who_never_disagreed_on_few_films_are_not_certain_to_agree() -> None:
    found = cohen_kappa([0, 1] * 5, [0, 1] * 5, 2)
    assert isinstance(found, Agreement)
    assert (found.kappa, found.high) == (1, 1)
    assert found.low == pytest.approx((0.6915028921812392 - 0.5) / 0.5)  # Clopper-Pearson of 10 in 10
    assert "few disagreements" in found.method


def test_one_class_alone_and_no_film_have_no_kappa() -> None:
    assert cohen_kappa([1, 1], [1, 1], 2) == Undefined("every reading names one class")
    assert cohen_kappa([], [], 2) == Undefined("no film that both read")
    assert fleiss_kappa(np.zeros((0, 2))) == Undefined("no film that all read")


def test_readings_of_other_films_are_refused() -> None:
    with pytest.raises(InputError, match="got 1 and 2"):
        cohen_kappa([0], [0, 1], 2)
    with pytest.raises(InputError, match="as many readings of each film"):
        fleiss_kappa([[2, 0], [1, 0]])
    with pytest.raises(InputError, match="a cluster for each of 2 films, got 1"):
        cohen_kappa([0, 1], [0, 1], 2, ["a"])
