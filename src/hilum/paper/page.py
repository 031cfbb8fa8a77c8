"""The page of the whole paper: one html file that needs nothing else, on screen or on paper.

Convention: as `hilum.report.page`, whose tables, figures and script it uses. The claims come first, each with its verdict as a word (the
colour only repeats it). A chapter of a study with unsafe faults has a banner of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hilum import RESEARCH_NOTICE, __version__
from hilum.paper.claims import Finding
from hilum.report.caution import Caution
from hilum.report.page import Section, environment
from hilum.report.table import Table


@dataclass(frozen=True)
class Chapter:
    """A section with its banner.

    Attributes:
        section: What it holds.
        unsafe: What breaks the validity of its numbers, a sentence each; empty for nothing.
    """

    section: Section
    unsafe: Sequence[str] = ()


@dataclass(frozen=True)
class Gathered:
    """The cautions of one kind over all studies: folded on the page, for a suite has many.

    Attributes:
        title: Of the kind.
        parts: (names of the studies, their caution).
    """

    title: str
    parts: tuple[tuple[str, Caution], ...]

    @property
    def to_do(self) -> str:
        """What to do, once where all parts say the same."""
        return " ".join(dict.fromkeys(c.to_do for _, c in self.parts if c.to_do))


@dataclass(frozen=True)
class PaperPage:
    """Everything the page says.

    Attributes:
        title: Of the suite.
        sentence: What was run.
        synthetic: Whether any film is synthetic.
        findings: The claims.
        cautions: What a reader must know.
        chapters: In order.
        command: How to run it again; empty for unknown.
        facts: (name, value) for reproducing it.
    """

    title: str
    sentence: str
    synthetic: bool
    findings: Sequence[Finding]
    cautions: Sequence[Gathered]
    chapters: Sequence[Chapter]
    command: str
    facts: Sequence[tuple[str, str]]


def render(page: PaperPage) -> str:
    """The page as html."""
    return (
        environment()
        .get_template("paper.html")
        .render(
            page=page, notice=RESEARCH_NOTICE, version=__version__, is_table=lambda x: isinstance(x, Table)
        )
    )
