"""Heat maps of some test films: how many pass their checks, and the films only where the study asks to show them."""

from __future__ import annotations

from hilum.artifacts.explanations import FOLDER, explained_cells
from hilum.report import numbers
from hilum.report.evaluated import Evaluated
from hilum.report.explain_page import HOW_TO_READ, film_pictures
from hilum.report.explain_tables import films_table, passing_table
from hilum.report.page import Picture, Section
from hilum.report.table import Table


def section(evaluated: Evaluated) -> Section | None:
    """Tables of the checks, a cell at a time; None where the study asks for no maps."""
    folder, table = evaluated.folder, evaluated.folder.record.table("explain")
    if not table.get("methods"):
        return None
    shown: list[Table | Picture] = []
    closed: list[Table | Picture] = []
    words, brief = [HOW_TO_READ], []
    for cell, e in explained_cells(folder).items():
        which = f" of {cell.name}" if len(folder.cells) > 1 else ""
        words.append(f"{numbers.capital(e.words)}{which}.")
        brief.append(f"{e.words}{which}")
        suffix = f"--{cell.name}"
        shown += [t] if (t := passing_table(e, suffix)) else []
        closed.append(films_table(e, suffix))
        if table.get("show_films"):
            closed += film_pictures(e, folder.path / FOLDER / cell.name, folder.path)
    if not brief:
        return None
    rule = (
        f"Films of trial 1’s test part: of each class in turn the most confident that is called right, and the most confident that is not, "
        f"{table['films']} a cell at most. Nothing was chosen by what the maps show."
    )
    return Section(
        "explained",
        "Where the answers come from",
        [*words, rule],
        shown,
        closed,
        brief=f"{'; '.join(brief)}.",
        noted=False,
    )
