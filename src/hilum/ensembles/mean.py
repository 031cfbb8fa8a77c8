"""The mean of the members' probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from hilum.ensembles.fitting import Arrays, Fitting, Said
from hilum.study.ensembles import MeanEnsemble


def fit(table: MeanEnsemble, films: Fitting, seed: int) -> dict[str, NDArray[Any]]:
    """No weights."""
    del table, films, seed
    return {}


def logits(table: MeanEnsemble, arrays: Arrays, members: Said) -> NDArray[np.float64]:
    """The logarithm of the mean probability.

    >>> import numpy as np
    >>> two = np.log([[[0.8, 0.2], [0.4, 0.6]]])
    >>> np.exp(logits(None, {}, two)).round(3).tolist()
    [[0.6, 0.4]]
    """
    del table, arrays
    return np.asarray(logsumexp(members, axis=1) - np.log(members.shape[1]))


def weights_of_members(table: MeanEnsemble, arrays: Arrays, members: Said) -> NDArray[np.float64]:
    """The weight of each member for each film, (n, M)."""
    del table, arrays
    return np.full(members.shape[:2], 1 / members.shape[1])


def cost(members: int, classes: int) -> tuple[int, int]:
    """Nothing is fitted; a multiplication for each probability of a member."""
    return 0, members * classes
