"""The report's page: one html file that needs nothing else, on screen or on paper.

Convention: style, figures and the little script are inside the file; figures are data URIs, so that the ids
of two SVGs never meet. Every value that came from outside is escaped by jinja2. The page works without
JavaScript, which only sorts tables, tells the value of a curve under the pointer (`hilum.report.hover`) and opens closed sections
before printing. Which tables and figures there are is decided by the stage. ``parts.html`` has the macros for tables, figures and
sections, for any page that has them.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from hilum import RESEARCH_NOTICE, __version__
from hilum.report.caution import Caution
from hilum.report.table import Table

PAPER_ROWS = 60
"""Rows of a folded table that is printed too."""


@dataclass(frozen=True)
class Picture:
    """A figure of the page.

    Attributes:
        name: Stem of its files.
        caption: One to three sentences.
        alt: What a reader who cannot see it should know.
        data: The bytes.
        mime: ``image/svg+xml`` or ``image/png``.
        width_percent: Of the text's width.
        hover: Its points, from `hilum.report.hover.points`; empty for none.
    """

    name: str
    caption: str
    alt: str
    data: bytes
    mime: str = "image/svg+xml"
    width_percent: int = 100
    hover: str = ""

    @property
    def points(self) -> Markup:
        """`hover` as it stands in the page: JSON without ``<``, so nothing in it can end its element."""
        return Markup(self.hover.replace("<", "\\u003c"))

    @property
    def uri(self) -> Markup:
        """The figure as a data URI."""
        return Markup(f"data:{self.mime};base64,{base64.b64encode(self.data).decode()}")


@dataclass(frozen=True)
class Section:
    """A part of the page: a heading, then paragraphs, then tables and figures in order.

    Attributes:
        anchor: Of the link to it.
        title: Heading.
        paragraphs: Plain text.
        items: Tables and figures.
        closed: Tables that are folded away at first; those of more than `PAPER_ROWS` rows are left out on paper, where their csv says it
            better.
        noted: Whether what must be known of the run's figures stands under its tables (`hilum.report.run_notes`).
    """

    anchor: str
    title: str
    paragraphs: Sequence[str] = ()
    items: Sequence[Table | Picture] = ()
    closed: Sequence[Table] = ()
    noted: bool = True


@dataclass(frozen=True)
class Page:
    """Everything the page says.

    Attributes:
        title: Of the study.
        sentence: The study in one sentence.
        synthetic: Whether its films are synthetic.
        cautions: What a reader must know first.
        lead: The section after the cautions: the results.
        sections: The others, in order.
        glossary: (term, meaning).
        command: How to run it again; empty for unknown.
        facts: (name, value) for reproducing it.
        study: The study as it was run, as JSON; empty for unknown.
        unsafe: What breaks the validity of its numbers, a sentence each; shown above everything.
    """

    title: str
    sentence: str
    synthetic: bool
    cautions: Sequence[Caution]
    lead: Section
    sections: Sequence[Section]
    glossary: Sequence[tuple[str, str]]
    command: str
    facts: Sequence[tuple[str, str]]
    study: str = ""
    unsafe: Sequence[str] = ()


def render(page: Page) -> str:
    """The page as html."""
    return (
        environment()
        .get_template("report.html")
        .render(page=page, notice=RESEARCH_NOTICE, version=__version__, is_table=_is_table)
    )


def _is_table(item: Any) -> bool:
    return isinstance(item, Table)


def with_code(text: str) -> Markup:
    """Escaped text in which what stands between backticks is code.

    >>> with_code("give `a<b`")
    Markup('give <code>a&lt;b</code>')
    """
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


@cache
def environment() -> Environment:
    """The templates of this package; what came from outside is escaped, an unknown name is an error."""
    made = Environment(
        loader=PackageLoader("hilum.report"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["code"] = with_code
    made.globals["paper_rows"] = PAPER_ROWS
    return made
