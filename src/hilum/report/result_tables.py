"""The tables of results: the key table, trials, every class against the rest, the operating point.

Convention: a row names its backbone with a mark where its weights are random, its pipeline, and its schedule
where the study has several. Rates are for the class of the highest probability unless a table says otherwise.
An empty place is a dash whose title says why. No row is marked as best: differences are not tested here.
"""

from __future__ import annotations

from collections.abc import Sequence

from hilum.artifacts.statistics import StatisticsRow
from hilum.report import numbers
from hilum.report.class_words import against
from hilum.report.level_words import cell_level
from hilum.report.run_folder import STEPS, RunCell, RunFolder
from hilum.report.study_rows import AT_OPERATING_POINT, StudyRows
from hilum.report.table import Cell, Column, Table, count_cell, rate_cell, seconds_cell, text_cell

METRIC_LABELS = {
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "strict_rate": "Strict rate",
    "ppv": "PPV",
    "npv": "NPV",
    "f1": "F1",
    "accuracy": "Accuracy",
    "pr_auc": "PR-AUC",
    "average_precision": "Avg. precision",
    "roc_auc": "ROC-AUC",
}
WITH_INTERVAL = ("sensitivity", "specificity")
KEY_METRICS = ("sensitivity", "specificity", "pr_auc")


FACTOR_LABELS = {
    "backbone": "Backbone",
    "pipeline": "Pipeline",
    "schedule": "Schedule",
    "loss": "Loss",
    "fraction": "Share of training films",
    "source_left_out": "Source left out",
    "seed": "Seed",
    "faults": "Faults",
}


class CellColumns:
    """The columns that name a cell, the same in every table: backbone and pipeline, and whatever else varies in the study."""

    def __init__(self, folder: RunFolder) -> None:
        self._others = [f for f in folder.varying() if f not in ("backbone", "pipeline")]

    def columns(self) -> list[Column]:
        """Their headings."""
        names = ["Backbone", "Pipeline", *(FACTOR_LABELS[f] for f in self._others)]
        return [Column(n, numeric=False) for n in names]

    def cells(self, cell: RunCell) -> list[Cell]:
        """Their values for a cell."""
        names = [cell.pipeline, *(cell_level(cell, f) for f in self._others)]
        return [text_cell(cell.backbone_label, strong=True), *(text_cell(n) for n in names)]

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
    return rate_cell(row.estimate, title=row.note)


def interval_cell(row: StatisticsRow | None) -> Cell:
    """The interval of an estimate."""
    if row is None or row.low is None or row.high is None:
        return Cell(numbers.NONE, None, quiet=True, title=row.note if row else "not computed")
    text = numbers.interval(row.low, row.high)
    return Cell(text, f"{numbers.exact(row.low)} to {numbers.exact(row.high)}", title=row.method)


def key_table(folder: RunFolder, rows: StudyRows, formulas: dict[str, str], unit_note: str) -> Table:
    """A row a cell: mean over trials and interval of the three metrics of the paper."""
    name, positive = CellColumns(folder), folder.positive
    columns = [*name.columns(), Column("Trials")]
    for metric in KEY_METRICS:
        label = METRIC_LABELS[metric]
        columns.append(Column("mean", group=label, hint=formulas.get(metric, ""), rule=True))
        columns.append(Column("95 % interval", group=label))
    body = []
    for cell in folder.cells:
        found = [rows.find(cell.name, None, m, positive) for m in KEY_METRICS]
        trials = next((r.n_trials for r in found if r), folder.n_trials)
        body.append(
            [*name.cells(cell), count_cell(trials)]
            + [c for r in found for c in (estimate_cell(r), interval_cell(r))]
        )
    return Table(
        "results",
        "By cell",
        f"Test films, {against(positive, folder.classes)}: mean over trials with its 95 % interval.",
        columns,
        body,
        notes=(
            unit_note,
            "Rates are for the class of the highest probability. Differences between rows are not tested "
            "here.",
        ),
        breaks=backbone_breaks(folder.cells),
    )


def trial_table(folder: RunFolder, rows: StudyRows, formulas: dict[str, str]) -> Table:
    """A row a trial: every metric of the positive class, and its seconds."""
    name, positive = CellColumns(folder), folder.positive
    columns = [*name.columns(), Column("Trial")]
    columns += [Column(label, hint=formulas.get(m, "")) for m, label in METRIC_LABELS.items()]
    columns.append(Column("Seconds", hint="prepare + featurize + train + predict, as if the trial ran alone"))
    body = []
    for cell, trial in folder.units():
        values = [estimate_cell(rows.find(cell.name, trial, m, positive)) for m in METRIC_LABELS]
        alone = folder.seconds(cell, trial).alone
        total = sum(alone.values()) if len(alone) == len(STEPS) else None
        body.append([*name.cells(cell), count_cell(trial), *values, seconds_cell(total)])
    return Table(
        "trials",
        "Trials",
        f"Every trial on the test films, {against(positive, folder.classes)}.",
        columns,
        body,
        notes=("PR-AUC is the trapezoid, as in the paper; average precision is the sum of steps beside it.",),
        breaks=frozenset(range(folder.n_trials, len(body), folder.n_trials))
        if folder.n_trials > 1
        else frozenset(),
    )


def one_vs_rest_table(folder: RunFolder, rows: StudyRows, formulas: dict[str, str]) -> Table:
    """A row a cell and class: means over trials, the class against the rest."""
    name = CellColumns(folder)
    columns = [*name.columns(), Column("Class", numeric=False), Column("Films of it")]
    columns += [Column(label, hint=formulas.get(m, "")) for m, label in METRIC_LABELS.items()]
    body = []
    for cell in folder.cells:
        for k, class_ in enumerate(folder.classes):
            found = {m: rows.find(cell.name, None, m, class_) for m in METRIC_LABELS}
            n = next((r.n_positive for r in found.values() if r), None)
            lead = name.cells(cell) if k == 0 else [Cell("", c.value) for c in name.cells(cell)]
            body.append(
                [*lead, text_cell(class_), count_cell(n), *(estimate_cell(r) for r in found.values())]
            )
    n_classes = len(folder.classes)
    other = "other" if n_classes == 2 else "rest"
    return Table(
        "one-vs-rest",
        f"Every class against the {other}",
        f"Test films, each class in turn against the {other}: means over trials.",
        columns,
        body,
        breaks=frozenset(range(n_classes, len(body), n_classes)),
        sortable=False,
    )


def operating_point_table(folder: RunFolder, rows: StudyRows, formulas: dict[str, str]) -> Table | None:
    """A row a cell: the rates at the threshold that was chosen on validation; None where no bundle has
    one."""
    name, positive = CellColumns(folder), folder.positive
    metrics = ("sensitivity", "specificity", "ppv", "npv")
    columns = [
        *name.columns(),
        Column("Threshold", hint=f"on the probability of {positive}; lowest to highest of the trials"),
    ]
    for m in metrics[:2]:
        columns += [
            Column("mean", group=METRIC_LABELS[m], hint=formulas.get(m, ""), rule=True),
            Column("95 % interval", group=METRIC_LABELS[m]),
        ]
    columns += [Column(METRIC_LABELS[m], hint=formulas.get(m, ""), rule=m == "ppv") for m in metrics[2:]]
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
        text = numbers.rate(low, 3) if low == high else numbers.interval(low, high)
        body.append(
            [*name.cells(cell), Cell(text, f"{numbers.exact(low)} to {numbers.exact(high)}")]
            + [c for m in metrics[:2] for c in (estimate_cell(found[m]), interval_cell(found[m]))]
            + [estimate_cell(found[m]) for m in metrics[2:]]
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
