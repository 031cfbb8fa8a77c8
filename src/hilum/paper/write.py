"""The report of the whole paper: the runs of a suite -> ``report.html``, each table as csv and LaTeX, each figure as SVG and PNG.

Convention: ``paper.json`` names the members, which lie beside its folder. Every member must be there and evaluated, its statistics of its
own predictions, else the report is refused. Everything is written into the suite's folder; equal runs give equal bytes.
"""

from __future__ import annotations

from pathlib import Path

from hilum.artifacts.header import Header, write_with_header
from hilum.artifacts.run_files import STATISTICS
from hilum.artifacts.suite_record import SUITE
from hilum.core.digests import sha256_file
from hilum.paper.chapters import chapters
from hilum.paper.claims import findings
from hilum.paper.compose import suite_page
from hilum.paper.studies import Paper
from hilum.report.page import Picture, render
from hilum.report.table import Table
from hilum.report.table_files import write_tables

PAGE = "report.html"


def write_paper_report(folder: Path) -> Path:
    """Write the report of a suite whose studies were run and evaluated.

    Args:
        folder: The suite's folder, which holds ``paper.json``; its members lie beside it.

    Returns:
        The path of ``report.html``.

    Raises:
        InputError: A member does not exist or was not evaluated, or something is malformed.
        DigestError: A member's statistics are of other predictions.
    """
    paper = Paper.read(folder)
    found = findings(paper)
    page = suite_page(paper, found, chapters(paper, folder / "figures"))
    items = [item for s in (page.first, *page.sections) if s for item in (*s.items, *s.closed)]
    tables = [item for item in items if isinstance(item, Table)]
    write_tables(tables, folder)
    path = folder / PAGE
    inputs = {SUITE: sha256_file(folder / SUITE)}
    inputs |= {m.name: sha256_file(m.folder.path / STATISTICS) for m in paper.studies}
    figures = [item.name for item in items if isinstance(item, Picture)]
    options = {"tables": [t.name for t in tables], "figures": figures}
    write_with_header(path, render(page), Header("paper-report", inputs, options))
    return path
