"""How far readers agree beyond chance: Cohen's kappa of two, Fleiss' kappa of two or more, with intervals.

Convention: kappa = (observed - expected) / (1 - expected). Its variance is that of its linear part, film by film (the delta method), summed
within clusters first, since films of one patient are not independent. With a film a cluster that is Fleiss, Cohen and Everitt's (1969,
Psychol. Bull. 72:323) for two readers and, but for n / (n - 1), Gwet's (2008, Br. J. Math. Stat. Psychol. 61:29) for Fleiss' kappa. Where
disagreements are too few for that (`hilum.stats.proportions.FEW_EVENTS`), the interval is never narrower than what Clopper and Pearson's
limits of the observed agreement allow, so that readers who never disagreed on ten films are not certain to agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from hilum.core.errors import InputError
from hilum.stats.confusion import Undefined, class_numbers
from hilum.stats.proportions import FEW_EVENTS, clopper_pearson, effective_n


@dataclass(frozen=True)
class Agreement:
    """Agreement beyond chance.

    Attributes:
        kappa: 1 where readers always agree, 0 where they agree as often as chance would have it.
        low: Lower end of the interval at the level that was asked for.
        high: Upper end.
        standard_error: Of kappa.
        observed: Share of films (of pairs of readings of a film) that agree.
        expected: Share that would by chance, given how often each class is named.
        n: Films.
        n_clusters: Patients or other units whose films go together.
        method: How the interval was made.
    """

    kappa: float
    low: float
    high: float
    standard_error: float
    observed: float
    expected: float
    n: int
    n_clusters: int
    method: str


def cohen_kappa(
    first: ArrayLike,
    second: ArrayLike,
    n_classes: int,
    clusters: Sequence[Any] | None = None,
    level: float = 0.95,
) -> Agreement | Undefined:
    """Cohen's kappa (1960) of two readers.

    Args:
        first: Class numbers, (n_films,).
        second: Of the same films, by the other reader.
        n_classes: How many classes there are.
        clusters: Label of each film's cluster, (n_films,); None for a film each.
        level: Nominal coverage.

    Raises:
        InputError: Lengths differ, or a class number is out of range.

    >>> found = cohen_kappa([0, 0, 1, 1, 1], [0, 0, 1, 1, 0], 2)
    >>> round(found.kappa, 4), round(found.observed, 4)
    (0.6154, 0.8)
    """
    a, b = class_numbers(first, n_classes, "first"), class_numbers(second, n_classes, "second")
    if len(a) != len(b):
        raise InputError(f"expected two readings of the same films, got {len(a)} and {len(b)}")
    if not len(a):
        return Undefined("no film that both read")
    of_a, of_b = (np.bincount(v, minlength=n_classes) / len(v) for v in (a, b))
    same = (a == b).astype(np.float64)
    return _agreement(same, of_b[a] + of_a[b], float(of_a @ of_b), clusters, level)


def fleiss_kappa(
    counts: ArrayLike, clusters: Sequence[Any] | None = None, level: float = 0.95
) -> Agreement | Undefined:
    """Fleiss' kappa (1971) of films that each have as many readings.

    Args:
        counts: Readings of each film by class, (n_films, n_classes); each row adds up to the same number, 2 or more.
        clusters: Label of each film's cluster, (n_films,); None for a film each.
        level: Nominal coverage.

    Raises:
        InputError: Rows add up to different numbers, or to less than 2.

    >>> found = fleiss_kappa([[3, 0], [0, 3], [1, 2], [3, 0]])
    >>> round(found.kappa, 4), round(found.observed, 4)
    (0.6571, 0.8333)
    """
    n = np.asarray(counts, dtype=np.float64)
    if n.ndim != 2 or not len(n):
        return Undefined("no film that all read")
    readings = n.sum(axis=1)
    m = float(readings[0])
    if (readings != m).any() or m < 2 or (n < 0).any():
        raise InputError(
            f"expected as many readings of each film, 2 or more, got {sorted(set(readings.tolist()))!r}"
        )
    shares = n.sum(axis=0) / n.sum()
    same = ((n * n).sum(axis=1) - m) / (m * (m - 1))
    return _agreement(same, 2 * (n / m) @ shares, float(shares @ shares), clusters, level)


def _agreement(
    same: NDArray[np.float64],
    by_chance: NDArray[np.float64],
    expected: float,
    clusters: Sequence[Any] | None,
    level: float,
) -> Agreement | Undefined:
    """Kappa and its interval.

    Args:
        same: Agreement of each film, (n_films,); their mean is the observed.
        by_chance: Twice the part of each film in the expected agreement, (n_films,): the mean is 2 `expected`.
        expected: Agreement by chance.
        clusters: As above.
        level: Nominal coverage.
    """
    if expected >= 1 - 1e-12:
        return Undefined("every reading names one class")
    n, observed = len(same), float(same.mean())
    kappa = (observed - expected) / (1 - expected)
    part = (same - observed) / (1 - expected) - (1 - observed) / (1 - expected) ** 2 * (
        by_chance - 2 * expected
    )
    labels, of = np.unique(np.arange(n) if clusters is None else np.asarray(clusters), return_inverse=True)
    if len(of) != n:
        raise InputError(f"expected a cluster for each of {n} films, got {len(of)}")
    error = float(np.sqrt((np.bincount(of, weights=part) ** 2).sum())) / n
    reach = float(stats.norm.ppf(0.5 + level / 2)) * error
    low, high, method = kappa - reach, kappa + reach, "delta method"
    if len(labels) < n:
        method += f", films of {len(labels)} clusters together"
    if (1 - observed) * n < FEW_EVENTS:
        units = effective_n(np.bincount(of))
        ends = [(p - expected) / (1 - expected) for p in clopper_pearson(observed * units, units, level)]
        low, high = min(low, ends[0]), max(high, ends[1])
        method += ", never narrower than Clopper-Pearson of the observed agreement (few disagreements)"
    return Agreement(kappa, max(-1.0, low), min(1.0, high), error, observed, expected, n, len(labels), method)
