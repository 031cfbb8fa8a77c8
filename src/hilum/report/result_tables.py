"""The tables of results: the key table, trials, every class against the rest, the operating point.

Convention: a row names its backbone with a mark where its weights are random, its pipeline, and its schedule
where the study has several. Rates are for the class of the highest probability unless a table says otherwise.
An empty place is a dash whose title says why. No row is marked as best: differences are not tested here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from hilum.artifacts.run import RunCell
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.statistics import MACRO, StatisticsRow
from hilum.artifacts.study_rows import AT_OPERATING_POINT, StudyRow, StudyRows
from hilum.artifacts.trial_files import STEPS
from hilum.report import numbers
from hilum.report.class_words import against
from hilum.report.run_words import averaged, backbone_label, cell_level
from hilum.report.table import Cell, Column, Table, count_cell, rate_cell, seconds_cell, text_cell
from hilum.study.factors import FACTOR
from hilum.study.metrics import METRIC, METRICS, metric_label, shown_in


class CellColumns:
    """The columns that name a cell, the same in every table: backbone and pipeline, and whatever else varies in the study."""

    def __init__(self, folder: RunFolder) -> None:
        self._others = [f for f in folder.varying() if f not in ("backbone", "pipeline")]

    def columns(self) -> list[Column]:
        """Their headings."""
        return [Column(FACTOR[f].label, numeric=False) for f in ("backbone", "pipeline", *self._others)]

    def cells(self, cell: RunCell) -> list[Cell]:
        """Their values for a cell."""
        names = [cell.pipeline, *(cell_level(cell, f) for f in self._others)]
        return [text_cell(backbone_label(cell), strong=True), *(text_cell(n) for n in names)]

    def label(self, cell: RunCell) -> str:
        """All of them in a line."""
        return ", ".join(c.text for c in self.cells(cell))


def backbone_breaks(cells: Sequence[RunCell], rows_each: int = 1) -> frozenset[int]:
    """The rows at which another backbone begins."""
    return frozenset(
        k * rows_each for k in range(1, len(cells)) if cells[k].backbone != cells[k - 1].backbone
    )


def estimate_cell(row: StatisticsRow | None) -> Cell:
    """An estimate; a dash with its reason where there is none."""
    if row is None:
        return Cell(numbers.NONE, None, quiet=True, title="not computed")
    return rate_cell(row.estimate, title=row.note, n=films_behind(row))


ENDS = ("low", "high", "n")
"""What the csv has of an interval: its ends, and the films that the figure is a share of."""


def estimate_column(metric: str, formulas: Mapping[str, str]) -> Column:
    """The heading of a cell's figure."""
    return Column(
        "estimate", group=metric_label(metric), hint=formulas.get(metric, ""), rule=True, key="estimate"
    )


def interval_column(group: str = "", hint: str = "") -> Column:
    """The heading of an interval; in the csv its ends and films each have a column."""
    return Column("95 % interval", group=group, hint=hint, parts=ENDS)


def interval_cell(row: StatisticsRow | None) -> Cell:
    """The interval of an estimate."""
    if row is None or row.low is None or row.high is None:
        n = films_behind(row) if row else None
        return Cell(numbers.NONE, (None, None, n), quiet=True, title=row.note if row else "not computed")
    n = films_behind(row)
    return Cell(numbers.interval(row.low, row.high, n), (row.low, row.high, n), title=row.method)


def both_cell(row: StatisticsRow | None) -> Cell:
    """An estimate with its interval in brackets; in the csv apart."""
    if row is None or row.estimate is None or row.low is None or row.high is None:
        found = estimate_cell(row)
        return replace(found, value=(row.estimate, None, None, films_behind(row)) if row else None)
    n = films_behind(row)
    text = f"{numbers.rate(row.estimate, numbers.digits(n))} ({numbers.interval(row.low, row.high, n)})"
    title = "; ".join(t for t in (row.method, row.note) if t)
    return Cell(text, (row.estimate, row.low, row.high, n), title=title)


def few_events_notes(rows: Iterable[StatisticsRow | None]) -> tuple[str, ...]:
    """A sentence on the figures that rest on few events; none where there are none."""
    known = [r for r in rows if r is not None and r.estimate is not None]
    few = [r for r in known if "few events" in r.note]
    if not few:
        return ()
    said = f"Few events (fewer than ten errors, counted by {few[0].unit}) stand behind {len(few)} of {len(known)} figures here: their "
    return (said + "intervals are no narrower than so few allow, and a figure of 1 is not certainty.",)


def films_behind(row: StatisticsRow) -> int:
    """The films that a figure is a share of, or (areas, F1, PPV, NPV, macro averages) the scarcer side's, which say how sure it can be."""
    metric = METRIC.get(row.metric.removesuffix(AT_OPERATING_POINT))
    others = row.n - row.n_positive
    if not others:
        return row.n
    films = {"all": row.n, "class": row.n_positive, "others": others}
    return films.get(metric.share_of if metric else "", min(row.n_positive, others))


def key_table(folder: RunFolder, rows: StudyRows, formulas: dict[str, str], unit_note: str) -> Table:
    """A row a cell: mean over trials and interval of the three headline metrics."""
    name, positive = CellColumns(folder), folder.positive
    columns = [*name.columns(), Column("Trials")]
    metrics = shown_in("headline")
    for metric in metrics:
        columns += [estimate_column(metric, formulas), interval_column(metric_label(metric))]
    body, told = [], []
    for cell in folder.cells:
        found = [rows.find(cell.name, None, m, positive) for m in metrics]
        told += found
        trials = next((r.n_trials for r in found if r), folder.n_trials)
        body.append(
            [*name.cells(cell), count_cell(trials)]
            + [c for r in found for c in (estimate_cell(r), interval_cell(r))]
        )
    return Table(
        "results",
        "By cell",
        f"Test films, {against(positive, folder.classes)}: {averaged(folder)} with its 95 % interval.",
        columns,
        body,
        notes=(
            unit_note,
            "Rates are for the class of the highest probability. Differences between rows are not tested "
            "here.",
            *few_events_notes(told),
        ),
        breaks=backbone_breaks(folder.cells),
    )


def trial_table(folder: RunFolder, rows: StudyRows, formulas: dict[str, str]) -> Table:
    """A row a trial: every metric of the positive class, and its seconds."""
    name, positive = CellColumns(folder), folder.positive
    columns = [*name.columns(), Column("Trial")]
    columns += [Column(m.label, hint=formulas.get(m.name, "")) for m in METRICS]
    columns.append(Column("Seconds", hint="prepare + featurize + train + predict, as if the trial ran alone"))
    body = []
    for cell, trial in folder.units():
        values = [estimate_cell(rows.find(cell.name, trial, m.name, positive)) for m in METRICS]
        alone = folder.seconds(cell, trial).alone
        total = sum(alone.values()) if len(alone) == len(STEPS) else None
        body.append([*name.cells(cell), count_cell(trial), *values, seconds_cell(total)])
    return Table(
        "trials",
        "Trials",
        f"Every trial on the test films, {against(positive, folder.classes)}.",
        columns,
        body,
        notes=("PR-AUC is the trapezoid; average precision is the sum of steps beside it.",),
        breaks=frozenset(range(folder.n_trials, len(body), folder.n_trials))
        if folder.n_trials > 1
        else frozenset(),
    )


def one_vs_rest_table(folder: RunFolder, rows: StudyRows, formulas: dict[str, str]) -> Table | None:
    """A row a cell and class, the class against the rest, then the mean over classes; None for two classes, which mirror each other."""
    if len(folder.classes) == 2:
        return None
    name, metrics = CellColumns(folder), shown_in("by class")
    columns = [*name.columns(), Column("Class", numeric=False), Column("Films of it")]
    columns += [
        Column(metric_label(m), hint=formulas.get(m, ""), key=metric_label(m), parts=("estimate", *ENDS))
        for m in metrics
    ]
    body, told = [], list[StudyRow | None]()
    for cell in folder.cells:
        for k, class_ in enumerate((*folder.classes, MACRO)):
            found = {m: rows.find(cell.name, None, m, class_) for m in metrics}
            told += found.values()
            n = next((r.n_positive for r in found.values() if r), None)
            lead = name.cells(cell) if k == 0 else [Cell("", c.value) for c in name.cells(cell)]
            label = "macro average" if class_ == MACRO else class_
            body.append([*lead, Cell(label, class_), count_cell(n), *(both_cell(r) for r in found.values())])
    each = len(folder.classes) + 1
    return Table(
        "one-vs-rest",
        "Every class against the rest",
        f"Test films, each class in turn against the rest: {averaged(folder)} with its 95 % interval. Macro average: the mean over "
        "classes, each with equal weight; that of the sensitivities is balanced accuracy.",
        columns,
        body,
        notes=few_events_notes(told),
        breaks=frozenset(range(each, len(body), each)),
        sortable=False,
    )


def operating_point_table(folder: RunFolder, rows: StudyRows, formulas: dict[str, str]) -> Table | None:
    """A row a cell: the rates at the threshold that was chosen on validation; None where no bundle has
    one."""
    name, positive = CellColumns(folder), folder.positive
    metrics = shown_in("threshold")
    with_interval = [m for m in metrics if METRIC[m].share_of != "predicted"]
    others = [m for m in metrics if m not in with_interval]
    columns = [
        *name.columns(),
        Column(
            "Threshold",
            hint=f"on the probability of {positive}; lowest to highest of the trials",
            parts=("threshold_low", "threshold_high"),
        ),
    ]
    for m in with_interval:
        columns += [estimate_column(m, formulas), interval_column(metric_label(m))]
    columns += [Column(metric_label(m), hint=formulas.get(m, ""), rule=m == others[0]) for m in others]
    body, rules, shown = [], set(), []
    for cell in folder.cells:
        points = [p for t in folder.trials if (p := folder.operating_point(cell, t)) and "threshold" in p]
        found = {m: rows.find(cell.name, None, m + AT_OPERATING_POINT, positive) for m in metrics}
        if not points or not any(found.values()):
            continue
        shown.append(cell)
        rules |= {
            f"{p.get('rule', 'rule not recorded')} (chosen on {p.get('chosen_on', 'an unnamed part')})"
            for p in points
        }
        low, high = (f([float(p["threshold"]) for p in points]) for f in (min, max))
        text = numbers.span(low, high)
        body.append(
            [*name.cells(cell), Cell(text, (low, high))]
            + [c for m in with_interval for c in (estimate_cell(found[m]), interval_cell(found[m]))]
            + [estimate_cell(found[m]) for m in others]
        )
    if not body:
        return None
    return Table(
        "operating-point",
        "At the operating point",
        f"Test films at the operating point: {positive} where its probability reaches the threshold. "
        "Extra rows; every other table uses the class of the highest probability.",
        columns,
        body,
        notes=(f"Rule: {'; '.join(sorted(rules))}.",),
        breaks=backbone_breaks(shown),
    )
