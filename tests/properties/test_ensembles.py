"""What holds of every ensemble: probabilities add up to one, the members' order makes no difference, equal members are each of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import softmax
from threadpoolctl import threadpool_limits

from hilum.ensembles import Fitting, combined, fitted, said
from hilum.study.ensembles import KIND_NAMES, Ensemble, recorded_ensemble


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """As in a run: small sums on many threads wait for each other."""
    with threadpool_limits(1):
        yield


def table(kind: str) -> Ensemble:
    return recorded_ensemble({"kind": kind, "name": kind, **({"epochs": 1} if kind == "flannel" else {})})


@st.composite
def members(draw: st.DrawFn) -> Fitting:
    n, m, k = draw(st.integers(12, 40)), draw(st.integers(2, 5)), draw(st.integers(2, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    labels = np.arange(n) % k
    z = rng.normal(size=(n, m, k)) * draw(st.floats(0.1, 30)) + np.eye(k)[labels][:, None] * rng.normal(
        size=(m, 1)
    )
    return Fitting(np.stack([said(z[:, i]) for i in range(m)], axis=1), labels, np.arange(n).astype(str))


def answers(t: Ensemble, f: Fitting, arrays: Any = None) -> NDArray[np.float64]:
    return np.asarray(softmax(combined(t, fitted(t, f, 0) if arrays is None else arrays, f.said), axis=1))


@pytest.mark.parametrize("kind", KIND_NAMES)
@settings(max_examples=6, deadline=None)
@given(f=members())
def test_probabilities_add_up_to_one(kind: str, f: Fitting) -> None:
    p = answers(table(kind), f)
    assert ((p >= 0) & np.isfinite(p)).all()
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-9)


@pytest.mark.parametrize("kind", ["mean", "weighted", "stacked"])
@settings(max_examples=6, deadline=None)
@given(f=members(), seed=st.integers(0, 99))
def test_members_in_another_order_have_their_weights_in_that_order(kind: str, f: Fitting, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(f.said.shape[1])
    g = Fitting(f.said[:, order], f.labels, f.groups)
    t, atol = table(kind), 1e-12 if kind == "mean" else 2e-3
    np.testing.assert_allclose(answers(t, g), answers(t, f), atol=atol)
    if kind == "stacked":
        k = f.n_classes
        own, others = (fitted(t, x, 0)["weight"].reshape(k, -1, k) for x in (f, g))
        np.testing.assert_allclose(others, own[:, order], atol=5e-3)


def test_flannels_weights_of_members_follow_their_order() -> None:
    """The layer's weights are drawn, so that here they are given, in both orders."""
    rng = np.random.default_rng(1)
    f = Fitting(np.log(rng.dirichlet(np.ones(3), (20, 4))), np.arange(20) % 3, np.arange(20).astype(str))
    t, order = table("flannel"), np.array([2, 0, 3, 1])
    arrays = {"weight": rng.normal(size=(4, 144)), "bias": rng.normal(size=4)}
    square = arrays["weight"].reshape(4, 4, 3, 4, 3)[order][:, order][:, :, :, order].reshape(4, 144)
    other = {"weight": square, "bias": arrays["bias"][order]}
    g = Fitting(f.said[:, order], f.labels, f.groups)
    np.testing.assert_allclose(answers(t, g, other), answers(t, f, arrays), rtol=1e-9)


@pytest.mark.parametrize("kind", ["mean", "weighted", "flannel"])
@settings(max_examples=6, deadline=None)
@given(f=members())
def test_an_ensemble_of_equal_members_is_the_member(kind: str, f: Fitting) -> None:
    same = np.repeat(f.said[:, :1], f.said.shape[1], axis=1)
    t = table(kind)
    arrays = fitted(t, f, 0)  # whatever the weights, they add up to one
    np.testing.assert_allclose(
        softmax(combined(t, arrays, same), axis=1), np.exp(f.said[:, 0]), rtol=1e-6, atol=1e-12
    )
