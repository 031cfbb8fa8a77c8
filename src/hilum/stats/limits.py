"""Whether a figure of a cell rests on few events, and its limits near 0 and 1, where a resample cannot give any.

A bootstrap of films without an error answers [1, 1], and of films with few errors an interval that is too narrow: with a true ROC-AUC
of .99 and 30 films of the class it holds the truth in .82 of studies, with .999 in .53. Where fewer than `FEW_EVENTS` events stand
behind a figure (one rule for rows of statistics and for comparisons) its interval is widened to limits from a model:

- a proportion: Clopper & Pearson's on the effective number of films (`proportions`);
- F1 = 2 F / (1 + F), F = TP / (TP + FP + FN) (Hand, Christen & Kirielle 2021, Mach. Learn. 110:451): F is a proportion of the films
  that are of the class or predicted as it, so its Clopper-Pearson limits give F1's;
- ROC-AUC: Newcombe's method 5 (2006, Statist. Med. 25:559), the score interval on Hanley & McNeil's variance, which keeps its coverage
  at an area of 1;
- PR-AUC and average precision: means over the films of the class of a precision in 0 .. 1, whose variance is at most that of a
  proportion of as many films; Wilson's score interval on the films of the class, in place of Boyd, Eng & Page's logit interval (2013,
  ECML PKDD, LNCS 8190:451) which is undefined at 1.

Films count as their effective number (`proportions.effective_n`). The events of an area are the films' worth that it lacks: (1 - area)
times the scarcer side. Coverage is simulated in tests/properties/test_limits.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from hilum.stats.confusion import Ratio
from hilum.stats.proportions import FEW_EVENTS, clopper_pearson, wilson
from hilum.stats.resampling import Resamples
from hilum.study.metrics import AREAS, METRIC

Limits = Callable[[float], tuple[float, float]]
"""Level -> lower and upper limit, in 0 .. 1."""
NEWCOMBE = "Newcombe's method 5"
"""As a metric names it; any other area has Wilson's interval."""
_EDGE = 1e-9  # an area as near to 0 or 1 is that


def newcombe(area: float, n_positive: float, n_others: float, level: float = 0.95) -> tuple[float, float]:
    """Newcombe's method 5 for a ROC area: all q with |area - q| <= z sqrt(V(q)), V Hanley & McNeil's variance, (m + n) / 2 for m and n.

    Args:
        area: 0 .. 1.
        n_positive: Films of the class, > 0.
        n_others: Other films, > 0.
        level: Nominal coverage.

    >>> [round(v, 4) for v in newcombe(1.0, 30, 60)]
    [0.9503, 1.0]
    """
    z = float(stats.norm.ppf(0.5 + level / 2))
    more = (n_positive + n_others) / 2 - 1

    def beyond(q: float) -> float:
        variance = q * (1 - q) * (1 + more * (1 - q) / (2 - q) + more * q / (1 + q)) / (n_positive * n_others)
        return abs(area - q) - z * float(max(0.0, variance) ** 0.5)

    inside = min(max(area, _EDGE), 1 - _EDGE)

    def crossing(end: float) -> float:
        if beyond(inside) >= 0 or beyond(end) <= 0:  # a level of next to nothing; the area lies at that end
            return area
        return float(optimize.brentq(beyond, inside, end, xtol=1e-9))

    return crossing(0.0), crossing(1.0)


def f1_limits(f1: float, effective: float, level: float = 0.95) -> tuple[float, float]:
    """Limits of F1 through the proportion F = F1 / (2 - F1).

    Args:
        f1: 0 .. 1.
        effective: Effective number of films that are of the class or predicted as it, > 0.
        level: Nominal coverage.

    >>> [round(v, 4) for v in f1_limits(1.0, 30)]  # Clopper-Pearson of 30 of 30 is .8843
    [0.9386, 1.0]
    """
    low, high = clopper_pearson(f1 / (2 - f1) * effective, effective, level)
    return 2 * low / (1 + low), 2 * high / (1 + high)


def area_limits(area: str, value: float, n_positive: float, n_others: float) -> Limits:
    """Limits of an area.

    Args:
        area: Name of the metric.
        value: 0 .. 1.
        n_positive: Effective number of films of the class, > 0.
        n_others: Of the others, > 0.
    """
    if METRIC[area].limits == NEWCOMBE:
        return lambda level: newcombe(value, n_positive, n_others, level)
    return lambda level: wilson(value * n_positive, n_positive, level)


def mean_limits(each: Sequence[Limits], points: NDArray[np.float64], apart: bool) -> Limits:
    """Limits of the mean of several figures.

    Args:
        each: Their own limits.
        points: The figures, (n_trials, n_figures).
        apart: Whether each is of films of its own: then distances from the mean join in squares (Zou & Donner 2008, Statist. Med.
            27:1693). Else they are added, which holds however the figures hang together.
    """
    values = points.mean(axis=0)
    mean, n = float(values.mean()), len(values)

    def limits(level: float) -> tuple[float, float]:
        ends = np.array([given(level) for given in each])
        join = np.hypot.reduce if apart else np.sum
        below, above = (float(join(reach) / n) for reach in (values - ends[:, 0], ends[:, 1] - values))
        return max(0.0, mean - below), min(1.0, mean + above)

    return limits


def area_events(value: float, n_positive: float, n_others: float) -> float:
    """Films' worth of area that is missing (or there, where that is less).

    >>> round(area_events(0.98, 60, 200), 3)
    1.2
    """
    return min(value, 1 - value) * min(n_positive, n_others)


@dataclass(frozen=True)
class Events:
    """What a figure rests on.

    Attributes:
        n: Effective number of events (errors, or what is right where that is less), mean over trials.
        words: ``3 errors``.
        limits: From a model, for the mean over trials.
        method: What they are called.
    """

    n: float
    words: str
    limits: Limits
    method: str

    @property
    def few(self) -> bool:
        """Whether resamples would be too sure."""
        return self.n < FEW_EVENTS


def events_behind(
    counted: Resamples, column: int, metric: str, ratio: Ratio | None, unit: str, rows: slice = slice(None)
) -> Events:
    """The events behind a figure that is defined.

    Args:
        counted: Figures of a cell, or of several.
        column: Of the figure.
        metric: Its name, one of `AREAS` where it is no ratio.
        ratio: What it counts; None for an area.
        unit: What was resampled, for words.
        rows: The trials of the cell.
    """
    value = float(counted.points[rows, column].mean())
    if ratio is None:
        ranking = (column - counted.effective.shape[1]) // len(AREAS)
        positives, others = (float(v) for v in counted.ranked[rows, ranking].mean(axis=0))
        n = area_events(value, positives, others)
        words = f"{n:.3g} films’ worth of area {'missing' if value >= 0.5 else 'there'}"
        return Events(n, words, area_limits(metric, value, positives, others), METRIC[metric].limits)
    n, effective = (float(v[rows, column].mean()) for v in (counted.events, counted.effective))
    one, many = ("error", "errors") if value >= 0.5 else ("success", "successes")
    is_proportion = ratio.metric.is_proportion
    of = "" if is_proportion else " of F = F1 / (2 - F1)"

    def limits(level: float) -> tuple[float, float]:
        if is_proportion:
            return clopper_pearson(value * effective, effective, level)
        return f1_limits(value, effective, level)

    method = f"Clopper-Pearson{of} on effective n = {effective:.6g} {unit}s"
    return Events(n, f"{n:.3g} {one if n == 1 else many}", limits, method)
