"""Results: every cell's headline with its interval, and the comparisons that the study named beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.figure import Figure

from hilum.artifacts.evaluation import MIXED_UNIT, Evaluation
from hilum.artifacts.run import RunCell
from hilum.report import numbers, style
from hilum.report.class_words import against
from hilum.report.comparison_tables import comparison_tables, secondary_table
from hilum.report.estimates import backbone_breaks, few_events_notes, figure_cells, figure_columns
from hilum.report.evaluated import Evaluated
from hilum.report.page import Picture, Section
from hilum.report.run_words import averaged
from hilum.report.table import Column, Table, count_cell
from hilum.study.metrics import metric_label, shown_in, shown_words


def section(evaluated: Evaluated) -> Section:
    """Results by cell, the comparisons, and the intervals as a figure; the secondary tests folded away."""
    results = key_table(evaluated)
    results = replace(results, notes=(unit_note(evaluated.evaluation), *results.notes))
    compared = comparison_tables(evaluated.compared, evaluated.folder.classes)
    secondary = secondary_table(evaluated.compared)
    return Section(
        "results",
        "Results",
        (),
        [results, *compared, interval_picture(evaluated)],
        [secondary] if secondary else [],
    )


def key_table(evaluated: Evaluated) -> Table:
    """A row a cell: mean over trials and interval of the headline metrics."""
    folder, names, metrics = evaluated.folder, evaluated.names, shown_in("headline")
    columns = [*names.columns(), Column("Trials")]
    columns += [c for m in metrics for c in figure_columns(m, evaluated.formulas)]
    body, told = [], []
    for cell in folder.cells:
        found = [evaluated.row(cell, m) for m in metrics]
        told += found
        trials = next((r.n_trials for r in found if r), folder.n_trials)
        body.append([*names.cells(cell), count_cell(trials), *(c for r in found for c in figure_cells(r))])
    return Table(
        "results",
        "By cell",
        f"Test films, {against(folder.positive, folder.classes)}: {averaged(folder)} with its 95 % interval.",
        columns,
        body,
        notes=(
            "Rates are for the class of the highest probability. Differences between rows are not tested here.",
            *few_events_notes(told),
        ),
        breaks=backbone_breaks(folder.cells),
    )


def unit_note(evaluation: Evaluation) -> str:
    """What the intervals resample, with counts."""
    kinds = {"patient": "patients", "duplicate group": "groups of confirmed copies", "film": "single films"}
    counts = ", ".join(f"{numbers.count(n)} {kinds[k]}" for k, n in evaluation.unit_counts.items())
    words = {
        "patient": "patients",
        "duplicate group": "confirmed duplicate groups, else films",
        "film": "films",
        MIXED_UNIT: "patients where known, else confirmed duplicate groups, else films",
    }
    n = evaluation.header.options["n_resamples"]
    trials = "trials and " if len({t for _, t in evaluation.trials}) > 1 else ""
    what = f"{trials}{words[evaluation.unit]}"
    return f"Intervals resample {what} ({counts} in the test part), {numbers.count(n)} times."


def interval_picture(evaluated: Evaluated) -> Picture:
    """Sensitivity and specificity by cell."""
    folder, beside = evaluated.folder, evaluated.beside

    def estimate(cell: RunCell, metric: str) -> Estimate:
        row = evaluated.row(cell, metric)
        trials = [evaluated.estimate(cell, metric, trial=t) for t in folder.trials]
        return Estimate(
            row.estimate if row else None,
            row.low if row else None,
            row.high if row else None,
            [t for t in trials if t is not None],
            beside.marks.get((cell.name, metric)),
        )

    metrics = [(metric_label(m), [estimate(c, m) for c in folder.cells]) for m in shown_in("pictured")]
    words = shown_words("pictured")
    labels = [evaluated.names.label(c) for c in folder.cells]
    marked = any(e.beside is not None for _, of_metric in metrics for e in of_metric)
    return evaluated.picture(
        intervals(labels, metrics, averaged(folder), beside.whose),
        "intervals",
        f"{words[0].upper() + words[1:]} of {folder.positive} by cell, test films: {averaged(folder)} with its "
        f"95 % interval; small dots are the trials. The axes need not begin at 0.{f' {beside.of_marks}' if marked else ''}",
        "Dot plot; its numbers are in the table of results.",
    )


@dataclass(frozen=True)
class Estimate:
    """An estimate with its interval.

    Attributes:
        estimate: Mean over trials; None for one that cannot be computed.
        low: Lower end; None for none.
        high: Upper end; None for none.
        trials: The value of each trial.
        beside: The value of the source beside; None for none.
    """

    estimate: float | None
    low: float | None
    high: float | None
    trials: Sequence[float] = ()
    beside: float | None = None


def intervals(
    cells: Sequence[str],
    metrics: Sequence[tuple[str, Sequence[Estimate]]],
    averaged: str = "mean over trials",
    beside: str = "",
) -> Figure:
    """Estimates with their intervals: a row a cell, a panel a metric, a dot a trial.

    Args:
        cells: Names from top to bottom.
        metrics: (name, one estimate a cell) from left to right.
        averaged: What an estimate is, for the label.
        beside: Whose the values beside are, for the label.
    """
    with style.figure(style.WIDTH_IN, 0.95 + 0.25 * len(cells)) as fig:
        axes = fig.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
        y = np.arange(len(cells))
        for ax, (name, estimates) in zip(axes, metrics, strict=True):
            for k, e in enumerate(estimates):
                if e.low is not None and e.high is not None:
                    ax.plot(
                        [e.low, e.high], [k, k], color=style.BLUE, lw=2, alpha=0.55, solid_capstyle="butt"
                    )
                if e.trials:
                    ax.plot(
                        e.trials, np.full(len(e.trials), k + 0.22), ls="", marker=".", ms=3.5, color="#777777"
                    )
                if e.estimate is not None:
                    ax.plot(e.estimate, k, marker="o", ms=5, color=style.BLUE)
                if e.beside is not None:
                    ax.plot(e.beside, k, marker="D", ms=4.5, mfc="white", mec=style.VERMILION, mew=1.2)
            ax.set_xlabel(name)
            ax.grid(axis="y", visible=False)
        axes[0].set_yticks(y, cells)
        axes[0].set_ylim(len(cells) - 0.4, -0.6)
        shown = [e for _, estimates in metrics for e in estimates]
        ax = axes[0]
        ax.plot(
            [],
            [],
            marker="o",
            ms=5,
            color=style.BLUE,
            lw=2,
            label=f"{averaged}, 95 % interval",
        )
        if any(e.trials for e in shown):
            ax.plot([], [], ls="", marker=".", ms=4, color="#777777", label="a trial")
        if any(e.beside is not None for e in shown):
            ax.plot([], [], ls="", marker="D", ms=4.5, mfc="white", mec=style.VERMILION, label=beside)
        style.one_legend(fig, [ax])
        return fig
