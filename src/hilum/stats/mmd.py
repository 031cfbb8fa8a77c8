"""Maximum mean discrepancy: whether vectors of a window of films come from where the reference's do, whatever moved.

Convention: the unbiased squared MMD with a Gaussian kernel exp(-d^2 / (2 s^2)) (Gretton et al. 2012, JMLR 13:723, equation 3), s the median
distance of reference films (section 8). Its threshold: windows of as many films are drawn from the reference itself, each held against the
reference's other films, and a Pearson curve of type III (a shifted gamma) through mean, spread and skewness of those draws gives the tail
(Gretton et al. 2009, NIPS 22, match moments likewise), since a tail of 1 in 10 000 is not to be had by counting. Fewer films stand on the
other side than the reference has, so the threshold is rather too high than too low.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from hilum.core.errors import InputError

DRAWS = 2000
_SEEN_FOR_SCALE = 400
_LEAST_SKEW = 1e-3
_TAIL = 2
"""The level is divided by it: of 100 000 windows drawn from references up to 1.8 times as many passed at 6e-5 as the curve says."""


def squared_distances(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of each row of `a` to each row of `b`, (len(a), len(b))."""
    along = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1)[None, :] - 2 * (a @ b.T)
    found: NDArray[np.float32] = np.maximum(along, 0)
    return found


class KernelReference:
    """Reference vectors with their kernel, computed once.

    Args:
        vectors: (m, n_features), m >= 4.

    Attributes:
        width: s of the kernel.

    Raises:
        InputError: Fewer than four vectors.
    """

    def __init__(self, vectors: ArrayLike) -> None:
        self._x = np.asarray(vectors, np.float32)
        if self._x.ndim != 2 or len(self._x) < 4:
            raise InputError(
                f"expected vectors of four reference films or more, got an array of shape {self._x.shape}"
            )
        step = -(-len(self._x) // _SEEN_FOR_SCALE)
        some = self._x[::step]
        apart = squared_distances(some, some)[np.triu_indices(len(some), 1)]
        self.width = float(np.sqrt(np.median(apart))) or 1.0
        self._k = self._kernel(self._x, self._x)
        self._rows = self._k.sum(axis=1, dtype=np.float64)
        self._own = (float(self._rows.sum()) - np.trace(self._k, dtype=np.float64)) / (
            len(self._x) * (len(self._x) - 1)
        )

    def __len__(self) -> int:
        return len(self._x)

    def _kernel(self, a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = np.exp(squared_distances(a, b) / np.float32(-2 * self.width**2))
        return found

    def mmd2(self, window: ArrayLike) -> float:
        """Unbiased squared MMD of a window, (n, n_features), from the reference; may be a little below 0.

        Raises:
            InputError: Fewer than two films in the window.
        """
        y = np.asarray(window, np.float32)
        if len(y) < 2:
            raise InputError(f"expected two films or more in a window, got {len(y)}")
        inner = self._kernel(y, y)
        own = (float(inner.sum(dtype=np.float64)) - np.trace(inner, dtype=np.float64)) / (
            len(y) * (len(y) - 1)
        )
        between = float(self._kernel(y, self._x).mean(dtype=np.float64))
        return float(own) + float(self._own) - 2 * between

    def null(self, n: int, rng: np.random.Generator, draws: int = DRAWS) -> NDArray[np.float64]:
        """The statistic of windows of n films drawn from the reference, each against its other films, (draws,).

        Raises:
            InputError: Fewer than two films would be on a side.
        """
        m = len(self._x)
        if n < 2 or m - n < 2:
            raise InputError(f"expected a window of 2 to {m - 2} of {m} reference films, got {n}")
        total, trace = float(self._rows.sum()), np.diag(self._k).astype(np.float64)
        found = np.empty(draws)
        for k in range(draws):
            chosen = rng.choice(m, n, replace=False)
            within = float(self._k[np.ix_(chosen, chosen)].sum(dtype=np.float64))
            across = float(self._rows[chosen].sum()) - within
            rest = total - within - 2 * across
            own, others = float(trace[chosen].sum()), float(trace.sum() - trace[chosen].sum())
            found[k] = (
                (within - own) / (n * (n - 1))
                + (rest - others) / ((m - n) * (m - n - 1))
                - 2 * across / (n * (m - n))
            )
        return found

    def limit(self, n: int, alpha: float, rng: np.random.Generator, draws: int = DRAWS) -> float:
        """The statistic that a window of n films exceeds with probability `alpha` at most without drift (half of it by the curve)."""
        return pearson_limit(self.null(n, rng, draws), alpha / _TAIL)


def pearson_limit(values: ArrayLike, alpha: float) -> float:
    """The value that a Pearson curve of type III with the mean, spread and skewness of `values` exceeds with probability `alpha`."""
    x = np.asarray(values, np.float64)
    skew = max(float(stats.skew(x)), _LEAST_SKEW)
    return float(stats.pearson3.isf(alpha, skew, loc=float(x.mean()), scale=float(x.std(ddof=1))))
