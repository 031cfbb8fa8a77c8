"""A row of statistics by its name, and the rows of a file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from hilum.artifacts.header import checked, read_json
from hilum.artifacts.statistics import StatisticsRow


def find(rows: Iterable[StatisticsRow], metric: str, class_: str, part: str | None = None) -> StatisticsRow:
    """The one row of that metric and class (and part, where given)."""
    found = [r for r in rows if r.metric == metric and r.class_ == class_ and part in (None, r.part)]
    assert len(found) == 1, f"expected one row of {metric!r}, {class_!r}, {part!r}; found {len(found)}"
    return found[0]


def read_statistics(path: Path) -> list[StatisticsRow]:
    """The rows of a file that `hilum evaluate` wrote of a table."""
    return checked(read_json(path), list[StatisticsRow], path)
