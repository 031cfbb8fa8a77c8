"""Confusion matrices: two that are shown, and all of them in one long table.

Convention: rows are the truth, columns the prediction, counts of test films; the prediction is the class of
the highest probability. Those shown are of the last trial: of the cells whose matrices the source beside the
study has (`hilum.report.beside`), else of the first and the last cell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.run import RunCell
from hilum.artifacts.run_folder import RunFolder
from hilum.report import numbers
from hilum.report.beside import Beside
from hilum.report.result_tables import CellColumns
from hilum.report.table import Cell, Column, Table, count_cell, rate_cell, text_cell

Matrices = Mapping[tuple[str, int], NDArray[np.int64]]
"""(cell name, trial) -> counts (n_classes, n_classes)."""

_OWN = ("Confusion matrix 1", "Confusion matrix 2")


def shown_cells(folder: RunFolder, beside: Beside, titles: Sequence[str] = _OWN) -> list[tuple[str, RunCell]]:
    """The cells whose matrices are shown, each with its table's title: those of the source beside, else the first and the last.

    Args:
        folder: The run.
        beside: Of the source.
        titles: Of the first and the last cell's.
    """
    by_name = {c.name: c for c in folder.cells}
    found = [(title, by_name[name]) for title, name in beside.matrices]
    ends = dict.fromkeys((folder.cells[0], folder.cells[-1]))
    return found or list(zip(titles, ends, strict=False))


def table_name(title: str) -> str:
    """Name of a matrix's table: ``table-6`` of "Table 6"."""
    return title.lower().replace(" ", "-")


def shown_tables(
    folder: RunFolder, matrices: Matrices, beside: Beside, titles: Sequence[str] = _OWN
) -> list[Table]:
    """The matrices that are shown, a table each; arguments as in `shown_cells`."""
    trial = folder.n_trials
    tables = []
    for title, cell in shown_cells(folder, beside, titles):
        what = f"{CellColumns(folder).label(cell)}, trial {trial}, test films"
        if title not in _OWN and title not in dict(beside.matrices):
            what += f", in the place of {beside.whose}’s {title}"
        caption = f"Cell {what}" if title in _OWN else f"Confusion matrix of {what}"
        tables.append(
            matrix_table(
                table_name(title), title, caption, folder.classes, folder.positive, matrices[cell.name, trial]
            )
        )
    return tables


def matrix_table(
    name: str, title: str, caption: str, classes: Sequence[str], positive: str, counts: NDArray[np.int64]
) -> Table:
    """One matrix, shaded by the share of its row; the caption ends with the positive class's sensitivity."""
    k = classes.index(positive)
    of_class = int(counts[k].sum())
    ending = (
        f" (sensitivity of {positive}: {numbers.rate(counts[k, k] / of_class, numbers.digits(of_class))})."
        if of_class
        else "."
    )
    columns = [
        Column("Truth", numeric=False),
        *(Column(c, group="predicted") for c in classes),
        Column("films"),
    ]
    body = []
    for i, class_ in enumerate(classes):
        total = int(counts[i].sum())
        row = [Cell(str(n), int(n), shade=float(n / total) if total else None) for n in counts[i]]
        body.append([text_cell(class_, strong=True), *row, count_cell(total)])
    return Table(name, title, caption + ending, columns, body, sortable=False)


def long_table(folder: RunFolder, matrices: Matrices) -> Table:
    """Every matrix, a row a truth: for the csv and for the closed section of the page."""
    name = CellColumns(folder)
    columns = [*name.columns(), Column("Trial"), Column("Truth", numeric=False)]
    columns += [
        *(Column(c, group="predicted", rule=k == 0) for k, c in enumerate(folder.classes)),
        Column("Right", hint="share of the row"),
    ]
    body = []
    for cell, trial in folder.units():
        counts = matrices[cell.name, trial]
        for i, class_ in enumerate(folder.classes):
            total = int(counts[i].sum())
            lead = [*name.cells(cell), count_cell(trial)]
            body.append(
                [*(lead if i == 0 else [Cell("", c.value) for c in lead]), text_cell(class_)]
                + [Cell(str(n), int(n), shade=float(n / total) if total else None) for n in counts[i]]
                + [
                    rate_cell(
                        float(counts[i, i] / total) if total else None,
                        title="" if total else "no film of the class",
                    )
                ]
            )
    n = len(folder.classes)
    return Table(
        "confusion",
        "All confusion matrices",
        "Every confusion matrix on the test films.",
        columns,
        body,
        breaks=frozenset(range(n, len(body), n)),
        sortable=False,
    )
