"""A table as a notebook shows it: html with a small style, the notice that every page has, and what must be known first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hilum.report.numbers import counted
from hilum.report.table import Table

SHOWN = 12
"""Rows that a notebook shows; all are in `rows`."""


@dataclass(frozen=True)
class Told:
    """What stands above a table in a notebook.

    Attributes:
        title: What it is.
        sentence: What it is about; may be empty.
        cautions: What must be known first, a sentence each.
        unsafe: What breaks the validity of its numbers, a sentence each.
        synthetic: Whether its films are synthetic.
    """

    title: str
    sentence: str = ""
    cautions: Sequence[str] = ()
    unsafe: Sequence[str] = ()
    synthetic: bool = False


def view_html(told: Told, table: Table) -> str:
    """The table's first rows under what is told."""
    from hilum.report.page import from_template  # late: jinja2

    left = len(table.rows) - SHOWN
    rest = f"{counted(left, 'more row')}: .rows() and .to_pandas() have all of them" if left > 0 else ""
    html = from_template("view.html", told=told, table=replace(table, rows=table.rows[:SHOWN]), rest=rest)
    return "\n".join(
        line for line in html.splitlines() if line.strip()
    )  # a blank line would end it in Markdown


def view_text(told: Told, table: Table) -> str:
    """The same in plain text."""
    above = [f"{told.title}: {told.sentence}" if told.sentence else told.title]
    above += [f"UNSAFE: {text}" for text in told.unsafe]
    above += ["Synthetic films."] if told.synthetic else []
    shown = replace(table, rows=table.rows[:SHOWN]).to_text()
    left = len(table.rows) - SHOWN
    below = [f"... and {counted(left, 'more row')}"] if left > 0 else []
    return "\n".join([*above, *told.cautions, shown, *below])
