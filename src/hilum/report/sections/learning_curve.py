"""Learning curve: the headline over the number of training films, where a study's grid has shares of them.

Convention: a line joins the cells that differ in nothing but their share. Training films are counted before sampling, mean over trials.
Such a curve says what fewer of these films would have given; it is no forecast for more.
"""

from __future__ import annotations

import numpy as np

from hilum.artifacts.run import RunCell
from hilum.report import numbers, style
from hilum.report.estimates import both_cell, figure_column
from hilum.report.evaluated import Evaluated
from hilum.report.page import Picture, Section
from hilum.report.run_words import averaged, backbone_label, cell_level
from hilum.report.table import Cell, Column, Table
from hilum.study.metrics import metric_label, shown_in

_FACTOR = "fraction"
_METRICS = (*shown_in("headline"), "roc_auc")


def section(evaluated: Evaluated) -> Section | None:
    """The figure, its table folded; None where all cells have one share."""
    if _FACTOR not in evaluated.folder.varying():
        return None
    return Section(
        "learning-curve", "Learning curve", (), [curve_picture(evaluated)], [curve_table(evaluated)]
    )


def training_films(evaluated: Evaluated, cell: RunCell) -> tuple[int, int, int]:
    """Training films of a cell: mean over trials, the fewest and the most."""
    found = [len(evaluated.folder.split_of(cell, t).parts["train"]) for t in evaluated.folder.trials]
    return round(float(np.mean(found))), min(found), max(found)


def lines(evaluated: Evaluated) -> dict[str, list[tuple[int, RunCell]]]:
    """Name of a line -> its cells, each with its training films, the fewest first."""
    others = [f for f in evaluated.folder.varying() if f not in ("backbone", _FACTOR)]
    found: dict[str, list[tuple[int, RunCell]]] = {}
    for cell in evaluated.folder.cells:
        name = ", ".join([backbone_label(cell), *(cell_level(cell, f) for f in others)])
        found.setdefault(name, []).append((training_films(evaluated, cell)[0], cell))
    return {name: sorted(cells, key=lambda c: c[0]) for name, cells in found.items()}


def curve_picture(evaluated: Evaluated) -> Picture:
    """A panel a metric, a line a model, an interval at each point."""
    found = lines(evaluated)
    with style.figure(style.WIDTH_IN, 5.2 + 0.16 * len(found)) as fig:
        for ax, metric in zip(style.panels(fig, len(_METRICS), 2, sharex=True), _METRICS, strict=True):
            for k, (name, cells) in enumerate(found.items()):
                rows = [
                    (n, r) for n, c in cells if (r := evaluated.row(c, metric)) and r.estimate is not None
                ]
                if not rows:
                    continue
                colour, dash = style.line(k)
                beside = 1 + 0.02 * (
                    k - (len(found) - 1) / 2
                )  # so that intervals at one number do not hide each other
                x, y = (
                    np.array([n for n, _ in rows]) * beside,
                    np.array([r.estimate for _, r in rows], dtype=np.float64),
                )
                low, high = (np.array([y0 if v is None else v for y0, v in zip(y, ends, strict=True)], dtype=np.float64)
                             for ends in ([r.low for _, r in rows], [r.high for _, r in rows]))  # fmt: skip
                ax.errorbar(x, y, np.clip(np.stack([y - low, high - y]), 0, None), color=colour, ls=dash, marker="o", ms=3.5,
                            lw=1.2, elinewidth=0.9, capsize=2, label=name)  # fmt: skip
            ax.set(title=metric_label(metric), xscale="log", ylim=(None, 1.01))
            ticks = sorted({n for cells in found.values() for n, _ in cells})
            ax.set_xticks(ticks, [numbers.count(n) for n in ticks])
            ax.minorticks_off()
            if metric in _METRICS[-2:]:  # the lowest row
                ax.set_xlabel("training films")
        fig.legend(
            *fig.axes[0].get_legend_handles_labels(),
            loc="outside lower center",
            ncols=1 if len(found) > 3 else 2,
        )
    return evaluated.picture(
        fig,
        "learning-curve",
        f"Figures of {evaluated.folder.positive} on the test films over the number of training films (logarithmic): "
        f"{averaged(evaluated.folder)} with its 95 % interval. Axes need not begin at 0. What fewer of these films would have given, "
        "not what more would.",
        "Curves over the number of training films; the numbers are in the table beneath.",
    )


def curve_table(evaluated: Evaluated) -> Table:
    """A row a cell: its training films and its figures."""
    names = evaluated.names
    columns = [
        *names.columns(),
        Column("Training films", parts=("mean", "fewest", "most"), key="training_films"),
    ]
    columns += [figure_column(m, evaluated.formulas) for m in _METRICS]
    body = []
    for cells in lines(evaluated).values():
        for _, cell in cells:
            n, low, high = training_films(evaluated, cell)
            text = numbers.count(n) if low == high else f"{numbers.count(low)} to {numbers.count(high)}"
            figures = [both_cell(evaluated.row(cell, m)) for m in _METRICS]
            body.append([*names.cells(cell), Cell(text, (n, low, high)), *figures])
    caption = f"Test films of {evaluated.folder.positive}: {averaged(evaluated.folder)} with its 95 % interval, by training films."
    notes = ("Differences between rows are not tested here.",)
    return Table("learning-curve", "By training films", caption, columns, body, notes)
