"""How good probabilities are beyond one number: log loss, Murphy's parts of the Brier score, slope and intercept, bins of equal count.

Convention: probabilities are clipped to machine epsilon before a logarithm. Bins of equal count are bounded by quantiles, closed above;
equal probabilities share a bin, so that the order of films makes no difference and there may be fewer bins than were asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq, minimize
from scipy.special import expit, logit

from hilum.artifacts.probabilities import Bin, ProbabilityFigures
from hilum.stats.calibration import brier, expected_calibration_error
from hilum.stats.confusion import class_numbers
from hilum.stats.proportions import effective_n

BINS = 10
_EPS = float(np.finfo(np.float64).eps)
_FAR = 80.0  # log-odds, beyond what clipped probabilities can be off


def log_loss(y_true: ArrayLike, y_score: ArrayLike) -> float:
    """Mean over films of minus the logarithm of the probability of the film's class, in nats.

    >>> round(log_loss([0, 1], [[.5, .5], [.75, .25]]), 4)
    1.0397
    """
    score = np.asarray(y_score, dtype=np.float64)
    true = class_numbers(y_true, score.shape[1], "y_true")
    return float(-np.log(np.clip(score[np.arange(len(true)), true], _EPS, None)).mean())


def equal_count_bins(p: ArrayLike, n_bins: int = BINS) -> NDArray[np.int64]:
    """Number of each film's bin, from 0 without a gap, (n_films,).

    >>> equal_count_bins([.1, .2, .3, .4], 2).tolist(), equal_count_bins([.1, .9, .9, .9], 2).tolist()
    ([0, 0, 1, 1], [0, 1, 1, 1])
    """
    values = np.asarray(p, dtype=np.float64)
    last = np.searchsorted(np.sort(values), values, side="right") - 1  # equal values stay together
    bins: NDArray[np.int64] = np.unique(last * n_bins // len(values), return_inverse=True)[1]
    return bins


@dataclass(frozen=True)
class BrierParts:
    """Parts of a Brier score (Murphy 1973): score = reliability - resolution + uncertainty + within.

    Attributes:
        reliability: Mean squared distance of a bin's mean probability from its share of the class; smaller is better.
        resolution: Mean squared distance of a bin's share from the share of all films; larger is better.
        uncertainty: Of the class itself, share times 1 - share.
        within: What probabilities that differ within a bin add: variance less twice the covariance with the class (Stephenson, Coelho &
            Jolliffe 2008).
    """

    reliability: float
    resolution: float
    uncertainty: float
    within: float


def brier_parts(y_true: ArrayLike, y_score: ArrayLike, n_bins: int = BINS) -> BrierParts:
    """The parts, added up over classes, each in bins of equal count of its own probability; they give the score of `brier`.

    Args:
        y_true: Class numbers, (n_films,).
        y_score: Probabilities, (n_films, n_classes).
        n_bins: Bins a class.
    """
    score = np.asarray(y_score, dtype=np.float64)
    true = class_numbers(y_true, score.shape[1], "y_true")
    total = np.zeros(4)
    for k in range(score.shape[1]):
        p, y = score[:, k], (true == k).astype(np.float64)
        bins = equal_count_bins(p, n_bins)
        n = np.bincount(bins).astype(np.float64)
        mean_p, mean_y = (np.bincount(bins, v) / n for v in (p, y))
        off_p, off_y = p - mean_p[bins], y - mean_y[bins]
        total += (
            float((n * (mean_p - mean_y) ** 2).sum() / n.sum()),
            float((n * (mean_y - y.mean()) ** 2).sum() / n.sum()),
            float(y.mean() * (1 - y.mean())),
            float((off_p**2 - 2 * off_p * off_y).mean()),
        )
    return BrierParts(*map(float, total))


def slope_and_intercept(positive: ArrayLike, p: ArrayLike) -> tuple[float | None, float | None]:
    """Logistic recalibration of a class's probability (Cox 1958; Van Calster et al. 2016).

    The slope is that of the class on the log-odds of p, with an intercept: below 1, probabilities are too extreme. The intercept
    ("calibration in the large") is that with slope 1: below 0, they are too high on average.

    Args:
        positive: Boolean or 0 and 1, (n_films,).
        p: Probability of the class, (n_films,).

    Returns:
        Slope, None where log-odds separate the films; intercept, None too where films are of one side only.
    """
    y = np.asarray(positive, dtype=np.float64)
    x = logit(np.clip(np.asarray(p, dtype=np.float64), _EPS, 1 - _EPS))
    if y.min() == y.max():
        return None, None
    found = brentq(lambda a: float(expit(x + a).mean() - y.mean()), -_FAR, _FAR, xtol=1e-10)
    yes, no = x[y == 1], x[y == 0]
    if yes.min() >= no.max() or yes.max() <= no.min():
        return None, float(found)
    design = np.stack([np.ones_like(x), x], axis=1)

    def loss(b: NDArray[np.float64]) -> float:
        z = design @ b
        return float((np.logaddexp(0, z) - y * z).mean())

    def gradient(b: NDArray[np.float64]) -> NDArray[np.float64]:
        g: NDArray[np.float64] = design.T @ (expit(design @ b) - y) / len(y)
        return g

    def curvature(b: NDArray[np.float64]) -> NDArray[np.float64]:
        q = expit(design @ b)
        h: NDArray[np.float64] = (design * (q * (1 - q))[:, None]).T @ design / len(y)
        return h

    fit = minimize(
        loss, [0.0, 1.0], jac=gradient, hess=curvature, method="trust-exact", options={"gtol": 1e-9}
    )
    return float(fit.x[1]), float(found)


def probability_figures(
    y_true: ArrayLike, y_score: ArrayLike, clusters: ArrayLike, positive: int
) -> ProbabilityFigures:
    """All of a set of films.

    Args:
        y_true: Class numbers, (n_films,).
        y_score: Probabilities, (n_films, n_classes).
        clusters: Label of each film's patient, (n_films,).
        positive: Number of the class whose slope and intercept are asked for.
    """
    score, of = np.asarray(y_score, dtype=np.float64), np.asarray(clusters)
    true = class_numbers(y_true, score.shape[1], "y_true")
    confidence, right = score.max(axis=1), score.argmax(axis=1) == true
    bins = equal_count_bins(confidence)
    found = []
    for k in np.unique(bins):
        films = bins == k
        n = effective_n(np.unique(of[films], return_counts=True)[1])
        found.append(Bin(int(films.sum()), n, float(confidence[films].mean()), float(right[films].mean())))
    parts, (slope, intercept) = (
        brier_parts(true, score),
        slope_and_intercept(true == positive, score[:, positive]),
    )
    return ProbabilityFigures(
        ece=expected_calibration_error(true, score),
        ece_equal_count=sum(b.n * abs(b.right - b.confidence) for b in found) / len(true),
        brier=brier(true, score),
        reliability=parts.reliability,
        resolution=parts.resolution,
        uncertainty=parts.uncertainty,
        within=parts.within,
        log_loss=log_loss(true, score),
        slope=slope,
        intercept=intercept,
        bins=tuple(found),
    )
