"""Beside another source: its numbers for the study's cells, where there is one."""

from __future__ import annotations

from hilum.report import numbers
from hilum.report.evaluated import Evaluated
from hilum.report.page import Section


def section(evaluated: Evaluated) -> Section | None:
    """The source's tables; None without any."""
    beside = evaluated.beside
    if not beside.tables:
        return None
    whose = numbers.capital(beside.whose)
    said = f"{whose}’s numbers stand in grey; a dash says that it has none."
    return Section("beside", f"Beside {beside.whose}", (said,), beside.tables)
