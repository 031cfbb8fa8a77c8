"""Confusion matrices: two that are shown, and all of them folded away.

Convention: rows are the truth, columns the prediction, counts of test films; the prediction is the class of
the highest probability. Those shown are of the last trial: of the cells whose matrices the source beside the
study has (`hilum.report.beside`), else of the first and the last cell.
"""

from __future__ import annotations

from collections.abc import Sequence

from hilum.artifacts.run import RunCell
from hilum.report.evaluated import Evaluated
from hilum.report.matrix import confusion_matrices, count_cells, matrix_table
from hilum.report.page import Picture, Section
from hilum.report.table import Cell, Column, Table, count_cell, rate_cell, text_cell

_OWN = ("Confusion matrix 1", "Confusion matrix 2")


def section(evaluated: Evaluated) -> Section:
    """The matrices that are shown, as a figure and in tables."""
    return Section(
        "matrices",
        "Confusion matrices",
        (),
        [confusion_picture(evaluated), *shown_tables(evaluated)],
        [long_table(evaluated)],
        folded=True,
    )


def shown_cells(evaluated: Evaluated, titles: Sequence[str] = _OWN) -> list[tuple[str, RunCell]]:
    """The cells whose matrices are shown, each with its table's title: those of the source beside, else the first and the last, whose
    titles are given."""
    cells = evaluated.folder.cells
    found = [(title, evaluated.folder.cell_named[name]) for title, name in evaluated.beside.matrices]
    return found or list(zip(titles, dict.fromkeys((cells[0], cells[-1])), strict=False))


def confusion_picture(evaluated: Evaluated) -> Picture:
    """The matrices that the tables show."""
    folder, trial = evaluated.folder, evaluated.folder.n_trials
    panels = [
        (evaluated.names.label(c), evaluated.evaluation.trials[c.name, trial].confusion)
        for _, c in shown_cells(evaluated)
    ]
    place = evaluated.beside.place("confusion-matrices")
    return evaluated.picture(
        confusion_matrices(panels, folder.classes),
        "confusion-matrices",
        f"Confusion matrices, trial {trial}, test films{place}: counts, and shares of the row.",
        "Confusion matrices; the same numbers are in the tables beside.",
    )


def shown_tables(evaluated: Evaluated, titles: Sequence[str] = _OWN) -> list[Table]:
    """The matrices that are shown, a table each, ``table-6`` of "Table 6"; titles as in `shown_cells`."""
    folder, beside, trial = evaluated.folder, evaluated.beside, evaluated.folder.n_trials
    tables = []
    for title, cell in shown_cells(evaluated, titles):
        what = f"{evaluated.names.label(cell)}, trial {trial}, test films"
        if title not in _OWN and title not in dict(beside.matrices):
            what += f", in the place of {beside.whose}’s {title}"
        caption = f"Cell {what}" if title in _OWN else f"Confusion matrix of {what}"
        name, counts = (
            title.lower().replace(" ", "-"),
            evaluated.evaluation.trials[cell.name, trial].confusion,
        )
        tables.append(matrix_table(name, title, caption, folder.classes, folder.positive, counts))
    return tables


def long_table(evaluated: Evaluated) -> Table:
    """Every matrix, a row a truth: for the csv and for the closed section of the page."""
    folder, names, classes = evaluated.folder, evaluated.names, evaluated.folder.classes
    columns = [*names.columns(), Column("Trial"), Column("Truth", numeric=False)]
    columns += [Column(c, group="predicted", rule=k == 0) for k, c in enumerate(classes)]
    columns.append(Column("Right", hint="share of the row"))
    body = []
    for cell, trial in folder.units():
        counts = evaluated.evaluation.trials[cell.name, trial].confusion
        for i, class_ in enumerate(classes):
            total = int(counts[i].sum())
            lead = [*names.cells(cell), count_cell(trial)]
            lead = lead if i == 0 else [Cell("", c.value) for c in lead]
            share, why = (float(counts[i, i] / total), "") if total else (None, "no film of the class")
            body.append([*lead, text_cell(class_), *count_cells(counts[i]), rate_cell(share, title=why)])
    n = len(classes)
    return Table(
        "confusion",
        "All confusion matrices",
        "Every confusion matrix on the test films.",
        columns,
        body,
        breaks=frozenset(range(n, len(body), n)),
        sortable=False,
    )
