"""Statistics against scikit-learn, torchmetrics and scipy."""

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn import metrics

from film_statistics import film_statistics
from hilum.stats.calibration import (
    apply_temperature,
    brier,
    choose_threshold,
    expected_calibration_error,
    fit_temperature,
)
from hilum.stats.confusion import confusion, predicted_class, rates
from hilum.stats.curves import average_precision, pr_auc, pr_curve, roc_auc, roc_curve
from hilum.stats.proportions import clopper_pearson, wilson
from hilum.stats.walks import SortedRanking, areas_of_resamples
from needs import missing, needed_module

K = 4
CLASSES = ["bacterial", "covid", "normal", "viral"]


def films(seed: int, n: int, decimals: int | None) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    true = rng.choice(K, n, p=[0.1, 0.2, 0.6, 0.1])
    z = rng.normal(size=(n, K))
    z[np.arange(n), true] += 1.0
    score = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return true, score if decimals is None else score.round(decimals)


@pytest.fixture(params=[(0, 2000, None), (1, 2000, 2), (2, 300, 1)], ids=["no ties", "ties", "mostly ties"])
def case(request: pytest.FixtureRequest) -> tuple[np.ndarray, np.ndarray]:
    return films(*request.param)


def test_confusion_and_rates_against_sklearn(case: tuple[np.ndarray, np.ndarray]) -> None:
    true, score = case
    pred = predicted_class(score)
    matrix = confusion(true, pred, K)
    assert matrix.tolist() == metrics.confusion_matrix(true, pred, labels=range(K)).tolist()
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(true, pred, labels=range(K))
    for k in range(K):
        found = rates(matrix, k)
        assert found["ppv"] == pytest.approx(precision[k])
        assert found["sensitivity"] == pytest.approx(recall[k])
        assert found["f1"] == pytest.approx(f1[k])
        assert found["specificity"] == pytest.approx(metrics.recall_score(true != k, pred != k))
        assert found["npv"] == pytest.approx(metrics.precision_score(true != k, pred != k))
        assert found["accuracy"] == pytest.approx(metrics.accuracy_score(true == k, pred == k))
        others = true != k
        assert found["strict_rate"] == pytest.approx(metrics.accuracy_score(true[others], pred[others]))
    assert found["exact_accuracy"] == pytest.approx(metrics.accuracy_score(true, pred))


def test_areas_against_sklearn(case: tuple[np.ndarray, np.ndarray]) -> None:
    true, score = case
    for k in range(K):
        y, s = true == k, score[:, k]
        precision, recall, _ = metrics.precision_recall_curve(y, s)
        assert pr_auc(y, s) == pytest.approx(metrics.auc(recall, precision), abs=1e-12)
        assert average_precision(y, s) == pytest.approx(metrics.average_precision_score(y, s), abs=1e-12)
        assert roc_auc(y, s) == pytest.approx(metrics.roc_auc_score(y, s), abs=1e-12)


def test_curves_against_sklearn_point_by_point(case: tuple[np.ndarray, np.ndarray]) -> None:
    true, score = case
    precision, recall, _ = metrics.precision_recall_curve(true == 1, score[:, 1])
    found = pr_curve(true == 1, score[:, 1])
    np.testing.assert_allclose(found.x, recall[::-1], atol=1e-12)  # type: ignore[union-attr]
    np.testing.assert_allclose(found.y, precision[::-1], atol=1e-12)  # type: ignore[union-attr]
    false_rate, true_rate, _ = metrics.roc_curve(true == 1, score[:, 1], drop_intermediate=False)
    found = roc_curve(true == 1, score[:, 1])
    np.testing.assert_allclose(found.x, false_rate, atol=1e-12)  # type: ignore[union-attr]
    np.testing.assert_allclose(found.y, true_rate, atol=1e-12)  # type: ignore[union-attr]


def test_areas_of_a_resample_against_sklearns_sample_weight() -> None:
    true, score = films(3, 800, 2)
    y, s, weight = true == 1, score[:, 1], np.random.default_rng(0).integers(0, 5, 800)
    ranking = SortedRanking.of(y, s, np.arange(800, dtype=np.int32))
    _, precision, roc = areas_of_resamples(ranking, weight.astype(np.uint16)[:, None])[0]
    assert roc == pytest.approx(metrics.roc_auc_score(y, s, sample_weight=weight))
    assert precision == pytest.approx(metrics.average_precision_score(y, s, sample_weight=weight))


def test_areas_against_torchmetrics() -> None:
    functional = needed_module("torchmetrics.functional.classification")
    true, score = films(4, 1500, 2)
    y, s = torch.from_numpy((true == 1).astype(np.int64)), torch.from_numpy(score[:, 1])
    # torchmetrics works in float32
    assert roc_auc(true == 1, score[:, 1]) == pytest.approx(float(functional.binary_auroc(s, y)), abs=1e-5)
    assert average_precision(true == 1, score[:, 1]) == pytest.approx(
        float(functional.binary_average_precision(s, y)), abs=1e-5
    )


def test_calibration_error_against_torchmetrics() -> None:
    functional = needed_module("torchmetrics.functional.classification")
    true, score = films(5, 1500, None)
    wanted = functional.multiclass_calibration_error(
        torch.from_numpy(score), torch.from_numpy(true), K, n_bins=15
    )
    assert expected_calibration_error(true, score) == pytest.approx(float(wanted), abs=1e-5)


def test_brier_against_sklearn() -> None:
    true, score = films(6, 500, None)
    wanted = metrics.brier_score_loss(true, score, labels=list(range(K)), scale_by_half=False)
    assert brier(true, score) == pytest.approx(wanted)


def test_temperature_against_sklearn() -> None:
    calibration = needed_module("sklearn.calibration")
    if not hasattr(calibration, "_TemperatureScaling"):
        missing("scikit-learn's temperature scaling", "pip install 'scikit-learn>=1.8'")
    true, score = films(7, 1000, None)
    logits = 2.5 * np.log(score)
    wanted = 1 / float(calibration._TemperatureScaling().fit(logits, true).beta_)
    found = fit_temperature(logits, true)
    assert found.value == pytest.approx(wanted, rel=1e-4)
    assert found.nll_after == pytest.approx(metrics.log_loss(true, apply_temperature(logits, found.value)))


def test_youden_against_sklearns_roc_curve() -> None:
    true, score = films(8, 900, 2)
    point = choose_threshold(true == 1, score[:, 1], "youden")
    false_rate, true_rate, _ = metrics.roc_curve(true == 1, score[:, 1], drop_intermediate=False)
    assert point.sensitivity + point.specificity - 1 == pytest.approx((true_rate - false_rate).max())
    said = score[:, 1] >= point.threshold
    assert point.sensitivity == pytest.approx(metrics.recall_score(true == 1, said))


@pytest.mark.parametrize(("k", "n"), [(0, 1), (0, 60), (1, 60), (59, 60), (60, 60), (30, 60), (1742, 1808)])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_proportions_against_scipy(k: int, n: int, level: float) -> None:
    exact = stats.binomtest(k, n).proportion_ci(level, method="exact")
    score = stats.binomtest(k, n).proportion_ci(level, method="wilson")
    assert clopper_pearson(k, n, level) == pytest.approx((exact.low, exact.high), abs=1e-10)
    assert wilson(k, n, level) == pytest.approx((score.low, score.high), abs=1e-10)


def test_the_bootstrap_of_roc_auc_against_scipys() -> None:
    true, score = films(9, 400, None)
    keep = (true == 1) | (true == 2)
    y, s = true[keep] == 1, score[keep]
    rows = film_statistics(true[keep], s, CLASSES, "covid", n_resamples=2000, seed=0)
    row = next(r for r in rows if (r.metric, r.class_) == ("roc_auc", "covid"))
    wanted = stats.bootstrap(
        (y, s[:, 1]),
        lambda a, b: float(roc_auc(a, b)),  # type: ignore[arg-type]
        paired=True,
        vectorized=False,
        method="percentile",
        n_resamples=2000,
        rng=np.random.default_rng(0),
    )
    error = wanted.standard_error
    assert row.film_error == pytest.approx(error, rel=0.06)
    assert row.low == pytest.approx(wanted.confidence_interval.low, abs=0.15 * error)
    assert row.high == pytest.approx(wanted.confidence_interval.high, abs=0.15 * error)
