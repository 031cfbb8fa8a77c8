"""A table as a LaTeX ``table`` float; needs the packages booktabs and array. ``templates/table.tex`` is its form."""

from __future__ import annotations

import re
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from hilum.report.table import Table

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

    >>> latex_escape("50 % of a_b & c")
    '50 \\% of a\\_b \\& c'
    """
    return _LATEX_RE.sub(lambda m: _LATEX[m[0]], text)


def latex(table: Table) -> str:
    """The table's texts; prose columns share seven tenths of the line."""
    share = 0.7 / max(1, sum(c.prose for c in table.columns))
    wide = rf">{{\raggedright\arraybackslash}}p{{{share:.2f}\linewidth}}"
    return _template().render(t=table, wide=wide)


@cache
def _template() -> Template:
    """The form, in whose markers no brace stands: LaTeX is full of them."""
    made = Environment(
        loader=PackageLoader("hilum.report"),
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<<",
        variable_end_string=">>",
        comment_start_string="<#",
        comment_end_string="#>",
    )
    made.filters["tex"] = latex_escape
    return made.get_template("table.tex")
