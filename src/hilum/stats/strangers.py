"""Strangers: how unlike the training films a film is, by vectors (what is seen of its shape, or what a backbone makes of it) or by its
logits. A higher score is stranger.

Three scores, none of which needs a strange film to be fitted: Mahalanobis' distance to the nearest class (Lee et al. 2018), which is the
gate's; distance to the k-th nearest training film (Sun et al. 2022); energy of the logits (Liu et al. 2020). Features of a backbone are
brought to length 1 before the first (Mueller & Hein 2025): without, noise that moves no feature much lies near the middle of all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp

from hilum.core.errors import InputError
from hilum.stats.confusion import class_numbers

DIMENSIONS = 64
"""Directions of the covariance that a gate keeps."""
NEIGHBOUR = 10
_ROWS = 4096
"""Films whose squares are in memory together."""
_LEAST = 1e-8  # of the mean variance: a direction in which training films never differ


@dataclass(frozen=True)
class Gaussian:
    """Classes as normal distributions with one covariance: its largest directions, and one variance for all others.

    That is probabilistic principal components (Tipping & Bishop 1999), a covariance shrunk where it cannot be estimated.

    Attributes:
        means: float32 (n_classes, n_features), of the classes that there are.
        basis: float32 (n_features, n_kept), orthonormal columns.
        variances: float32 (n_kept,), along them.
        rest: float32 (1,), variance along every other direction.
    """

    means: NDArray[np.float32]
    basis: NDArray[np.float32]
    variances: NDArray[np.float32]
    rest: NDArray[np.float32]

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """As a file keeps it."""
        return dict(vars(self))

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """From what a file keeps."""
        return cls(arrays["means"], arrays["basis"], arrays["variances"], arrays["rest"])

    @classmethod
    def fitted(cls, features: ArrayLike, y_true: ArrayLike, most: int = DIMENSIONS) -> Self:
        """Fit means and the shared covariance, divisor n - n_classes.

        Args:
            features: Finite, (n_films, n_features).
            y_true: Class numbers, (n_films,); of a class without films there is no mean.
            most: Directions that are kept, at most.

        Raises:
            InputError: Fewer than two films more than classes, or films that do not differ.
        """
        x = np.asarray(features, dtype=np.float64)
        classes, true = np.unique(np.asarray(y_true), return_inverse=True)
        free = len(x) - len(classes)
        means = np.stack([x[true == k].mean(axis=0) for k in range(len(classes))])
        centred = x - means[true]
        total = float((centred**2).sum())
        if free < 2 or not total > 0:
            raise InputError(
                f"expected training films that differ, two more than classes; got {len(x)} of {len(classes)}"
            )
        _, sizes, directions = np.linalg.svd(centred, full_matrices=False)
        kept = min(most, free, x.shape[1])
        variances = sizes[:kept] ** 2 / free
        others = max(x.shape[1] - kept, 1)
        least = _LEAST * total / free / x.shape[1]
        rest = max((total / free - float(variances.sum())) / others, least)
        return cls(
            *(
                np.asarray(v, np.float32)
                for v in (means, directions[:kept].T, np.maximum(variances, least), [rest])
            )
        )

    def scores(self, features: ArrayLike) -> NDArray[np.float64]:
        """Squared Mahalanobis distance to the nearest class mean, (n_films,)."""
        x, basis = np.asarray(features), self.basis.astype(np.float64)
        found = []
        for mean in self.means.astype(np.float64):
            off = np.subtract(x, mean, dtype=np.float64)
            along = off @ basis
            every = np.empty(len(off))
            for k in range(0, len(off), _ROWS):
                every[k : k + _ROWS] = (off[k : k + _ROWS] ** 2).sum(axis=1)
            beside = np.maximum(every - (along**2).sum(axis=1), 0.0)
            if basis.shape[1] == basis.shape[0]:
                beside[:] = 0.0  # every direction is kept
            found.append((along**2 / self.variances).sum(axis=1) + beside / float(self.rest[0]))
        scores: NDArray[np.float64] = np.min(found, axis=0)
        return scores


def neighbour_scores(features: ArrayLike, reference: ArrayLike, k: int = NEIGHBOUR) -> NDArray[np.float64]:
    """Distance to the k-th nearest reference film, all features brought to length 1, (n_films,).

    Args:
        features: (n_films, n_features).
        reference: Of training films, (n_reference, n_features), n_reference >= k.
        k: From 1.
    """
    a, b = (unit(v) for v in (features, reference))
    if not 1 <= k <= len(b):
        raise InputError(f"expected at least k = {k} reference films, got {len(b)}")
    near = np.partition(-(a @ b.T), k - 1, axis=1)[:, k - 1]
    distances: NDArray[np.float64] = np.sqrt(np.maximum(2 + 2 * near, 0.0))
    return distances


def unit(features: ArrayLike) -> NDArray[np.float64]:
    """Features (n_films, n_features) brought to length 1.

    >>> unit([[3.0, 4.0]]).tolist()
    [[0.6, 0.8]]
    """
    x = np.asarray(features, dtype=np.float64)
    found: NDArray[np.float64] = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
    return found


def energy(logits: ArrayLike) -> NDArray[np.float64]:
    """Minus the logarithm of the summed exponentials of a film's logits, (n_films,).

    >>> energy([[0.0, 0.0], [4.0, 0.0]]).round(4).tolist()
    [-0.6931, -4.0181]
    """
    scores: NDArray[np.float64] = -logsumexp(np.asarray(logits, dtype=np.float64), axis=1)
    return scores


def evenly(y_true: ArrayLike, most: int, n_classes: int) -> NDArray[np.int64]:
    """Positions of at most `most` films, spread evenly over each class in order, each class its share.

    >>> evenly([0, 0, 0, 0, 1, 1], 3, 2).tolist()
    [0, 2, 4]
    """
    true = class_numbers(y_true, n_classes, "y_true")
    share = min(1.0, most / max(len(true), 1))
    found = []
    for k in range(n_classes):
        own = np.flatnonzero(true == k)
        n = min(len(own), max(1, round(len(own) * share)))
        found.append(own[np.arange(n) * len(own) // max(n, 1)])
    return np.sort(np.concatenate(found))
