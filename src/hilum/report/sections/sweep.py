"""Threshold sweep: sensitivity and specificity at the thresholds that the study names, and how the scores are spread."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from hilum.artifacts.run import RunCell
from hilum.artifacts.statistics import AT_OPERATING_POINT, StatisticsRow
from hilum.artifacts.sweep import Sweep, SweepRow
from hilum.report import numbers, style
from hilum.report.estimates import both_cell, few_events_notes, figure_column, undefined_notes
from hilum.report.evaluated import Evaluated
from hilum.report.page import Picture, Section
from hilum.report.run_words import averaged
from hilum.report.table import Cell, Column, Table
from hilum.stats.sweep import RATES
from hilum.study.metrics import metric_label

_MOST = 6  # panels of a figure
_OWN = "the system’s own threshold"


def section(evaluated: Evaluated) -> Section | None:
    """A table and two figures; None where the study names no thresholds."""
    found = Sweep.of_run(evaluated.folder.path)
    if found is None:
        return None
    words = (
        "The sweep is of the test films, after the last look at them: it shows what other thresholds would have given, and none was chosen "
        "by it. The operating point of a bundle is the one that validation films chose."
    )
    items: list[Table | Picture] = [
        sweep_table(evaluated, found),
        sweep_picture(evaluated, found),
        score_picture(evaluated, found),
    ]
    return Section("sweep", "Threshold sweep", (words,), items)


def _thresholds(found: Sweep) -> list[float]:
    return list(found.header.options["thresholds"])


def _own(evaluated: Evaluated) -> float | None:
    """The threshold that is marked."""
    own = evaluated.folder.record.table("statistics").get("own_threshold")
    return None if own is None else float(own)


def sweep_table(evaluated: Evaluated, found: Sweep) -> Table:
    """A row a cell and threshold, and one of the operating point where every trial has one."""
    folder, names, own = evaluated.folder, evaluated.names, _own(evaluated)
    columns = [*names.columns(), Column("Threshold", hint=f"on the probability of {folder.positive}")]
    columns += [figure_column(m, evaluated.formulas) for m in RATES]
    body: list[list[Cell]] = []
    told: list[StatisticsRow | None] = []
    breaks = set()
    for cell in folder.cells:
        breaks.add(len(body))
        lead = names.cells(cell)
        for t in _thresholds(found):
            marked = t == own
            at = Cell(
                f"{t:g} (its own)" if marked else f"{t:g}", t, strong=marked, title=_OWN if marked else ""
            )
            rows = [found.row(cell.name, t, m) for m in RATES]
            told += rows
            body.append([*lead, at, *map(both_cell, rows)])
            lead = [Cell("", c.value) for c in names.cells(cell)]
        if (chosen := _chosen(evaluated, cell)) is not None:
            point = [evaluated.row(cell, m + AT_OPERATING_POINT) for m in RATES]
            body.append([*lead, chosen, *map(both_cell, point)])
    notes = (
        "The last row of a cell is at the operating point of its bundles, lowest to highest of the trials.",
        *undefined_notes(told),
        *few_events_notes(told),
    )
    return Table(
        "threshold-sweep",
        "Sensitivity and specificity by threshold",
        f"Test films, called {folder.positive} where its probability is at least the threshold: {averaged(folder)} with its 95 % interval.",
        columns,
        body,
        notes,
        frozenset(breaks - {0}),
        sortable=False,
    )


def _chosen(evaluated: Evaluated, cell: RunCell) -> Cell | None:
    """What validation chose in the trials of a cell; None unless all have it. It is no number of the csv, where it may be several."""
    points = [evaluated.folder.operating_point(cell, t).get("threshold") for t in evaluated.folder.trials]
    known = [float(p) for p in points if p is not None]
    if len(known) < len(points):
        return None
    low, high = min(known), max(known)
    return Cell(
        f"{numbers.span(low, high)} (validation)", None, title="chosen on validation films, a trial each"
    )


def sweep_picture(evaluated: Evaluated, found: Sweep) -> Picture:
    """Both rates over the threshold, a panel a cell."""
    asked = _thresholds(found)
    with _panels(evaluated) as (fig, panels):
        for ax, cell in panels:
            for n, metric in enumerate(RATES):
                rows = [found.row(cell.name, t, metric) for t in asked]
                _rate_line(ax, n, metric, [r for r in rows if r is not None])
            ax.set(ylim=(-0.03, 1.03), xlim=(0, 1.08 * max(asked)), xticks=asked)
            ax.set_xlabel(f"threshold on the probability of {evaluated.folder.positive}")
            ax.set_ylabel("rate")
            ax.xaxis.set_major_formatter(FuncFormatter(lambda t, _: f"{t:g}"))
    return evaluated.picture(
        fig,
        "threshold-sweep",
        f"Sensitivity and specificity over the threshold, test films: {averaged(evaluated.folder)} with 95 % intervals.{_cut(evaluated)}",
        "Line plot; its numbers are in the table of the sweep.",
    )


def _rate_line(ax: Axes, n: int, metric: str, rows: Sequence[SweepRow]) -> None:
    """A rate with its intervals; a threshold at which it is undefined has no point."""
    points = [
        (r.threshold, r.estimate, r.low if r.low is not None else r.estimate, r.high if r.high is not None else r.estimate)
        for r in rows
        if r.estimate is not None
    ]  # fmt: skip
    x, y, low, high = np.array(points, dtype=np.float64).reshape(-1, 4).T
    colour, dash = style.line(n)
    reach = np.maximum(np.stack([y - low, high - y]), 0)
    ax.errorbar(
        x, y, yerr=reach, label=metric_label(metric), color=colour, ls=dash, marker="o", ms=3.5, elinewidth=1, capsize=2
    )  # fmt: skip


def score_picture(evaluated: Evaluated, found: Sweep) -> Picture:
    """Histograms of the scores, a panel a cell: the positive class upwards, all others downwards, each as shares of its own films."""
    positive, edges = evaluated.folder.positive, np.array(found.edges)
    names = (positive, "all others")
    shares = {cell: [_shares(side) for side in (s.positive, s.others)] for cell, s in found.scores.items()}
    top = 1.08 * max(float(side.max()) for sides in shares.values() for side in sides)
    with _panels(evaluated) as (fig, panels):
        for ax, cell in panels:
            for n, (side, name, sign) in enumerate(zip(shares[cell.name], names, (1, -1), strict=True)):
                ax.bar(
                    edges[:-1], sign * side, np.diff(edges), align="edge", label=name, color=style.line(n)[0], alpha=0.75,
                    edgecolor="white", lw=0.5,
                )  # fmt: skip
            ax.axhline(0, color="#666666", lw=0.7)
            ax.set_axisbelow(True)
            ax.set(xlim=(0, 1), ylim=(-top, top))
            ax.set_xlabel(f"probability of {positive}")
            ax.set_ylabel("share of the films")
            ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{100 * abs(v):.0f}\N{NO-BREAK SPACE}%"))
    return evaluated.picture(
        fig,
        "score-histograms",
        f"Probability of {positive}, test films: those of {positive} upwards, all others downwards, each as shares of their own number in "
        f"{len(edges) - 1} bins, {averaged(evaluated.folder)}.{_cut(evaluated)}",
        "Histograms in two directions from one line.",
    )


def _shares(films: Sequence[float]) -> NDArray[np.float64]:
    counts = np.array(films, dtype=np.float64)
    return counts / max(float(counts.sum()), 1.0)


@contextmanager
def _panels(evaluated: Evaluated) -> Iterator[tuple[Figure, list[tuple[Axes, RunCell]]]]:
    """A panel a cell, to be drawn in the block; then the system's own threshold is marked, and there is one legend."""
    cells, own = evaluated.folder.cells[:_MOST], _own(evaluated)
    columns = min(len(cells), 2)
    width, height = style.WIDTH_IN if columns > 1 else 5.0, 0.45 + 2.6 * -(-len(cells) // columns)
    with style.figure(width, height) as fig:
        axes = style.panels(fig, len(cells), columns)
        yield fig, list(zip(axes, cells, strict=True))
        for ax, cell in zip(axes, cells, strict=True):
            ax.set_title(textwrap.fill(evaluated.names.label(cell), 44), fontsize=8)
            if own is not None:
                ax.axvline(own, color=style.INK, lw=0.9, ls=(0, (4, 2)), label=_OWN, zorder=1.6)
        style.one_legend(fig, axes)


def _cut(evaluated: Evaluated) -> str:
    n = len(evaluated.folder.cells)
    return f" The first {_MOST} of {n} cells." if n > _MOST else ""
