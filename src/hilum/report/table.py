"""A table that is written three ways: as csv, as LaTeX (booktabs) and as HTML.

Convention: a cell has a text for people and a value for machines. A column may sit under a group heading. The
csv has one header row, ``group: label`` where there is a group, and the values; LaTeX and HTML have the
texts, two header rows where there are groups, the caption above and the notes below. What a table says is
decided in `hilum.report.tables`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from hilum.report import numbers

_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "–": "--", "—": "---", "×": r"$\times$", "≤": r"$\leq$", "≥": r"$\geq$",
    "\N{NARROW NO-BREAK SPACE}": r"\,",
    "\N{NO-BREAK SPACE}": "~", "±": r"$\pm$", "→": r"$\rightarrow$", "·": r"$\cdot$", "−": "$-$", "’": "'",
}  # fmt: skip
_LATEX_RE = re.compile("|".join(re.escape(c) for c in _LATEX))


def latex_escape(text: str) -> str:
    r"""Text in which LaTeX finds no command.

    >>> latex_escape("50 % of resnet50_a & b")
    '50 \\% of resnet50\\_a \\& b'
    """
    return _LATEX_RE.sub(lambda m: _LATEX[m[0]], text)


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
    """

    label: str
    group: str = ""
    numeric: bool = True
    hint: str = ""
    rule: bool = False
    prose: bool = False


@dataclass(frozen=True)
class Cell:
    """A cell: a text for people, a value for machines.

    Attributes:
        text: As printed.
        value: As in the csv.
        quiet: Whether it is set in grey: another's number, or one that is missing.
        title: Shown when the pointer rests on it.
        strong: Whether it stands out: a row's name.
        shade: From 0 to 1, a background that shows the size; None for none.
    """

    text: str
    value: float | int | str | None = None
    quiet: bool = False
    title: str = ""
    strong: bool = False
    shade: float | None = None


def text_cell(text: str, strong: bool = False, title: str = "") -> Cell:
    """A cell of words."""
    return Cell(text, text, strong=strong, title=title)


def count_cell(n: int | None) -> Cell:
    """A cell of a count."""
    return Cell(numbers.count(n), n, quiet=not n)


def rate_cell(value: float | None, title: str = "", quiet: bool = False) -> Cell:
    """A cell of a share between 0 and 1."""
    return Cell(numbers.rate(value), value, quiet=quiet or value is None, title=title)


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
    """

    name: str
    title: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str] = ()
    breaks: frozenset[int] = field(default_factory=frozenset)
    sortable: bool = True

    def __post_init__(self) -> None:
        for k, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                raise ValueError(
                    f"table {self.name!r} row {k}: expected {len(self.columns)} cells, got {len(row)}"
                )

    @property
    def grouped(self) -> bool:
        """Whether any column has a group."""
        return any(c.group for c in self.columns)

    def groups(self) -> Iterator[tuple[str, int]]:
        """Each group heading and the number of columns that it spans, from left to right."""
        for name, columns in groupby(self.columns, key=lambda c: c.group):
            yield name, len(list(columns))

    def to_csv(self) -> str:
        """The values, with one header row."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([f"{c.group}: {c.label}" if c.group else c.label for c in self.columns])
        for row in self.rows:
            writer.writerow([numbers.exact(cell.value) for cell in row])
        return out.getvalue()

    def to_latex(self) -> str:
        """A ``table`` float; needs the packages booktabs and array. Prose columns share seven tenths of the line."""
        n_prose = max(1, sum(c.prose for c in self.columns))
        wide = rf">{{\raggedright\arraybackslash}}p{{{0.7 / n_prose:.2f}\linewidth}}"
        spec = "".join("r" if c.numeric else wide if c.prose else "l" for c in self.columns)
        lines = [
            "% needs \\usepackage{array,booktabs}; wide tables: \\usepackage{graphicx} and "
            "\\resizebox{\\linewidth}{!}{...}; long ones: longtable",
            r"\begin{table}[htbp]",
            r"\centering\small",
            rf"\caption{{{latex_escape(self.caption)}}}",
            rf"\label{{tab:{self.name}}}",
            rf"\begin{{tabular}}{{{spec}}}",
            r"\toprule",
        ]
        if self.grouped:
            heads, rules, at = [], [], 1
            for name, span in self.groups():
                heads.append(
                    rf"\multicolumn{{{span}}}{{c}}{{{latex_escape(name)}}}" if name else "&" * (span - 1)
                )
                if name:
                    rules.append(rf"\cmidrule(lr){{{at}-{at + span - 1}}}")
                at += span
            lines += [" & ".join(heads) + r" \\", " ".join(rules)]
        lines += [" & ".join(latex_escape(c.label) for c in self.columns) + r" \\", r"\midrule"]
        for k, row in enumerate(self.rows):
            if k in self.breaks and k:
                lines.append(r"\addlinespace")
            lines.append(" & ".join(latex_escape(cell.text) for cell in row) + r" \\")
        lines += [r"\bottomrule", r"\end{tabular}"]
        if self.notes:
            lines.append(rf"\par\smallskip\footnotesize {latex_escape(' '.join(self.notes))}")
        return "\n".join([*lines, r"\end{table}", ""])
