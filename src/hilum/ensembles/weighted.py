"""A weighted mean of the members' probabilities: weights of none below 0 and sum 1 that have the least mean log loss.

The log loss of a mixture is convex in its weights, so that there is one least value; where members say the same, several weights reach it,
and equal ones of these are found, since the search begins at equal weights.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import LinearConstraint, minimize
from scipy.special import logsumexp

from hilum.core.errors import HilumError
from hilum.ensembles.fitting import Arrays, Fitting, Said
from hilum.study.ensembles import WeightedEnsemble

_TINY = np.log(np.finfo(np.float64).tiny)


def fit(table: WeightedEnsemble, films: Fitting, seed: int) -> dict[str, NDArray[Any]]:
    """The ``weights`` of the members, (M,).

    Raises:
        HilumError: No least value was found.
    """
    del table, seed
    n, m = films.said.shape[:2]
    of_truth = np.maximum(films.said[np.arange(n), :, films.labels], _TINY)  # (n, M)
    # a film's loss does not change where all that its members say of it is divided by the largest of it
    p = np.exp(of_truth - of_truth.max(axis=1, keepdims=True))

    def loss(w: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        mixed = np.maximum(p @ w, np.finfo(np.float64).tiny)
        return float(-np.log(mixed).mean()), -(p / mixed[:, None]).mean(axis=0)

    found = minimize(
        loss, np.full(m, 1 / m), jac=True, method="SLSQP", bounds=[(0.0, 1.0)] * m, constraints=LinearConstraint(np.ones((1, m)), 1, 1),
        options={"ftol": 1e-12, "maxiter": 1000},
    )  # fmt: skip
    if not found.success:
        raise HilumError(f"no weights of least log loss were found: {found.message}")
    weights = np.clip(found.x, 0.0, None)
    return {"weights": weights / weights.sum()}


def logits(table: WeightedEnsemble, arrays: Arrays, members: Said) -> NDArray[np.float64]:
    """The logarithm of the weighted mean probability."""
    del table
    return np.asarray(logsumexp(members, axis=1, b=arrays["weights"][None, :, None]))


def weights_of_members(table: WeightedEnsemble, arrays: Arrays, members: Said) -> NDArray[np.float64]:
    """The weight of each member for each film, (n, M)."""
    del table
    return np.tile(arrays["weights"], (len(members), 1))


def cost(members: int, classes: int) -> tuple[int, int]:
    """A weight a member; a multiplication for each probability of a member."""
    return members, members * classes
