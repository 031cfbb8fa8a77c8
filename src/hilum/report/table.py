"""A table that is written four ways: as csv, as LaTeX (booktabs), as HTML and as plain text.

Convention: a cell has a text for people and a value for machines. A column may sit under a group heading. LaTeX and HTML have the
texts, two header rows where there are groups, the caption above and the notes below. The csv has the values, a number in a column of its
own: a column whose cells hold several numbers (an interval, say) becomes several, and a numeric column holds numbers or nothing, never
words. Its one header row has names that a program can use, ``group_label`` in lower case. What a table says is decided by its maker.
"""

from __future__ import annotations

import base64
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from hilum.core.tables import table_text
from hilum.report import numbers

_PLAIN = str.maketrans({"\n": " ", "\N{NARROW NO-BREAK SPACE}": "", "\N{NO-BREAK SPACE}": " "})
_WIDEST = 100_000  # characters of a line of plain text, which is never broken or cut


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        label: What stands above it.
        group: What stands above several of them; empty for none.
        numeric: Whether it is set flush right.
        hint: The formula or meaning, shown when the pointer rests on the label.
        rule: Whether a thin line is to its left.
        prose: Whether its words may be broken over lines.
        key: Name in the csv in the place of the label's; of a column with parts in the place of the group's.
        parts: Where each cell holds several values, their names in the csv: ``("low", "high")``.
    """

    label: str
    group: str = ""
    numeric: bool = True
    hint: str = ""
    rule: bool = False
    prose: bool = False
    key: str = ""
    parts: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The column's headings in the csv.

        >>> Column("mean", group="PR-AUC").names, Column("95 %, alone", group="PR-AUC", parts=("low", "high")).names
        (('pr_auc_mean',), ('pr_auc_low', 'pr_auc_high'))
        """
        first = self.key if self.parts and self.key else self.group
        ends = self.parts or (self.key or self.label,)
        return tuple("_".join(w for w in (_name(first), _name(end)) if w) for end in ends)


def _name(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


Number = float | int | None


@dataclass(frozen=True)
class Cell:
    """A cell: a text for people, a value for machines.

    Attributes:
        text: As printed.
        value: As in the csv; a tuple where its column has parts.
        quiet: Whether it is set in grey: another's number, or one that is missing.
        title: Shown when the pointer rests on it.
        strong: Whether it stands out: a row's name.
        shade: From 0 to 1, a background that shows the size; None for none.
        bar: From 0 to 1, a bar of that length in the place of the text; None for none.
        parts: (name, words, ending), a line each on a page, in the place of the text.
        tone: ``good`` or ``bad``, a colour that repeats what the text says.
        picture: Bytes of a JPEG that stands above the text on a page.
    """

    text: str
    value: float | int | str | tuple[Number, ...] | None = None
    quiet: bool = False
    title: str = ""
    strong: bool = False
    shade: float | None = None
    bar: float | None = None
    parts: Sequence[tuple[str, str, str]] = ()
    tone: str = ""
    picture: bytes = b""

    @property
    def picture_uri(self) -> str:
        """The picture as a data URI."""
        return f"data:image/jpeg;base64,{base64.b64encode(self.picture).decode()}"

    @property
    def sorts_by(self) -> float | int | str | None:
        """What a column is sorted by: the value, or the first of several."""
        return self.value[0] if isinstance(self.value, tuple) else self.value


def text_cell(text: str, strong: bool = False, title: str = "") -> Cell:
    """A cell of words."""
    return Cell(text, text, strong=strong, title=title)


def count_cell(n: int | None) -> Cell:
    """A cell of a count."""
    return Cell(numbers.count(n), n, quiet=not n)


def rate_cell(value: float | None, title: str = "", quiet: bool = False, n: int | None = None) -> Cell:
    """A cell of a share between 0 and 1, of `n` films (or units) where that is known."""
    return Cell(numbers.rate(value, numbers.digits(n)), value, quiet=quiet or value is None, title=title)


def seconds_cell(value: float | None, quiet: bool = False) -> Cell:
    """A cell of seconds."""
    return Cell(numbers.seconds(value), value, quiet=quiet or value is None)


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        name: The stem of its files: ``table-4``.
        title: A few words: ``Table 4``.
        caption: One or two sentences that stand alone.
        columns: From left to right.
        rows: Each as long as `columns`.
        notes: Sentences beneath.
        breaks: Rows before which a thin line is drawn.
        sortable: Whether a click on a heading may sort it in the page.
        folded: What the notes are, where a page folds them away; empty where it shows them.
    """

    name: str
    title: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str] = ()
    breaks: frozenset[int] = field(default_factory=frozenset)
    sortable: bool = True
    folded: str = ""

    def __post_init__(self) -> None:
        for k, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                raise ValueError(
                    f"table {self.name!r} row {k}: expected {len(self.columns)} cells, got {len(row)}"
                )
            for column, cell in zip(self.columns, row, strict=True):
                self._check(k, column, cell)
        names = [n for c in self.columns for n in c.names]
        if len(set(names)) < len(names) or "" in names:
            twice = next(n for n in names if names.count(n) > 1 or not n)
            raise ValueError(
                f"table {self.name!r}: two columns of its csv are named {twice!r}; give one a key"
            )

    def _check(self, row: int, column: Column, cell: Cell) -> None:
        """A numeric column holds numbers or nothing; one with parts as many as it has."""
        values = cell.value if isinstance(cell.value, tuple) else (cell.value,)
        if column.parts and cell.value is not None and len(values) != len(column.parts):
            raise ValueError(
                f"table {self.name!r} row {row}, {column.label!r}: expected {len(column.parts)} values, got {values!r}"
            )
        if column.numeric and any(isinstance(v, str) and v for v in values):
            raise ValueError(
                f"table {self.name!r} row {row}, {column.label!r}: expected a number or none, got {cell.value!r}"
            )

    @property
    def grouped(self) -> bool:
        """Whether any column has a group."""
        return any(c.group for c in self.columns)

    def groups(self) -> Iterator[tuple[str, int, int]]:
        """Each group heading, the number of columns that it spans and the first of them, from 1, from left to right."""
        first = 1
        for name, columns in groupby(self.columns, key=lambda c: c.group):
            span = len(list(columns))
            yield name, span, first
            first += span

    def to_csv(self) -> str:
        """The values, with one header row."""
        cells = (zip(self.columns, row, strict=True) for row in self.rows)
        values = ([numbers.exact(v) for c, cell in row for v in _values(c, cell)] for row in cells)
        return table_text([name for c in self.columns for name in c.names], values)

    def to_text(self) -> str:
        """The texts in columns, a line a row however long it is: for a terminal, a pipe, a mail.

        >>> print(Table("t", "T", "", [Column("part", numeric=False), Column("films")], [[text_cell("train"), count_cell(12)]]).to_text())
        part   films
        ------ -----
        train     12
        """
        from rich import box, table  # late: not every reader of tables prints one
        from rich.console import Console
        from rich.text import Text

        rule = box.Box("    \n    \n -  \n" + "    \n" * 5)
        grid = table.Table(box=rule, show_edge=False, padding=(0, 1, 0, 0), pad_edge=False)
        for c in self.columns:
            grid.add_column(
                Text(f"{c.group} {c.label}".strip()), justify="right" if c.numeric else "left", no_wrap=True
            )
        for row in self.rows:
            grid.add_row(*(Text(cell.text.translate(_PLAIN)) for cell in row))
        out = io.StringIO()
        Console(file=out, width=_WIDEST, color_system=None, force_jupyter=False).print(grid)
        lines = [line.rstrip() for line in out.getvalue().splitlines()]
        notes = [n.translate(_PLAIN) for n in self.notes if n]
        return "\n".join([*lines, *([""] if notes else []), *notes])


def plain_table(
    name: str,
    head: Sequence[str],
    rows: Sequence[Sequence[Any]],
    title: str = "",
    caption: str = "",
    notes: Sequence[str] = (),
) -> Table:
    """A table of values as they are; a column of numbers is set flush right.

    Args:
        name: Stem of its files.
        head: Labels of the columns, any words: those whose names in the csv would be alike are numbered there.
        rows: Cells, or values: words, counts, numbers with four decimals, None for what is not known.
        title: As `Table` has it, and so are caption and notes.
    """
    body = [[v if isinstance(v, Cell) else _cell(v) for v in row] for row in rows]
    taken = Counter(["", *map(_name, head)])
    columns = []
    for k, label in enumerate(head):
        words = not body or any(isinstance(row[k].value, str) for row in body)
        columns.append(
            Column(label, numeric=not words, key=f"{label} {k + 1}" if taken[_name(label)] > 1 else "")
        )
    return Table(name, title, caption, columns, body, notes)


def _cell(value: str | float | None) -> Cell:
    if isinstance(value, str):
        return text_cell(value)
    if isinstance(value, float):
        return Cell(f"{value:.4f}", value)
    return Cell(numbers.NONE, None, quiet=True) if value is None else count_cell(value)


def _values(column: Column, cell: Cell) -> Sequence[float | int | str | None]:
    """A cell's values in the csv: one, or as many as its column has parts."""
    if not column.parts:
        return (cell.sorts_by,)
    return cell.value if isinstance(cell.value, tuple) else (None,) * len(column.parts)
