"""What is chosen on validation films (operating point, temperature), and how well calibrated scores are.

Conventions: a film is called positive when score >= threshold. A threshold is put halfway between two
neighbouring scores, so that rounding scores in a file changes no decision. Nothing here sees test films;
applying a threshold to them is the caller's.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from hilum.core.errors import InputError
from hilum.stats.confusion import class_numbers
from hilum.stats.curves import cumulative_counts

RULES = "'youden', 'sensitivity>=X' or 'specificity>=X' with X between 0 and 1"
_RULE = re.compile(r"(sensitivity|specificity)\s*>=\s*(0?\.\d+|1(?:\.0*)?|0)")
_LOG_T = math.log(100.0)  # temperatures from 1/100 to 100: beyond, probabilities are one-hot or flat


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold and what it gave on the films it was chosen on.

    Attributes:
        threshold: Positive when score >= threshold.
        rule: The rule as given.
        sensitivity: On those films.
        specificity: On those films.
        n: Those films.
        n_positive: Positives among them.
    """

    threshold: float
    rule: str
    sensitivity: float
    specificity: float
    n: int
    n_positive: int


@dataclass(frozen=True)
class Temperature:
    """A fitted temperature.

    Attributes:
        value: Logits are divided by it; above 1 softens.
        nll_before: Mean negative log-likelihood at temperature 1, in nats.
        nll_after: At `value`.
        at_bound: True where the best temperature lies beyond 1/100 .. 100 (films all right, or scores
            useless).
    """

    value: float
    nll_before: float
    nll_after: float
    at_bound: bool


def check_rule(rule: str) -> None:
    """Check that a rule is one that `choose_threshold` knows, before there are films.

    Raises:
        InputError: It is not.

    >>> check_rule("sensitivity>=0.9")
    """
    if rule.strip() != "youden" and _RULE.fullmatch(rule.strip()) is None:
        raise InputError(f"unknown rule {rule!r} for the operating point; known: {RULES}")


def choose_threshold(y_true: ArrayLike, y_score: ArrayLike, rule: str = "youden") -> OperatingPoint:
    """Choose an operating point on validation films.

    Rules: ``"youden"`` takes the largest sensitivity + specificity - 1 (Youden 1950); ``"sensitivity>=0.95"``
    the most specific threshold that reaches that sensitivity; ``"specificity>=0.95"`` the most sensitive that
    reaches that specificity (calling no film positive always does). Youden's tie goes to the lowest
    threshold, which is the more sensitive; the other two rules break a tie by the other figure.

    Args:
        y_true: Boolean or 0 and 1, (n_films,).
        y_score: Probability of the positive class, 0 .. 1, (n_films,).
        rule: One of the above.

    Raises:
        InputError: An unknown rule, a score outside 0 .. 1, or films of one side only.

    >>> point = choose_threshold([0, 0, 1, 1], [.1, .4, .35, .8], "sensitivity>=0.95")
    >>> round(point.threshold, 4), point.sensitivity, point.specificity
    (0.225, 1.0, 0.5)
    """
    check_rule(rule)
    score = np.asarray(y_score, dtype=np.float64)
    if score.size and not ((score >= 0) & (score <= 1)).all():
        raise InputError(
            f"expected probabilities in 0 .. 1, got {float(score.min())!r} .. {float(score.max())!r}"
        )
    thresholds, tp, fp = cumulative_counts(y_true, score)
    if not tp.size or tp[-1] == 0 or fp[-1] == 0:
        counts = (int(tp[-1]), int(fp[-1])) if tp.size else (0, 0)
        raise InputError(
            f"an operating point needs films of both sides; got {counts[0]} positive, {counts[1]} other"
        )
    # the first candidate calls no film positive
    sensitivity, specificity = np.append(0.0, tp / tp[-1]), np.append(1.0, 1 - fp / fp[-1])
    # whole-number comparison: two thresholds tie exactly, whatever the rounding of their ratios
    youden = np.append(0.0, tp * fp[-1] - fp * tp[-1])
    parsed = _RULE.fullmatch(rule.strip())
    if parsed is None:
        chosen = _last(youden == youden.max())
    elif parsed[1] == "sensitivity":
        enough = sensitivity >= float(parsed[2])
        chosen = _last(enough & (specificity == specificity[enough].max()))
    else:
        enough = specificity >= float(parsed[2])
        most = enough & (sensitivity == sensitivity[enough].max())
        chosen = int(np.flatnonzero(most)[0])  # of equally sensitive ones the most specific
    edges = np.concatenate([[math.nextafter(1, 2) if thresholds[0] == 1 else 1.0], thresholds, [0.0]])
    return OperatingPoint(
        _between(float(edges[chosen + 1]), float(edges[chosen])),
        rule,
        float(sensitivity[chosen]),
        float(specificity[chosen]),
        int(tp[-1] + fp[-1]),
        int(tp[-1]),
    )


def _last(where: NDArray[np.bool_]) -> int:
    return int(np.flatnonzero(where)[-1])


def _between(lower: float, upper: float) -> float:
    """A threshold above `lower` and not above `upper`, halfway where floats allow it."""
    middle = lower + (upper - lower) / 2
    return middle if middle > lower else upper


def fit_temperature(logits: ArrayLike, y_true: ArrayLike) -> Temperature:
    """The temperature that minimises the negative log-likelihood of validation films (Guo et al. 2017).

    Args:
        logits: Logits or log-probabilities, finite, (n_films, n_classes).
        y_true: Class numbers, (n_films,).

    Raises:
        InputError: Shapes disagree, or a logit is not finite.
    """
    z = np.asarray(logits, dtype=np.float64)
    if z.ndim != 2 or not len(z) or not np.isfinite(z).all():
        raise InputError(f"expected finite logits (n_films, n_classes), got shape {z.shape}")
    true = class_numbers(y_true, z.shape[1], "y_true")
    if len(true) != len(z):
        raise InputError(
            f"{len(z)} films with logits and {len(true)} with a class; they must be the same films"
        )
    rows = np.arange(len(z))

    def nll(log_t: float) -> float:
        return -float(log_softmax(z * math.exp(-log_t), axis=1)[rows, true].mean())

    # convex in 1 / T; the valley is at infinity if every film is right, at 0 if the truth scores no better
    # than the mean class, else between, where a bounded scalar search finds it
    if (z[rows, true] == z.max(axis=1)).all():
        log_t, at_bound = -_LOG_T, True
    elif z[rows, true].mean() <= z.mean():
        log_t, at_bound = _LOG_T, True
    else:
        found = minimize_scalar(nll, bounds=(-_LOG_T, _LOG_T), method="bounded", options={"xatol": 1e-8})
        log_t = float(found.x)
        at_bound = abs(log_t) > _LOG_T - 1e-3
    return Temperature(math.exp(log_t), nll(0.0), nll(log_t), at_bound)


def apply_temperature(logits: ArrayLike, temperature: float) -> NDArray[np.float64]:
    """Probabilities (n_films, n_classes) of logits or log-probabilities at a temperature > 0.

    >>> apply_temperature([[0., 2.]], 2.).round(4).tolist()
    [[0.2689, 0.7311]]
    """
    if not temperature > 0:
        raise InputError(f"a temperature is above 0, got {temperature!r}")
    probabilities: NDArray[np.float64] = softmax(np.asarray(logits, dtype=np.float64) / temperature, axis=1)
    return probabilities


@dataclass(frozen=True)
class Reliability:
    """Confidence and accuracy by bins of equal width.

    Attributes:
        edges: float64 (n_bins + 1,), 0 .. 1.
        n: int64 (n_bins,), films in each bin.
        confidence: float64 (n_bins,), mean confidence; NaN in an empty bin.
        accuracy: float64 (n_bins,), share right; NaN in an empty bin.
    """

    edges: NDArray[np.float64]
    n: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]

    @property
    def expected_error(self) -> float:
        """Mean over films of |accuracy - confidence| of their bin."""
        full = self.n > 0
        gap = np.abs(self.accuracy[full] - self.confidence[full])
        return float((gap * self.n[full]).sum() / self.n.sum())


def reliability(confidence: ArrayLike, right: ArrayLike, n_bins: int = 15) -> Reliability:
    """Bins of equal width, closed below and open above; 1.0 goes into the last.

    Args:
        confidence: 0 .. 1, (n_films,).
        right: Boolean or 0 and 1, (n_films,): prediction right, or film positive.
        n_bins: Number of bins.
    """
    c, r = np.asarray(confidence, dtype=np.float64), np.asarray(right, dtype=np.float64)
    if c.ndim != 1 or c.shape != r.shape or not len(c) or not ((c >= 0) & (c <= 1)).all():
        raise InputError(f"expected confidences in 0 .. 1, one a film, got shapes {c.shape} and {r.shape}")
    edges = np.linspace(0.0, 1.0, n_bins + 1)
    bins = np.clip(np.searchsorted(edges, c, side="right") - 1, 0, n_bins - 1)
    n = np.bincount(bins, minlength=n_bins)
    safe = np.maximum(n, 1)
    means = [np.where(n > 0, np.bincount(bins, v, n_bins) / safe, np.nan) for v in (c, r)]
    return Reliability(edges, n, means[0], means[1])


def expected_calibration_error(y_true: ArrayLike, y_score: ArrayLike, n_bins: int = 15) -> float:
    """ECE of the predicted class's probability (Naeini et al. 2015; Guo et al. 2017), L1, bins of equal
    width.

    Args:
        y_true: Class numbers, (n_films,).
        y_score: Probabilities, (n_films, n_classes).
        n_bins: Number of bins.
    """
    score = np.asarray(y_score, dtype=np.float64)
    true = class_numbers(y_true, score.shape[1], "y_true")
    return reliability(score.max(axis=1), score.argmax(axis=1) == true, n_bins).expected_error


def brier(y_true: ArrayLike, y_score: ArrayLike) -> float:
    """Brier's score (1950): mean over films of the squared distance to the one-hot truth, 0 .. 2.

    Args:
        y_true: Class numbers, (n_films,).
        y_score: Probabilities, (n_films, n_classes).

    >>> round(brier([0, 1], [[.9, .1], [.4, .6]]), 4)
    0.17
    """
    score = np.asarray(y_score, dtype=np.float64)
    true = class_numbers(y_true, score.shape[1], "y_true")
    return float(((score - np.eye(score.shape[1])[true]) ** 2).sum(axis=1).mean())
