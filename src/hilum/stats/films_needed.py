"""How many test films an estimate needs for an interval of a wanted half-width: for the next study's plan.

A rate p known to +- w needs z^2 p (1 - p) / w^2 films of the class that it is a share of; divided by that class's share of all films these
are the films to collect (Buderer 1996, Acad. Emerg. Med. 3:895). A ROC area has Hanley and McNeil's variance (1982, Radiology 143:29).
Films of one patient say less than as many patients': both numbers are multiplied by the design effect, the observed variance over that of
independent films (Kish 1965). Chance in training is not in it: no number of films makes trials agree.
"""

from __future__ import annotations

import math

from scipy import special

from hilum.core.errors import InputError

_MOST_FILMS = 10**7


def films_for_rate(p: float, half_width: float, design_effect: float = 1.0, level: float = 0.95) -> int:
    """Films of the class that a rate is a share of.

    Args:
        p: The expected rate, 0 .. 1.
        half_width: Wanted, 0 .. 1.
        design_effect: From 1 on.
        level: Of the interval.

    Raises:
        InputError: A half-width that is not between 0 and 1, or a rate beyond 0 .. 1.

    >>> films_for_rate(0.80, 0.05)
    246
    """
    _check(p, half_width)
    return _up(_z(level) ** 2 * p * (1 - p) / half_width**2 * design_effect)


def films_for_area(
    area: float, half_width: float, prevalence: float, design_effect: float = 1.0, level: float = 0.95
) -> int | None:
    """Films of all classes for a ROC area; None where ten million are too few.

    Args:
        area: Expected, 0 .. 1.
        half_width: Wanted, 0 .. 1.
        prevalence: Share of the films that are of the class, between 0 and 1.
        design_effect: From 1 on.
        level: Of the interval.

    Raises:
        InputError: As `films_for_rate`; a prevalence that is not between 0 and 1.
    """
    _check(area, half_width)
    if not 0 < prevalence < 1:
        raise InputError(f"expected a prevalence between 0 and 1, got {prevalence!r}")
    wanted = (half_width / _z(level)) ** 2
    low, high = 1, _MOST_FILMS
    while low < high:
        n = (low + high) // 2
        enough = hanley_mcneil_variance(area, n * prevalence, n * (1 - prevalence)) * design_effect <= wanted
        low, high = (low, n) if enough else (n + 1, high)
    return low if low < _MOST_FILMS else None


def hanley_mcneil_variance(area: float, n_positive: float, n_others: float) -> float:
    """Variance of a ROC area of independent films."""
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    more = (n_positive - 1) * (q1 - area**2) + (n_others - 1) * (q2 - area**2)
    return max(0.0, area * (1 - area) + more) / (n_positive * n_others)


def _z(level: float) -> float:
    return float(special.ndtri(0.5 + level / 2))


def _up(value: float) -> int:
    return math.ceil(value - 1e-9)


def _check(p: float, half_width: float) -> None:
    if not (0 <= p <= 1 and 0 < half_width < 1):
        raise InputError(
            f"expected an estimate in 0 .. 1 and a half-width between 0 and 1, got {p!r} and {half_width!r}"
        )
