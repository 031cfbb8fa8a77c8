"""Each kind of ensemble against a formula, a grid, numpy or another library."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits
from torchvision.ops import sigmoid_focal_loss

from hilum.core.errors import InputError
from hilum.ensembles import KINDS, Arrays, Fitting, combined, fitted, fitted_out_of_fold, said
from hilum.ensembles.flannel import focal, weights_of_members
from hilum.ensembles.stacked import inputs
from hilum.study.ensembles import KIND_NAMES, Ensemble, FlannelEnsemble, recorded_ensemble

N, M, K = 90, 3, 4
QUICK = {"epochs": 3, "learning_rate": 0.05}


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """As in a run: small sums on many threads wait for each other."""
    with threadpool_limits(1):
        yield


def table(kind: str, **options: Any) -> Ensemble:
    return recorded_ensemble({"kind": kind, "name": kind, **(QUICK if kind == "flannel" else {}), **options})


def flannel(**options: Any) -> FlannelEnsemble:
    found = table("flannel", **options)
    assert isinstance(found, FlannelEnsemble)
    return found


def films(n: int = N, m: int = M, k: int = K, seed: int = 0) -> Fitting:
    """Members of different worth, the first the best."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, k, n)
    logits = [(2.5 - i) * np.eye(k)[labels] + rng.normal(size=(n, k)) for i in range(m)]
    return Fitting(
        np.stack([said(z) for z in logits], axis=1), labels, np.array([f"p{i // 2}" for i in range(n)])
    )


def probabilities(t: Ensemble, arrays: Arrays, members: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(softmax(combined(t, arrays, members), axis=1))


def test_every_kind_that_a_study_may_name_is_computed() -> None:
    assert tuple(KINDS) == KIND_NAMES


def test_mean_is_numpys_mean() -> None:
    f = films()
    np.testing.assert_allclose(
        probabilities(table("mean"), {}, f.said), np.exp(f.said).mean(axis=1), rtol=1e-12
    )


def test_weighted_is_the_best_point_of_a_grid() -> None:
    f = films(m=3)
    p = np.exp(f.said)[np.arange(N), :, f.labels]
    step = 0.01
    grid = [
        (a * step, b * step, 1 - (a + b) * step) for a, b in product(range(101), repeat=2) if a + b <= 100
    ]
    losses = [-np.log(p @ np.maximum(w, 0)).mean() for w in grid]
    weights = fitted(table("weighted"), f, 0)["weights"]
    assert weights.sum() == pytest.approx(1)
    assert (weights >= 0).all()
    assert -np.log(p @ weights).mean() <= min(losses) + 1e-12
    np.testing.assert_allclose(weights, grid[int(np.argmin(losses))], atol=step)


def test_weighted_probabilities_are_the_weighted_mean() -> None:
    f, w = films(), np.array([0.7, 0.0, 0.3])
    expected = np.einsum("m,nmk->nk", w, np.exp(f.said))
    np.testing.assert_allclose(probabilities(table("weighted"), {"weights": w}, f.said), expected, rtol=1e-12)


@pytest.mark.parametrize("l2", [0.1, 1.0, 30.0])
def test_stacked_is_scikit_learns_logistic_regression(l2: float) -> None:
    f, t = films(), table("stacked", l2=l2)
    ours = fitted(t, f, 0)
    theirs = LogisticRegression(C=1 / l2, max_iter=10_000, tol=1e-10).fit(inputs(f.said), f.labels)
    np.testing.assert_allclose(ours["weight"], theirs.coef_, atol=2e-4)
    np.testing.assert_allclose(
        probabilities(t, ours, f.said), theirs.predict_proba(inputs(f.said)), atol=2e-5
    )


def test_flannel_has_2005_parameters_for_five_nets_and_four_classes() -> None:
    arrays = fitted(flannel(), films(20, 5, 4), 0)
    assert sum(a.size for a in arrays.values()) == 2005 == KINDS["flannel"].cost(5, 4)[0]
    outer, layer, sums = 400, 2000, 20
    assert KINDS["flannel"].cost(5, 4)[1] == outer + layer + sums


@pytest.mark.parametrize("activation", ["softmax", "tanh"])
def test_flannel_is_the_outer_product_and_one_linear_layer(activation: str) -> None:
    """The published forward pass in plain numpy: ensemble_learning.py, lines 43-54 and 74-84."""
    t = flannel(activation=activation, second_softmax=activation == "tanh")
    f = films(30, 5, 4)
    arrays = fitted(t, f, 1)
    x = np.exp(f.said).reshape(30, 20)
    outer = (x[:, :, None] @ x[:, None, :]).reshape(30, 400)
    layer = outer @ arrays["weight"].T + arrays["bias"]
    w = softmax(layer, axis=1) if activation == "softmax" else np.tanh(layer)
    mixed = (w[:, :, None] * x.reshape(30, 5, 4)).sum(axis=1)
    np.testing.assert_allclose(weights_of_members(t, arrays, f.said), w, rtol=1e-6)
    expected = softmax(mixed, axis=1) if t.second_softmax else mixed
    np.testing.assert_allclose(probabilities(t, arrays, f.said), expected, rtol=1e-6)


def test_a_second_softmax_of_four_classes_gives_at_most_475() -> None:
    f = films(40)
    t = flannel(second_softmax=True)
    p = probabilities(t, fitted(t, f, 0), f.said)
    assert p.max() <= np.e / (np.e + 3) + 1e-9


@pytest.mark.parametrize("gamma", [0.0, 2.0, 10.0])
def test_focal_loss_is_torchvisions_of_two_classes(gamma: float) -> None:
    """torchvision's is of one logit; with two classes of logits 0 and z it is the same."""
    z = torch.linspace(-4, 4, 17, dtype=torch.float64)
    y = torch.arange(17) % 2
    out = torch.stack([torch.zeros_like(z), z], dim=1)
    expected = sigmoid_focal_loss(z, y.double(), alpha=-1, gamma=gamma, reduction="sum")
    ours = focal(flannel(gamma=gamma, second_softmax=True, summed=True), out, y, None)
    assert float(ours) == pytest.approx(float(expected), rel=1e-6)


def test_focal_loss_as_the_scripts_have_it() -> None:
    """loss.py, lines 20-43: alpha (1000 / count), gamma 10, the batch added up, a softmax of probabilities."""
    rng = np.random.default_rng(3)
    out, y, alpha = (
        rng.dirichlet(np.ones(4), 12),
        rng.integers(0, 4, 12),
        1000 / np.array([5.0, 9.0, 2.0, 7.0]),
    )
    p = softmax(out, axis=1)
    target = np.eye(4)[y]
    expected = (-1 * (1 - p) ** 10 * np.log(p + 1e-9) * target * alpha).sum()
    t = flannel(gamma=10.0, second_softmax=True, summed=True)
    ours = focal(t, torch.tensor(out), torch.tensor(y), torch.tensor(alpha))
    assert float(ours) == pytest.approx(expected, rel=1e-9)
    described = focal(flannel(gamma=2.0), torch.tensor(out), torch.tensor(y), None)
    own = out[np.arange(12), y]
    assert float(described) == pytest.approx((-((1 - own) ** 2) * np.log(own + 1e-9)).mean(), rel=1e-9)


def test_flannel_learns_which_member_to_believe() -> None:
    """Two members, each right on the films that it is sure of: no fixed weights do what weights by film do."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 400)
    sure = rng.random(400) < 0.5
    strong, weak = 4 * (2 * labels - 1), 1.2 * (1 - 2 * labels)
    z = [np.where(sure, strong, weak), np.where(sure, weak, strong)]
    members = np.stack([said(np.stack([0 * a, a], axis=1)) for a in z], axis=1)
    f = Fitting(members, labels, np.arange(400).astype(str))

    def loss(t: Ensemble) -> float:
        return float(-np.log(probabilities(t, fitted(t, f, 0), members)[np.arange(400), labels]).mean())

    assert loss(flannel(epochs=60, gamma=0.0)) < 0.6 * loss(table("weighted"))


def test_what_its_scripts_keep_is_the_best_of_every_second_epoch() -> None:
    f = films(40)
    watched = films(40, seed=5)
    best = flannel(fit_on="train", keep="best", epochs=6, learning_rate=0.2)
    arrays = fitted(best, Fitting(f.said, f.labels, f.groups, watched), 0)
    of_epoch = [fitted(flannel(epochs=n, learning_rate=0.2), f, 0) for n in range(1, 7)]
    right = [float((combined(best, a, watched.said).argmax(1) == watched.labels).mean()) for a in of_epoch]
    kept = 0
    for epoch in range(1, 6):
        if right[epoch] > max(right[:epoch]) and epoch % 2 == 0:
            kept = epoch
    assert np.array_equal(arrays["weight"], of_epoch[kept]["weight"])


def test_a_patients_films_are_answered_by_weights_fitted_without_them() -> None:
    """Labels of one patient are turned round: that changes the others' answers, and not its own."""
    f, t = films(), table("stacked")
    own = f.groups == "p3"
    turned = Fitting(f.said, np.where(own, (f.labels + 1) % K, f.labels), f.groups)
    before, folds = fitted_out_of_fold(t, f, 7, 5)
    after, _ = fitted_out_of_fold(t, turned, 7, 5)
    assert folds == 5
    assert not np.isnan(before).any()
    same = np.isclose(before, after).all(axis=1)
    # folds are drawn by label and patient, so that they too may change; the patient's films see none of their own labels
    if np.array_equal(before[own], after[own]):
        assert not same.all()
    inside = combined(t, fitted(t, f, 0), f.said)
    log_loss = [-np.log(softmax(z, axis=1)[np.arange(N), f.labels]).mean() for z in (before, inside)]
    assert log_loss[0] > log_loss[1]


def test_fewer_folds_where_a_class_has_fewer_patients_and_none_with_one() -> None:
    f, t = films(60), table("weighted")
    few = np.where(f.labels == 0, "one", f.groups)
    with pytest.raises(InputError, match="class 0 has films of 1 patient among"):
        fitted_out_of_fold(t, Fitting(f.said, f.labels, few), 0, 5)
    three = np.where(f.labels == 0, np.array([f"q{i % 3}" for i in range(60)]), f.groups)
    assert fitted_out_of_fold(t, Fitting(f.said, f.labels, three), 0, 5)[1] == 3


def test_weights_of_other_members_are_refused() -> None:
    f = films()
    with pytest.raises(InputError, match="do not fit its 2 members and 4 classes"):
        combined(table("stacked"), fitted(table("stacked"), f, 0), f.said[:, :2])
