"""Which rows of a benchmark fell behind ratios that were stored: the arithmetic of `make bench-compare`, and nothing that measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

TOLERANCE = 0.10
"""A ratio may be lower than the stored one by this share of it."""


class Regression(NamedTuple):
    """A row that fell behind.

    Attributes:
        name: Of the row.
        stored: Its ratio as it was stored; None where the row is new.
        now: Its ratio now; None where there is none any more.
        words: What happened.
    """

    name: str
    stored: float | None
    now: float | None
    words: str


def ratios(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Name -> ratio, of rows whose rival could be had."""
    return {r["name"]: float(r["ratio"]) for r in rows if r.get("ratio") is not None}


def regressed(
    stored: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]], tolerance: float = TOLERANCE
) -> list[Regression]:
    """Rows whose ratio fell by more than `tolerance` of the stored one.

    A row that has no ratio now, because its rival could not be had, is none: there is nothing to compare it with (`uncompared`).

    >>> regressed([{"name": "a", "ratio": 2.0}], [{"name": "a", "ratio": 1.7}])[0].words
    '1.70 times the rival, 15 % below the stored 2.00'
    """
    before, found = ratios(stored), []
    for name, ratio in ratios(now).items():
        was = before.get(name)
        if was is not None and ratio < (1 - tolerance) * was:
            words = f"{ratio:.2f} times the rival, {1 - ratio / was:.0%} below the stored {was:.2f}"
            found.append(Regression(name, was, ratio, words.replace("%", " %")))
    return found


def uncompared(stored: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> list[Regression]:
    """Rows that are on one side only, with the reason."""
    before, after = ratios(stored), ratios(now)
    why = {r["name"]: r.get("missing", "") for r in now}
    gone = [
        Regression(n, before[n], None, why.get(n) or "not measured now") for n in before if n not in after
    ]
    return gone + [Regression(n, None, after[n], "not stored yet") for n in after if n not in before]
