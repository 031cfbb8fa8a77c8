"""The report of the whole paper: the runs of a suite -> ``report.html``, each table as csv and LaTeX, each figure as SVG and PNG.

Convention: ``paper.json`` names the members, which lie beside its folder. Every member must be there and evaluated, its statistics of its
own predictions, else the report is refused. Everything is written into the suite's folder; equal runs give equal bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hilum.artifacts.header import Header, write_with_header
from hilum.artifacts.run_files import STATISTICS
from hilum.artifacts.suite_record import NAME
from hilum.core.digests import sha256_file
from hilum.core.progress import progress
from hilum.paper import pictures
from hilum.paper.claims import findings
from hilum.paper.compose import compose
from hilum.paper.count_tables import count_table
from hilum.paper.experiment_tables import experiment_tables
from hilum.paper.member import Member, Paper
from hilum.paper.tables import family_tables, paper_tables
from hilum.report.page import Picture, render
from hilum.report.table import write_tables

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
    tables = paper_tables(paper, found)
    write_tables(tables.values(), folder)
    drawn, of_member = _pictures(paper, folder / "figures")
    for m in paper.members:
        of_member[m.name] = _order(m, paper, of_member[m.name], list(tables))
    page = render(compose(paper, found, tables, drawn, of_member))
    path = folder / PAGE
    inputs = {NAME: sha256_file(folder / NAME)}
    inputs |= {m.name: sha256_file(m.folder.path / STATISTICS) for m in paper.members}
    options = {"tables": list(tables), "figures": list(drawn)}
    write_with_header(path, page, Header("paper-report", inputs, options))
    return path


def _pictures(paper: Paper, out: Path) -> tuple[dict[str, Picture], dict[str, list[str]]]:
    """Every figure by name, and the names of each member's."""
    found: dict[str, Picture] = {}
    of_member: dict[str, list[str]] = {}
    with progress("figures", len(paper.members), "studies") as step:
        for m in paper.members:
            made = _of_member(m, paper, out)
            found.update({p.name: p for p in made})
            of_member[m.name] = [p.name for p in made]
            step()
    if paper.experiment(5) is None:
        picture = pictures.architecture_picture(None, out)
        found[picture.name] = picture
    return found, of_member


def _of_member(m: Member, paper: Paper, out: Path) -> list[Picture]:
    makers: list[Callable[[], Picture | None]] = []
    described = m in paper.as_described
    first: dict[int, Callable[[], Picture | None]] = {
        3: lambda: pictures.rate_picture(m, out),
        4: lambda: pictures.plateau_picture(m, out),
        5: lambda: pictures.architecture_picture(m, out),
    }
    if described and m.experiment in first:
        makers.append(first[m.experiment])
    makers.append(lambda: pictures.loss_picture(m, described, out))
    if described and m.experiment in (2, 3):
        makers.append(lambda: pictures.pr_picture(m, paper, out))
    made = [p for make in makers if (p := make()) is not None]
    return [*made, *(pictures.copied_pictures(m, out) if described and m.experiment in (1, 2) else [])]


def _order(m: Member, paper: Paper, drawn: list[str], tables: list[str]) -> list[str]:
    """Names of a member's tables and pictures in the order of the page: counts, policies, results, matrices, curves, panels."""
    first = [n for n in drawn if n in ("figure-9", "figure-12", "figure-14")]
    if m.as_run or m not in paper.as_described:
        own = [n for n in tables if n.startswith(f"{m.name}-")]
    else:
        counts = count_table(m)
        own = [*([counts.name] if counts else []), *(t.name for t in experiment_tables(m))]
        own += ["table-6", "table-7"] if m.experiment == 2 else []
    rest = [n for n in drawn if n not in first]
    families = [] if m not in paper.as_described else [t.name for t in family_tables(m)]
    return [*first, *own, *rest, *families]
