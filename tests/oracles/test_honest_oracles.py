"""Sets, strangers and calibration against crepes, pytorch-ood, torchmetrics and statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hilum.stats.conformal import LEVELS, class_limits, sets_of
from hilum.stats.recalibration import log_loss, probability_figures, slope_and_intercept
from hilum.stats.strangers import Gaussian, energy, neighbour_scores
from needs import needed_module


@pytest.fixture
def scored() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(8)
    true = rng.choice(3, 400, p=[0.2, 0.5, 0.3])
    z = rng.normal(size=(400, 3))
    z[np.arange(400), true] += 1.5
    return true, np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)


def test_sets_of_single_films_against_crepes(scored: tuple[np.ndarray, np.ndarray]) -> None:
    """Class-conditional sets of 150 new films from 250: crepes without smoothing holds a class where p > 1 - level, as ours."""
    crepes = needed_module("crepes")
    true, p = scored
    old, new = slice(0, 250), slice(250, 400)
    classes = np.arange(3)
    theirs = crepes.ConformalClassifier()
    theirs.fit(1 - p[old][np.arange(250), true[old]], bins=true[old])
    for level in LEVELS:
        ours = sets_of(p[new], class_limits(true[old], p[old], np.arange(250), level))
        # Mondrian by class: a column of scores has the bin of its own class
        found = np.stack(
            [
                theirs.predict_set(
                    (1 - p[new])[:, [k]], bins=np.full(150, k), confidence=level / 100, smoothing=False
                )[:, 0]
                for k in classes
            ],
            axis=1,
        )
        assert (ours == found.astype(bool)).all()


def test_distances_of_many_films_are_to_the_bit_those_of_the_formula_at_once() -> None:
    rng = np.random.default_rng(3)
    films = rng.normal(size=(9000, 40)).astype(np.float16)
    gate = Gaussian.fitted(films[:300], np.arange(300) % 2, most=8)
    x, basis, found = films.astype(np.float64), gate.basis.astype(np.float64), []
    for mean in gate.means.astype(np.float64):
        off = x - mean
        along = off @ basis
        beside = np.maximum((off**2).sum(axis=1) - (along**2).sum(axis=1), 0.0)
        found.append((along**2 / gate.variances).sum(axis=1) + beside / float(gate.rest[0]))
    assert (gate.scores(films) == np.min(found, axis=0)).all()
    assert len(gate.scores(films[:0])) == 0


def test_strangers_against_pytorch_ood() -> None:
    detector = needed_module("pytorch_ood.detector")
    rng = np.random.default_rng(2)
    y = np.repeat([0, 1, 2], 80)
    mixing = rng.normal(size=(12, 12))
    train = (rng.normal(size=(240, 12)) + y[:, None]) @ mixing
    new = rng.normal(size=(50, 12)) @ mixing * 2
    theirs = detector.Mahalanobis(None).fit_features(torch.from_numpy(train).float(), torch.from_numpy(y))
    # theirs: half the distance under the sum of squares, ours under the covariance, divisor n - n_classes
    expected = theirs.predict_features(torch.from_numpy(new).float()).numpy() * 2 * (240 - 3)
    assert Gaussian.fitted(train, y, most=12).scores(new) == pytest.approx(expected, rel=1e-3)
    near = detector.KNN(None, k=7).fit_features(torch.from_numpy(train), torch.from_numpy(y))
    assert neighbour_scores(new, train, 7) == pytest.approx(
        near.predict_features(torch.from_numpy(new)).numpy(), abs=1e-9
    )
    logits = rng.normal(size=(50, 4)) * 5
    assert energy(logits) == pytest.approx(detector.EnergyBased.score(torch.from_numpy(logits)).numpy())


def test_a_covariance_of_few_directions_is_that_of_probabilistic_components() -> None:
    """Against the log-density of scikit-learn's PCA, whose noise variance is the mean of the directions left out."""
    decomposition = needed_module("sklearn.decomposition")
    rng = np.random.default_rng(3)
    train = rng.normal(size=(300, 20)) * np.linspace(3, 0.5, 20)
    new = rng.normal(size=(40, 20)) * 2
    model = decomposition.PCA(5).fit(train)
    precision = model.get_precision()
    off = new - train.mean(axis=0)
    theirs = np.einsum("ij,jk,ik->i", off, precision, off)
    assert Gaussian.fitted(train, np.zeros(300, int), most=5).scores(new) == pytest.approx(theirs, rel=1e-4)


def test_slope_and_intercept_against_statsmodels(scored: tuple[np.ndarray, np.ndarray]) -> None:
    sm = needed_module("statsmodels.api")
    true, p = scored
    y, x = (true == 1).astype(float), np.log(p[:, 1] / (1 - p[:, 1]))
    slope, intercept = slope_and_intercept(y, p[:, 1])
    logit = sm.Logit(y, sm.add_constant(x)).fit(disp=0)
    at_one = sm.GLM(y, np.ones(len(y)), family=sm.families.Binomial(), offset=x).fit()
    assert slope == pytest.approx(logit.params[1], rel=1e-6)
    assert intercept == pytest.approx(at_one.params[0], abs=1e-6)


def test_log_loss_against_sklearn(scored: tuple[np.ndarray, np.ndarray]) -> None:
    metrics = needed_module("sklearn.metrics")
    true, p = scored
    assert log_loss(true, p) == pytest.approx(metrics.log_loss(true, p, labels=[0, 1, 2]))


def test_error_of_equal_counts_against_torchmetrics() -> None:
    """Confidences that lie in the middle of as many bins of equal width fill bins of equal count alike."""
    classification = needed_module("torchmetrics.functional.classification")
    rng = np.random.default_rng(1)
    p = np.repeat(np.arange(10) / 10 + 0.05, 30)[rng.permutation(300)]
    right = rng.random(300) < p
    score = np.stack(
        [p, *[(1 - p) / 99] * 99], axis=1
    )  # the first class is the predicted one, at .05 and more
    found = probability_figures(np.where(right, 0, 1), score, np.arange(300), 0)
    theirs = classification.multiclass_calibration_error(
        torch.from_numpy(score), torch.from_numpy(np.where(right, 0, 1)), 100, n_bins=10
    )
    assert [b.n for b in found.bins] == [30] * 10
    assert found.ece_equal_count == pytest.approx(float(theirs), abs=1e-6)
