"""How the pages write numbers."""

from __future__ import annotations

NONE = "–"


def rate(value: float | None, n: int | None = None) -> str:
    """A share, with as many decimals as one of `n` films moves.

    >>> rate(0.98765, 60), rate(0.98765, 700), rate(0.98765), rate(None)
    ('0.99', '0.988', '0.988', '–')
    """
    return NONE if value is None else f"{value:.{2 if n is not None and n <= 100 else 3}f}"


def interval(low: float | None, high: float | None, n: int | None = None) -> str:
    """Both ends of an interval.

    >>> interval(0.9, 1.0, 700), interval(None, None)
    ('0.900 to 1.000', '–')
    """
    return NONE if low is None or high is None else f"{rate(low, n)} to {rate(high, n)}"


def signed(value: float | None) -> str:
    """A number that may be below 0, with a minus sign that reads as one.

    >>> signed(-0.25), signed(0.5), signed(-0.0001)
    ('−0.250', '0.500', '0.000')
    """
    return NONE if value is None else f"{round(value, 3) + 0.0:.3f}".replace("-", "−")


def p_value(value: float | None) -> str:
    """A p-value.

    >>> p_value(0.0312), p_value(0.0004), p_value(1.0), p_value(None)
    ('0.031', '< 0.001', '1.000', '–')
    """
    return NONE if value is None else "< 0.001" if value < 0.001 else f"{value:.3f}"


def counted(n: int, one: str, many: str = "") -> str:
    """A number of things.

    >>> counted(1, "film"), counted(2, "film"), counted(0, "study", "studies")
    ('1 film', '2 films', '0 studies')
    """
    return f"{n} {one if n == 1 else many or one + 's'}"
