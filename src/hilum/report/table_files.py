"""Tables as files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from hilum.core.files import write_text
from hilum.report.latex import latex
from hilum.report.table import Table


def write_tables(tables: Iterable[Table], folder: Path) -> None:
    """Write each as csv and as LaTeX into ``tables`` of a folder."""
    for table in tables:
        write_text(folder / "tables" / f"{table.name}.csv", table.to_csv())
        write_text(folder / "tables" / f"{table.name}.tex", latex(table))
