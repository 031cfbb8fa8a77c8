"""Results: every cell's headline with its interval, and the comparisons that the study named beforehand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from matplotlib.axes import Axes

from hilum.artifacts.comparisons import LEFT_OUT_FAMILY, ComparisonRow
from hilum.artifacts.evaluation import MIXED_UNIT, Evaluation
from hilum.artifacts.statistics import ALL_CLASSES, MACRO, StudyRow
from hilum.report import numbers, style
from hilum.report.class_words import against
from hilum.report.comparison_tables import comparison_tables, secondary_table
from hilum.report.estimates import (
    BOTH,
    backbone_breaks,
    both_cell,
    few_events_notes,
    figure_column,
    undefined_notes,
)
from hilum.report.evaluated import Evaluated
from hilum.report.page import Picture, Section
from hilum.report.probed import METRIC, probe_names, probe_notes, reached_words, rows_under
from hilum.report.run_words import averaged
from hilum.report.table import Cell, Column, Table, count_cell, text_cell
from hilum.study.metrics import METRICS, metric_label, shown_in, shown_words, with_rows
from hilum.study.probes import FAMILY


def section(evaluated: Evaluated) -> Section:
    """Results by cell, the comparisons, and the intervals as a figure; the secondary tests folded away."""
    results = key_table(evaluated)
    results = replace(results, notes=(unit_note(evaluated.evaluation), *results.notes))
    compared = comparison_tables(
        [r for r in evaluated.compared if r.family != LEFT_OUT_FAMILY], evaluated.folder.classes
    )
    secondary = secondary_table(evaluated.compared)
    named = [r for r in evaluated.compared if r.family != FAMILY["name"]]
    return Section(
        "results",
        "Results",
        (),
        [results, *compared, interval_picture(evaluated)],
        [figures_table(evaluated), *([secondary] if secondary else [])],
        brief=" ".join(
            filter(None, (compared_words(named), reached_words(evaluated.folder, evaluated.rows)))
        ),
    )


def compared_words(rows: Sequence[ComparisonRow]) -> str:
    """What the comparisons say, counted.

    >>> compared_words([])
    'No comparison of models was named beforehand: their rows are not tested against each other.'
    """
    if not rows:
        return "No comparison of models was named beforehand: their rows are not tested against each other."
    verdicts = Counter(r.verdict for r in rows)
    said = ", ".join(f"{numbers.count(n)} {verdict}" for verdict, n in verdicts.most_common())
    return f"Of {numbers.counted(len(rows), 'comparison')} named beforehand: {said}, after adjustment."


def key_table(evaluated: Evaluated) -> Table:
    """A row a cell, its probes under it: mean over trials and interval of the headline metrics."""
    folder, names = evaluated.folder, evaluated.names
    metrics = dict.fromkeys((*shown_in("headline"), METRIC))
    columns = [*names.columns(), Column("Trials")]
    columns += [figure_column(m, evaluated.formulas) for m in metrics]
    body, told = [], []
    shown = [c for model in folder.cells for c in (model, *rows_under(folder, model))]
    for cell in shown:
        found = [evaluated.row(cell, m) for m in metrics]
        told += found
        trials = next((r.n_trials for r in found if r), folder.n_trials)
        lead = probe_names(cell, len(names.columns())) if cell in folder.probes else names.cells(cell)
        body.append([*lead, count_cell(trials), *map(both_cell, found)])
    return Table(
        "results",
        "By cell",
        f"Test films, {against(folder.positive, folder.classes)}: {averaged(folder)} with its 95 % interval in brackets.",
        columns,
        body,
        notes=(
            "Rates are for the class of the highest probability. Differences between rows are not tested here.",
            *undefined_notes(told),
            *few_events_notes(told),
            *probe_notes(folder, evaluated.rows),
        ),
        breaks=backbone_breaks(shown),
    )


def figures_table(evaluated: Evaluated) -> Table:
    """A row a cell and figure: those of the positive class that are not in `key_table`, those of all classes, and the macro averages."""
    folder, names, told = evaluated.folder, evaluated.names, list[StudyRow | None]()
    wanted = [(m.name, folder.positive) for m in METRICS if "headline" not in m.shown and m.name != METRIC]
    wanted += [("accuracy", ALL_CLASSES), *((m, MACRO) for m in with_rows("macro of two"))]
    if len(folder.classes) > 2:
        wanted += [(m, MACRO) for m in with_rows("macro") if m not in with_rows("macro of two")]
    of = {MACRO: "macro average", ALL_CLASSES: "all classes"}
    columns = [
        *names.columns(),
        Column("Of", numeric=False),
        Column("Figure", numeric=False),
        Column("Value", parts=BOTH),
    ]
    body = []
    for cell in folder.cells:
        last = ""
        for k, (metric, class_) in enumerate(wanted):
            row = evaluated.row(cell, metric, class_)
            told.append(row)
            lead = names.cells(cell) if k == 0 else [Cell("", c.value) for c in names.cells(cell)]
            whose = of.get(class_, class_)
            title = (
                f"{'mean over classes of: ' if class_ == MACRO else ''}{evaluated.formulas.get(metric, '')}"
            )
            said = Cell(whose if whose != last else "", whose), text_cell(metric_label(metric), title=title)
            body.append([*lead, *said, both_cell(row)])
            last = whose
    return Table(
        "figures",
        "Every other figure by cell",
        f"Test films: {averaged(folder)} with its 95 % interval. Of {folder.positive}, of all classes, and macro averages, in which each "
        "class has equal weight; that of the sensitivities is balanced accuracy.",
        columns,
        body,
        notes=(*few_events_notes(told), "PPV and NPV are at the share of positives of the test films."),
        breaks=frozenset(range(len(wanted), len(body), len(wanted))),
        sortable=False,
    )


def unit_note(evaluation: Evaluation) -> str:
    """What the intervals resample, with counts."""
    kinds = {
        "patient": ("patient",),
        "duplicate group": ("group of confirmed copies", "groups of confirmed copies"),
        "film": ("single film",),
    }
    counts = ", ".join(numbers.counted(n, *kinds[k]) for k, n in evaluation.unit_counts.items())
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
    """Sensitivity and specificity by cell: a row a cell, a panel a metric, a dot a trial; a diamond where the source beside has a value."""
    folder, beside, metrics = evaluated.folder, evaluated.beside, shown_in("pictured")
    marked = any((c.name, m) in beside.marks for c in folder.cells for m in metrics)
    with style.figure(style.WIDTH_IN, 0.95 + 0.25 * len(folder.cells)) as fig:
        axes = fig.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
        of_trials = [_estimates(evaluated, ax, metric) for ax, metric in zip(axes, metrics, strict=True)]
        ax = axes[0]
        ax.set_yticks(np.arange(len(folder.cells)), [evaluated.names.label(c) for c in folder.cells])
        ax.set_ylim(len(folder.cells) - 0.4, -0.6)
        ax.plot([], [], marker="o", ms=5, color=style.BLUE, lw=2, label=f"{averaged(folder)}, 95 % interval")
        if any(of_trials):
            ax.plot([], [], ls="", marker=".", ms=4, color="#777777", label="a trial")
        if marked:
            ax.plot([], [], ls="", marker="D", ms=4.5, mfc="white", mec=style.VERMILION, label=beside.whose)
        style.one_legend(fig, [ax])
    words = shown_words("pictured")
    return evaluated.picture(
        fig,
        "intervals",
        f"{words[0].upper() + words[1:]} of {folder.positive} by cell, test films: {averaged(folder)} with its "
        f"95 % interval; small dots are the trials. The axes need not begin at 0.{f' {beside.of_marks}' if marked else ''}",
        "Dot plot; its numbers are in the table of results.",
    )


def _estimates(evaluated: Evaluated, ax: Axes, metric: str) -> int:
    """Draw a metric of every cell, what there is of it; gives the number of trials' values."""
    n = 0
    for k, cell in enumerate(evaluated.folder.cells):
        row = evaluated.row(cell, metric)
        of_trials = [evaluated.estimate(cell, metric, trial=t) for t in evaluated.folder.trials]
        trials = [value for value in of_trials if value is not None]
        n += len(trials)
        if row and row.low is not None and row.high is not None:
            ax.plot([row.low, row.high], [k, k], color=style.BLUE, lw=2, alpha=0.55, solid_capstyle="butt")
        if trials:
            ax.plot(trials, np.full(len(trials), k + 0.22), ls="", marker=".", ms=3.5, color="#777777")
        if row and row.estimate is not None:
            ax.plot(row.estimate, k, marker="o", ms=5, color=style.BLUE)
        if (mark := evaluated.beside.marks.get((cell.name, metric))) is not None:
            ax.plot(mark, k, marker="D", ms=4.5, mfc="white", mec=style.VERMILION, mew=1.2)
    ax.set_xlabel(metric_label(metric))
    ax.grid(axis="y", visible=False)
    return n
