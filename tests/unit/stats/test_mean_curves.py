"""Mean curves and their bands: against scikit-learn, Davis and Goadrich's worked example, and the statistics' own areas."""

import numpy as np
import pytest
from sklearn import metrics

from hilum.stats.mean_curves import FPR, RECALL, curves_of_resamples, mean_curves
from hilum.stats.scored_films import ScoredFilms
from hilum.stats.summary import cell_statistics
from hilum.stats.walks import SortedRanking


def films(seed: int, n: int = 300, share: float = 0.3, ties: bool = True, shift: float = 1.2) -> ScoredFilms:
    """Films of `n` / 2 patients, whose score rises with the class; equal scores occur where `ties`."""
    rng = np.random.default_rng(seed)
    true = (rng.random(n) < share).astype(np.int64)
    p = 1 / (1 + np.exp(-(rng.normal(0, 1, n) + shift * true - 0.6)))
    p = np.round(p, 2) if ties else p
    return ScoredFilms(true, np.stack([1 - p, p], axis=1), np.repeat(np.arange(n // 2), 2)[:n].astype(str))


def ranking(f: ScoredFilms, cluster=None) -> SortedRanking:
    n = len(f.y_true)
    return SortedRanking.of(
        f.y_true == 1, f.y_score[:, 1], np.arange(n, dtype=np.int32) if cluster is None else cluster
    )


@pytest.mark.parametrize("ties", [True, False])
def test_a_trials_roc_is_scikit_learns(ties: bool) -> None:
    f = films(0, ties=ties)
    roc, _ = curves_of_resamples(ranking(f), np.ones((300, 1), np.uint16))
    fpr, tpr, _ = metrics.roc_curve(f.y_true, f.y_score[:, 1], drop_intermediate=False)
    # to the right of a place where the curve rises upright, whichever side rounding puts the rate on
    assert roc[0] == pytest.approx(np.interp(FPR + 1e-10, fpr, tpr), abs=1e-6)


def test_a_resample_is_the_curve_of_the_films_drawn() -> None:
    f = films(1)
    counts = np.random.default_rng(0).integers(0, 4, (300, 2)).astype(np.uint16)
    roc, pr = curves_of_resamples(ranking(f), counts)
    for r in range(2):
        fpr, tpr, _ = metrics.roc_curve(
            f.y_true, f.y_score[:, 1], sample_weight=counts[:, r], drop_intermediate=False
        )
        assert roc[r] == pytest.approx(np.interp(FPR + 1e-10, fpr, tpr), abs=1e-6)
        drawn = np.repeat(np.arange(300), counts[:, r])
        precision, recall, _ = metrics.precision_recall_curve(f.y_true[drawn], f.y_score[drawn, 1])
        at = np.flatnonzero(np.isclose(RECALL[:, None], recall[None, :-1], atol=1e-12).any(axis=1))
        for k in at:  # where a threshold has just this recall: the best precision that one has there
            best = max(precision[:-1][np.isclose(recall[:-1], RECALL[k], atol=1e-12)])
            assert pr[r, k] == pytest.approx(best)


def test_precision_between_two_thresholds_is_davis_and_goadrichs() -> None:
    """Their example (2006, Table 1): 20 films of the class and 2000 others; A has 5 and 5 of them, B 10 and 30."""
    groups = ((5, 5), (5, 25), (10, 1970))
    true = np.concatenate([np.r_[np.ones(p), np.zeros(n)] for p, n in groups]).astype(np.int64)
    score = np.repeat([0.9, 0.5, 0.1], [p + n for p, n in groups])
    f = ScoredFilms(true, np.stack([1 - score, score], axis=1), np.arange(2020))
    _, pr = curves_of_resamples(ranking(f), np.ones((2020, 1), np.uint16))
    at = [int(np.flatnonzero(np.isclose(RECALL, r))[0]) for r in (0.25, 0.3, 0.35, 0.4, 0.45, 0.5)]
    assert pr[0, at].round(3).tolist() == [0.5, 0.375, 0.318, 0.286, 0.265, 0.25]


def test_the_area_under_the_mean_curve_is_the_statistics_mean_area() -> None:
    trials = [films(k) for k in range(3)]
    found = mean_curves(trials, 1, 50, 0)
    rows = {(r.metric, r.class_): r for r in cell_statistics(trials, ["no", "yes"], "yes", n_resamples=50)}
    assert np.trapezoid(found.roc.mean, found.roc.x) == pytest.approx(
        rows["roc_auc", "yes"].estimate, abs=2e-3
    )
    assert found.pr.mean[-1] == pytest.approx(
        np.mean(
            [
                max(precision[recall == 1])
                for precision, recall, _ in (
                    metrics.precision_recall_curve(t.y_true, t.y_score[:, 1]) for t in trials
                )
            ]
        )
    )


def test_the_band_is_about_the_mean_and_never_certain() -> None:
    found = mean_curves([films(k, shift=9) for k in range(2)], 1, 60, 0)
    assert (found.roc.mean == 1).mean() > 0.9  # nothing is wrong in these films
    for band in (found.roc, found.pr):
        assert (band.low <= band.mean + 1e-12).all()
        assert (band.high >= band.mean - 1e-12).all()
        assert (band.low[band.mean == 1] < 1).all()
    again = mean_curves([films(k, shift=9) for k in range(2)], 1, 60, 0)
    assert np.array_equal(again.roc.low, found.roc.low)


def test_without_a_film_of_the_class_there_is_no_curve() -> None:
    none = ScoredFilms(np.zeros(4, np.int64), np.full((4, 2), 0.5), np.arange(4))
    assert mean_curves([films(0), none], 1, 5, 0) == mean_curves([none], 1, 5, 0)
    only = ScoredFilms(np.ones(4, np.int64), np.full((4, 2), 0.5), np.arange(4))
    found = mean_curves([only], 1, 5, 0)
    assert found.roc is None
    assert found.pr.mean.tolist() == [1.0] * 100


@pytest.mark.slow
def test_the_band_holds_the_truth_in_nineteen_of_twenty_studies() -> None:
    """Binormal scores, one trial, 200 films: at a false positive rate of .1 and .3 the true rate is Phi(shift + Phi^-1(fpr))."""
    from scipy.stats import norm

    at = [int(np.flatnonzero(np.isclose(FPR, v))[0]) for v in (0.1, 0.3)]
    truth = norm.cdf(1.2 + norm.ppf(FPR[at]))
    held = []
    for seed in range(200):
        f = films(seed, n=200, ties=False)
        one = ScoredFilms(f.y_true, f.y_score, np.arange(200))
        band = mean_curves([one], 1, 200, seed).roc
        held.append((band.low[at] <= truth) & (truth <= band.high[at]))
    assert np.mean(held, axis=0).min() >= 0.91
