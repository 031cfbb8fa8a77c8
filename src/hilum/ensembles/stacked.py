"""Multinomial logistic regression on the logarithms of the members' probabilities (Wolpert's stacked generalisation, 1992).

What is made least is scikit-learn's: the sum over films of the log loss, and half of ``l2`` times the sum of squared weights, biases not
counted (`sklearn.linear_model.LogisticRegression` with C = 1 / l2). It is written here since that leaves out classes without a film.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from hilum.core.errors import HilumError
from hilum.ensembles.fitting import Arrays, Fitting, Said
from hilum.study.ensembles import StackedEnsemble

FLOOR: Final = 1e-6
"""Probabilities below it are taken for it: a logarithm has no bottom, and a single film could decide a weight."""


def inputs(members: Said) -> NDArray[np.float64]:
    """What is regressed on, (n, M * K): a member's classes beside each other."""
    return np.maximum(members, np.log(FLOOR)).reshape(len(members), -1)


def fit(table: StackedEnsemble, films: Fitting, seed: int) -> dict[str, NDArray[Any]]:
    """The ``weight`` of each class, (K, M * K), and its ``bias``, (K,).

    Raises:
        HilumError: No least value was found.
    """
    del seed
    x, k = inputs(films.said), films.n_classes
    n, d = x.shape
    truth = np.eye(k)[films.labels]

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        w = flat.reshape(k, d + 1)
        z = x @ w[:, :d].T + w[:, d]
        away = softmax(z, axis=1) - truth
        value = -float((log_softmax(z, axis=1) * truth).sum()) + table.l2 / 2 * float((w[:, :d] ** 2).sum())
        slope = np.concatenate([away.T @ x + table.l2 * w[:, :d], away.sum(axis=0)[:, None]], axis=1)
        return value / n, slope.ravel() / n

    found = minimize(
        loss,
        np.zeros(k * (d + 1)),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 10_000, "maxfun": 50_000, "ftol": 1e-14, "gtol": 1e-8},
    )
    if not np.isfinite(found.fun) or np.abs(found.jac).max() > 1e-4:
        raise HilumError(f"no weights of least log loss were found: {found.message}")
    w = found.x.reshape(k, d + 1)
    return {"weight": w[:, :d].copy(), "bias": w[:, d].copy()}


def logits(table: StackedEnsemble, arrays: Arrays, members: Said) -> NDArray[np.float64]:
    """Logits."""
    del table
    return np.asarray(inputs(members) @ arrays["weight"].T + arrays["bias"])


def cost(members: int, classes: int) -> tuple[int, int]:
    """A weight a class for each class of each member, and a bias a class."""
    return classes * (members * classes + 1), classes * members * classes
