"""Tables 4 and 5: mean and standard error by backbone and pipeline, beside the paper's numbers.

Convention: the paper's column is grey and holds a dash where it has no number. Standard errors have ddof 1
over trials; with one trial they are not estimable. Seconds are those of a trial run alone, which is what the
paper's are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from hilum.artifacts.run import RunCell
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.study_rows import StudyRows
from hilum.artifacts.trial_files import STEPS
from hilum.paper import printed
from hilum.report import numbers
from hilum.report.beside import Beside
from hilum.report.class_words import against
from hilum.report.run_words import backbone_label
from hilum.report.table import Cell, Column, Table, rate_cell, seconds_cell, text_cell
from hilum.study.metrics import metric_label


def seconds_alone(folder: RunFolder, cell: RunCell) -> list[float]:
    """Seconds of each trial as if it ran alone; trials without a full record are left out."""
    found = [folder.seconds(cell, t).alone for t in folder.trials]
    return [sum(s.values()) for s in found if len(s) == len(STEPS)]


def papers_numbers(folder: RunFolder, rows: StudyRows, formulas: Mapping[str, str]) -> Beside:
    """What the paper has to a run: the numbers of its Tables 4 and 5 where a cell is one of theirs, and, of a study that asks what the
    paper asks, what each figure and matrix is in it."""
    marked = {
        (c.name, m): value
        for c in folder.cells
        for m in printed.METRICS
        if c.schedule == printed.SCHEDULE
        and (value := printed.table_4(c.backbone, c.pipeline, m)) is not None
    }
    covid = printed.is_positive(folder.positive)
    own = printed.is_of(folder.classes, folder.positive)
    shown = {c.name: (c.backbone, c.pipeline) for c in folder.cells if c.schedule == printed.SCHEDULE}
    return Beside(
        "the paper",
        marked if covid and not folder.record.synthetic else {},
        "Diamonds are the paper’s Table 4, whose test films overlap its training films.",
        printed.FIGURES if own else {},
        [(t, n) for t, key in printed.CONFUSION_CELLS.items() for n, k in shown.items() if own and k == key],
        [t for t in (_table_4(folder, rows, formulas), _table_5(folder, rows, formulas)) if t]
        if covid and marked
        else [],
    )


def standard_error(values: list[float]) -> float | None:
    """Standard error of the mean, ddof 1; None of fewer than two.

    >>> round(standard_error([0.90, 0.92, 0.94]), 4)
    0.0115
    """
    if len(values) < 2:
        return None
    centre = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((v - centre) ** 2 for v in values) / (len(values) - 1) / len(values))


def _table_4(folder: RunFolder, rows: StudyRows, formulas: Mapping[str, str]) -> Table | None:
    """Means over trials beside the paper's Table 4"""

    def here(cell: RunCell, metric: str) -> Cell:
        if metric == "seconds":
            return seconds_cell(numbers.mean(seconds_alone(folder, cell)))
        return rate_cell(rows.value(cell.name, None, metric, folder.positive))

    return _by_pipeline(
        folder,
        "table-4",
        "Table 4",
        "Mean over trials on the test films",
        here,
        printed.table_4,
        formulas,
        printed.NOTES[4],
    )


def _table_5(folder: RunFolder, rows: StudyRows, formulas: Mapping[str, str]) -> Table | None:
    """Standard errors beside the paper's Table 5; None likewise."""

    def here(cell: RunCell, metric: str) -> Cell:
        if metric == "seconds":
            error = standard_error(seconds_alone(folder, cell))
            return seconds_cell(error) if error is not None else _not_estimable("fewer than two timed trials")
        row = rows.find(cell.name, None, metric, folder.positive)
        if row is None or row.standard_error is None:
            return _not_estimable(
                "one trial has no standard error" if folder.n_trials == 1 else "undefined in a trial"
            )
        return rate_cell(row.standard_error)

    return _by_pipeline(
        folder,
        "table-5",
        "Table 5",
        "Standard error of the mean over trials (ddof 1)",
        here,
        printed.table_5,
        formulas,
        printed.NOTES[5],
    )


def _not_estimable(why: str) -> Cell:
    return Cell(numbers.NOT_ESTIMABLE, None, quiet=True, title=why)


def _by_pipeline(
    folder: RunFolder,
    name: str,
    title: str,
    what: str,
    here: Callable[[RunCell, str], Cell],
    paper: Callable[[str, str, str], float | None],
    formulas: Mapping[str, str],
    note: str,
) -> Table | None:
    """Rows backbone (and schedule) by metric, a pair of columns a pipeline; None where other factors vary."""
    if set(folder.varying()) - {"backbone", "pipeline", "schedule"}:
        return None
    pipelines = list(dict.fromkeys(c.pipeline for c in folder.cells))
    several = len({c.schedule for c in folder.cells}) > 1
    cells = {(c.backbone, c.schedule, c.pipeline): c for c in folder.cells}
    labels = {(c.backbone, c.schedule): backbone_label(c) for c in folder.cells}
    columns = [Column("Backbone", numeric=False), *([Column("Schedule", numeric=False)] if several else [])]
    columns.append(Column("Metric", numeric=False))
    for p in pipelines:
        columns += [Column("here", group=p, rule=True), Column("paper", group=p)]
    body: list[list[Cell]] = []
    breaks: set[int] = set()
    for (backbone, schedule), label in labels.items():
        breaks.add(len(body))
        for k, metric in enumerate(printed.METRICS):
            lead = [label, *([schedule] if several else [])]
            row = [Cell(t if k == 0 else "", t, strong=True) for t in lead]
            hint = formulas.get(metric, "prepare + featurize + train + predict of a trial run alone")
            row.append(text_cell("Seconds" if metric == "seconds" else metric_label(metric), title=hint))
            for p in pipelines:
                cell = cells.get((backbone, schedule, p))
                row.append(
                    here(cell, metric)
                    if cell
                    else Cell(numbers.NONE, None, quiet=True, title="not in this study")
                )
                # the paper's Tables 4 and 5 are for a constant learning rate and covid only
                comparable = schedule == printed.SCHEDULE and printed.is_positive(folder.positive)
                value = paper(backbone, p, metric) if comparable else None
                row.append(_paper_cell(value, metric))
            body.append(row)
    notes = [note]
    if folder.record.synthetic:
        notes.insert(
            0, "The films here are synthetic: the paper’s numbers stand beside them for layout only."
        )
    return Table(
        name,
        title,
        f"{what}, {against(folder.positive, folder.classes)}, beside the paper’s {title}.",
        columns,
        body,
        notes=notes,
        breaks=frozenset(breaks),
        sortable=False,
    )


def _paper_cell(value: float | None, metric: str) -> Cell:
    if value is None:
        return Cell(numbers.NONE, None, quiet=True, title="the paper has no number")
    text = (
        numbers.seconds(value)
        if metric == "seconds" and value >= 200
        else f"{value:.1f}"
        if metric == "seconds"
        else numbers.rate(value)
    )
    return Cell(text, value, quiet=True)
