"""Confusion matrices: two that are shown, and all of them folded away."""

from __future__ import annotations

from hilum.report import figures
from hilum.report.confusion_tables import long_table, shown_cells, shown_tables
from hilum.report.evaluated import Evaluated
from hilum.report.page import Picture, Section


def section(evaluated: Evaluated) -> Section:
    """The matrices that are shown, as a figure and in tables."""
    folder, matrices = evaluated.folder, evaluated.evaluation.matrices
    tables = shown_tables(folder, matrices, evaluated.beside)
    closed = [long_table(folder, matrices)]
    return Section("matrices", "Confusion matrices", (), [confusion_picture(evaluated), *tables], closed)


def confusion_picture(evaluated: Evaluated) -> Picture:
    """The matrices that the tables show."""
    folder, trial = evaluated.folder, evaluated.folder.n_trials
    panels = [
        (evaluated.names.label(c), evaluated.evaluation.trials[c.name, trial].confusion)
        for _, c in shown_cells(folder, evaluated.beside)
    ]
    place = evaluated.beside.place("confusion-matrices")
    return evaluated.picture(
        figures.confusion_matrices(panels, folder.classes),
        "confusion-matrices",
        f"Confusion matrices, trial {trial}, test films{place}: counts, and shares of the row.",
        "Confusion matrices; the same numbers are in the tables beside.",
    )
