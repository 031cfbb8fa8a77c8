"""A page: one html file that needs nothing else, on screen or on paper.

Convention: style, figures and the little script are inside the file; figures are data URIs, so that the ids
of two SVGs never meet. Every value that came from outside is escaped by jinja2. The page works without
JavaScript, which only sorts tables, tells the value of a curve under the pointer (`hilum.report.hover`) and opens closed sections
before printing. What stands on a page is decided by its maker; ``page.html`` shows any.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from hilum import RESEARCH_NOTICE, __version__
from hilum.core.files import write_text
from hilum.report.caution import Caution, by_severity
from hilum.report.table import Table
from hilum.report.table_files import write_tables

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
        file: Where it lies, from the page's folder, if not in ``figures``.
    """

    name: str
    caption: str
    alt: str
    data: bytes
    mime: str = "image/svg+xml"
    width_percent: int = 100
    hover: str = ""
    file: str = ""

    @property
    def title(self) -> str:
        """The caption up to its first stop: what it is called where it is folded away."""
        return re.split(r"[:.;]", self.caption)[0]

    @property
    def points(self) -> Markup:
        """`hover` as it stands in the page."""
        return json_inside(self.hover)

    @property
    def uri(self) -> Markup:
        """The figure as a data URI."""
        return embedded(self.data, self.mime)


@dataclass(frozen=True)
class Section:
    """A part of the page: a heading, then paragraphs, then tables and figures in order.

    Attributes:
        anchor: Of the link to it.
        title: Heading.
        paragraphs: Plain text.
        items: Tables and figures.
        closed: Tables and figures that are folded away at first; tables of more than `PAPER_ROWS` rows are left out on paper, where their
            csv says it better.
        brief: What it says, in a sentence: it stands at the top of a study's page with a link, and beside the title of a folded section.
        folded: Whether all of it is folded away at first, its title and `brief` left.
        noted: Whether what must be known of the run's figures stands under its tables (`hilum.report.run_notes`).
        unsafe: What breaks the validity of its numbers, a sentence each.
    """

    anchor: str
    title: str
    paragraphs: Sequence[str] = ()
    items: Sequence[Table | Picture] = ()
    closed: Sequence[Table | Picture] = ()
    brief: str = ""
    folded: bool = False
    noted: bool = True
    unsafe: Sequence[str] = ()


@dataclass(frozen=True)
class Page:
    """Everything a page says: of a study, a suite, a comparison, an audit, or an evaluated table.

    Attributes:
        kind: What it is a page of: ``study``, ``suite`` ...
        title: Heading.
        sentence: What it is about, in one or two sentences.
        sections: In order.
        cautions: What a reader must know first.
        first: A section that stands above the cautions; None for none.
        headline: (model, its figures in words): what a reader came for; with the sections' `brief` it opens the page.
        glossary: (term, meaning).
        command: How to make it again; empty for unknown.
        facts: (name, value) for reproducing it.
        study: The study as it was run, as JSON; empty for unknown.
        unsafe: What breaks the validity of its numbers, a sentence each; shown above everything.
        synthetic: Whether its films are synthetic.
    """

    kind: str
    title: str
    sentence: str
    sections: Sequence[Section]
    cautions: Sequence[Caution] = ()
    first: Section | None = None
    headline: Sequence[tuple[str, str]] = ()
    glossary: Sequence[tuple[str, str]] = ()
    command: str = ""
    facts: Sequence[tuple[str, str]] = ()
    study: str = ""
    unsafe: Sequence[str] = ()
    synthetic: bool = False

    @property
    def contents(self) -> list[tuple[str, str]]:
        """(anchor, title) of each part, from top to bottom."""
        return [
            *([("short", "In short")] if self.headline else []),
            *([(self.first.anchor, self.first.title)] if self.first else []),
            *([("cautions", "Read this first")] if self.cautions else []),
            *((s.anchor, s.title) for s in self.sections),
            *([("terms", "Terms")] if self.glossary else []),
            *([("again", "Reproduce")] if self.command or self.facts else []),
        ]

    @property
    def kinds_of_caution(self) -> list[list[Caution]]:
        """The cautions, the gravest first, those of one kind together."""
        found: dict[str, list[Caution]] = {}
        for c in by_severity(self.cautions):
            found.setdefault(c.code, []).append(c)
        return list(found.values())

    @property
    def in_short(self) -> list[tuple[str, str, str]]:
        """(anchor, title, what it says) of the cautions, and of each section that says it in a sentence; no anchor where there is none."""
        kinds = self.kinds_of_caution
        said = (
            "; ".join(f"{k[0].title} ({k[0].severity})" for k in kinds)
            or "the report’s own checks found nothing, which is no proof"
        )
        return [
            ("cautions" if kinds else "", "Read this first", f"{said}."),
            *((s.anchor, s.title, s.brief) for s in self.sections if s.brief),
        ]

    @property
    def brief(self) -> str:
        """What it is about and what to know first, in lines of plain text."""
        return "\n".join([self.sentence, *map(str, by_severity(self.cautions))])

    @property
    def tables(self) -> list[Table]:
        """Every table on the page."""
        parts = [*([self.first] if self.first else []), *self.sections]
        return [t for s in parts for t in (*s.items, *s.closed) if isinstance(t, Table)]


def render(page: Page) -> str:
    """The page as html."""
    return from_template("page.html", page=page)


def from_template(name: str, **values: object) -> str:
    """What a template of this package makes of values; it has the research note and hilum's version too."""
    return _environment().get_template(name).render(notice=RESEARCH_NOTICE, version=__version__, **values)


def embedded(data: bytes, mime: str) -> Markup:
    """A data URI."""
    return Markup(f"data:{mime};base64,{base64.b64encode(data).decode()}")


def json_inside(text: str) -> Markup:
    """JSON as it stands in a page: without ``<``, so nothing in it can end its element."""
    return Markup(text.replace("<", "\\u003c"))


def write_page(page: Page, path: Path) -> None:
    """Write a page, and its tables beside it."""
    write_tables(page.tables, path.parent)
    write_text(path, render(page))


def with_code(text: str) -> Markup:
    """Escaped text in which what stands between backticks is code.

    >>> with_code("give `a<b`")
    Markup('give <code>a&lt;b</code>')
    """
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


@cache
def _environment() -> Environment:
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
    made.tests["table"] = lambda item: isinstance(item, Table)
    return made
