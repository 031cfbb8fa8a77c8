"""A confusion matrix as a table and as a figure: rows the truth, columns the prediction, counts of films."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hilum.report import numbers, style
from hilum.report.table import Cell, Column, Table, count_cell, text_cell

_WIDE_LABEL = 9
"""Characters of a class's name that fit under its column of a confusion matrix; longer ones are turned."""


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
        total = count_cell(int(counts[i].sum()))
        body.append([text_cell(class_, strong=True), *count_cells(counts[i]), total])
    return Table(name, title, caption + ending, columns, body, sortable=False)


def count_cells(row: NDArray[np.int64]) -> list[Cell]:
    """The counts of a truth, each shaded by its share of the row."""
    total = int(row.sum())
    return [Cell(str(n), int(n), shade=float(n / total) if total else None) for n in row]


def confusion_matrices(panels: Sequence[tuple[str, NDArray[np.int64]]], classes: Sequence[str]) -> Figure:
    """Confusion matrices side by side (Tables 6 and 7): rows the truth, shaded by the share of the row.

    Args:
        panels: (title, counts (n_classes, n_classes)), at most three a row.
        classes: Names in the order of rows and columns.
    """
    n_columns = min(3, len(panels))
    n_rows = -(-len(panels) // n_columns)
    names = [_breakable(c) for c in classes]
    turned = max(len(line) for name in names for line in name.split("\n")) > _WIDE_LABEL - len(classes) // 2
    small = 0.8 if len(classes) > 4 and n_columns > 2 else 1.0
    with style.figure(min(style.WIDTH_IN, 0.5 + 3.2 * n_columns), 0.3 + 3.0 * n_rows) as fig:
        for ax, (title, counts) in zip(
            style.panels(fig, len(panels), n_columns, sharey=True), panels, strict=True
        ):
            totals = counts.sum(axis=1, keepdims=True)
            shares = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
            ax.imshow(shares, cmap="Blues", vmin=0, vmax=1.25)
            for (i, j), n in np.ndenumerate(counts):
                colour = "white" if shares[i, j] > 0.7 else style.INK
                place: dict[str, Any] = {"ha": "center", "va": "center", "color": colour}
                ax.text(j, i - 0.1, str(n), fontsize=9 * small, **place)
                ax.text(j, i + 0.24, numbers.percent(shares[i, j]), fontsize=6.5 * small, **place)
            ax.set_xticks(range(len(classes)), names)
            ax.set_yticks(range(len(classes)), names)
            if turned:
                ax.tick_params(axis="x", rotation=60)
                for label in ax.get_xticklabels():
                    label.set(ha="right", va="center", rotation_mode="anchor")
            ax.set_title("\n".join(title.rsplit(", ", 1)) if n_columns > 2 else title)
            ax.grid(visible=False)
            ax.tick_params(length=0)
        fig.supxlabel("predicted (films)", fontsize=8.5)
        fig.supylabel("truth (films)", fontsize=8.5)
        return fig


def _breakable(name: str) -> str:
    """A long name on two lines, broken at the space or underscore nearest to its middle.

    >>> _breakable("viral"), _breakable("lung_opacity"), _breakable("consolidation or opacity")
    ('viral', 'lung_\\nopacity', 'consolidation\\nor opacity')
    """
    places = [k + 1 for k, c in enumerate(name) if c in " _-"]
    if len(name) <= _WIDE_LABEL or not places:
        return name
    at = min(places, key=lambda k: abs(k - len(name) / 2))
    return f"{name[:at].rstrip(' ')}\n{name[at:]}"
