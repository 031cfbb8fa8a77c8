"""A study's own means and standard errors beside the paper's Tables 4 and 5, by backbone and pipeline.

Convention: the paper's column is grey and holds a dash where it has no number. Standard errors have ddof 1
over trials; with one trial they are not estimable. Seconds are those of a trial run alone, which is what the
paper's are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from hilum.artifacts.run import RunCell
from hilum.paper import printed
from hilum.report import numbers
from hilum.report.beside import Beside
from hilum.report.class_words import against
from hilum.report.evaluated import Evaluated
from hilum.report.run_words import backbone_label
from hilum.report.table import Cell, Column, Table, rate_cell, seconds_cell, text_cell
from hilum.stats.trials import summarise_trials
from hilum.study.metrics import METRIC

_Here = Callable[[Evaluated, RunCell, str], Cell]
_Paper = Callable[[str, str, str, str], float | None]
ALONE = "prepare + featurize + train + predict of a trial run alone"
SYNTHETIC = "The films here are synthetic: the paper’s numbers stand beside them for layout only."


def papers_numbers(evaluated: Evaluated) -> Beside:
    """What the paper has to a run: the numbers of its Tables 4 and 5 where a cell is one of theirs, and, of a study that asks what the
    paper asks, what each figure and matrix is in it. Nothing where a film is of no set of the paper's; beside synthetic films its tables
    alone, for their layout."""
    folder = evaluated.folder
    marked = {
        (c.name, m): value
        for c in folder.cells
        for m in printed.METRICS
        if (value := printed.value(2, c.backbone, c.pipeline, c.schedule, m)) is not None
    }
    covid = printed.is_positive(folder.positive)
    its_films = printed.SOURCES.issuperset(folder.manifest.count_by("source"))
    own = its_films and printed.is_of(folder.classes, folder.positive)
    shown = {c.name: (c.backbone, c.pipeline) for c in folder.cells if c.schedule == printed.SCHEDULE}
    tables = (
        [_by_pipeline(n, evaluated) for n in (4, 5)]
        if covid and marked and (its_films or folder.record.synthetic)
        else []
    )
    return Beside(
        "the paper",
        marked if covid and its_films and not folder.record.synthetic else {},
        "Diamonds are the paper’s Table 4, whose test films overlap its training films.",
        printed.FIGURES if own else {},
        [(t, n) for t, key in printed.CONFUSION_CELLS.items() for n, k in shown.items() if own and k == key],
        [t for t in tables if t],
    )


def seconds_alone(evaluated: Evaluated, cell: RunCell) -> list[float]:
    """Seconds of each trial as if it ran alone; trials without a full record are left out."""
    seconds = (evaluated.folder.seconds(cell, t).whole for t in evaluated.folder.trials)
    return [s for s in seconds if s is not None]


def label_of(metric: str) -> str:
    """A metric's label; of seconds, which are none, the word."""
    return METRIC[metric].label if metric in METRIC else metric.capitalize()


def mean_cell(evaluated: Evaluated, cell: RunCell, metric: str) -> Cell:
    """A cell's mean of a metric, or of its seconds, over trials."""
    if metric == "seconds":
        return seconds_cell(numbers.mean(seconds_alone(evaluated, cell)))
    return rate_cell(evaluated.estimate(cell, metric))


def error_cell(evaluated: Evaluated, cell: RunCell, metric: str) -> Cell:
    """The standard error of `mean_cell`, or why there is none."""
    if metric == "seconds":
        seconds = seconds_alone(evaluated, cell)
        error = summarise_trials(seconds).standard_error if seconds else None
        return _not_estimable("fewer than two timed trials") if error is None else seconds_cell(error)
    row = evaluated.row(cell, metric)
    if row is None or row.standard_error is None:
        once = evaluated.folder.n_trials == 1
        return _not_estimable("one trial has no standard error" if once else "undefined in a trial")
    return rate_cell(row.standard_error)


def _not_estimable(why: str) -> Cell:
    return Cell(numbers.NOT_ESTIMABLE, None, quiet=True, title=why)


def paper_cell(value: float | None, metric: str, title: str = "") -> Cell:
    """A number of the paper, in grey, with its decimals: of a rate, of seconds or their error, of epochs."""
    if value is None:
        return Cell(numbers.NONE, None, quiet=True, title="the paper has no number")
    if metric not in ("seconds", "epochs"):
        return rate_cell(value, title, quiet=True)
    return Cell(f"{value:.1f}" if isinstance(value, float) else str(value), value, quiet=True)


_TABLES: Mapping[int, tuple[_Here, _Paper, str]] = {
    4: (mean_cell, partial(printed.value, 2), "Mean over trials on the test films"),
    5: (error_cell, printed.error, "Standard error of the mean over trials (ddof 1)"),
}


def _by_pipeline(number: int, evaluated: Evaluated) -> Table | None:
    """Table 4 or 5: rows backbone (and schedule) by metric, a pair of columns a pipeline; None where other factors vary."""
    folder = evaluated.folder
    if set(folder.varying()) - {"backbone", "pipeline", "schedule"}:
        return None
    here, paper, what = _TABLES[number]
    pipelines = list(dict.fromkeys(c.pipeline for c in folder.cells))
    several = len({c.schedule for c in folder.cells}) > 1
    cells = {(c.backbone, c.schedule, c.pipeline): c for c in folder.cells}
    labels = {(c.backbone, c.schedule): backbone_label(c) for c in folder.cells}
    columns = [Column("Backbone", numeric=False), *([Column("Schedule", numeric=False)] if several else [])]
    columns.append(Column("Metric", numeric=False))
    for p in pipelines:
        columns += [Column("here", group=p, rule=True), Column("paper", group=p)]
    body: list[list[Cell]] = []
    for (backbone, schedule), label in labels.items():
        for k, metric in enumerate(printed.METRICS):
            lead = [label, *([schedule] if several else [])]
            row = [Cell(t if k == 0 else "", t, strong=True) for t in lead]
            row.append(text_cell(label_of(metric), title=evaluated.formulas.get(metric, ALONE)))
            for p in pipelines:
                cell = cells.get((backbone, schedule, p))
                none = Cell(numbers.NONE, None, quiet=True, title="not in this study")
                row.append(here(evaluated, cell, metric) if cell else none)
                row.append(paper_cell(paper(backbone, p, schedule, metric), metric))
            body.append(row)
    return Table(
        f"table-{number}",
        f"Table {number}",
        f"{what}, {against(folder.positive, folder.classes)}, beside the paper’s Table {number}.",
        columns,
        body,
        notes=[*([SYNTHETIC] if folder.record.synthetic else []), printed.NOTES[number]],
        breaks=frozenset(range(0, len(body), len(printed.METRICS))),
        sortable=False,
    )
