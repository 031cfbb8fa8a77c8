"""By class, trial and threshold: what stands behind the headline."""

from __future__ import annotations

from hilum.artifacts.statistics import AT_OPERATING_POINT, MACRO, StudyRow
from hilum.report import numbers
from hilum.report.class_words import against
from hilum.report.estimates import (
    backbone_breaks,
    both_cell,
    estimate_cell,
    few_events_notes,
    figure_column,
)
from hilum.report.evaluated import Evaluated
from hilum.report.page import Section
from hilum.report.run_words import averaged
from hilum.report.table import Cell, Column, Table, count_cell, seconds_cell
from hilum.study.metrics import METRIC, METRICS, metric_label, shown_in


def section(evaluated: Evaluated) -> Section:
    """The operating point; every class against the rest, and every trial, folded away."""
    point, classes = operating_point_table(evaluated), one_vs_rest_table(evaluated)
    closed = [*([classes] if classes else []), trial_table(evaluated)]
    return Section(
        "details", "By class, trial and threshold", (), [point] if point else [], closed, folded=True
    )


def operating_point_table(evaluated: Evaluated) -> Table | None:
    """A row a cell: the rates at the threshold that was chosen on validation; None where no bundle has one."""
    folder, names, metrics = evaluated.folder, evaluated.names, shown_in("threshold")
    with_interval = [m for m in metrics if METRIC[m].share_of != "predicted"]
    others = [m for m in metrics if m not in with_interval]
    hint = f"on the probability of {folder.positive}; lowest to highest of the trials"
    columns = [*names.columns(), Column("Threshold", hint=hint, parts=("threshold_low", "threshold_high"))]
    columns += [figure_column(m, evaluated.formulas) for m in with_interval]
    columns += [
        Column(metric_label(m), hint=evaluated.formulas.get(m, ""), rule=m == others[0]) for m in others
    ]
    body, rules, shown = [], set(), []
    for cell in folder.cells:
        points = [p for t in folder.trials if (p := folder.operating_point(cell, t)) and "threshold" in p]
        found = {m: evaluated.row(cell, m + AT_OPERATING_POINT) for m in metrics}
        if not points or not any(found.values()):
            continue
        shown.append(cell)
        rules |= {
            f"{p.get('rule', 'rule not recorded')} (chosen on {p.get('chosen_on', 'an unnamed part')})"
            for p in points
        }
        low, high = (f([float(p["threshold"]) for p in points]) for f in (min, max))
        body.append(
            [*names.cells(cell), Cell(numbers.span(low, high), (low, high))]
            + [both_cell(found[m]) for m in with_interval]
            + [estimate_cell(found[m]) for m in others]
        )
    if not body:
        return None
    return Table(
        "operating-point",
        "At the operating point",
        f"Test films at the operating point: {folder.positive} where its probability reaches the threshold. "
        "Extra rows; every other table uses the class of the highest probability.",
        columns,
        body,
        notes=(f"Rule: {'; '.join(sorted(rules))}.",),
        breaks=backbone_breaks(shown),
    )


def one_vs_rest_table(evaluated: Evaluated) -> Table | None:
    """A row a cell and class, the class against the rest, then the mean over classes; None for two classes, which mirror each other."""
    folder, names, metrics = evaluated.folder, evaluated.names, shown_in("by class")
    if len(folder.classes) == 2:
        return None
    columns = [*names.columns(), Column("Class", numeric=False), Column("Films of it")]
    columns += [figure_column(m, evaluated.formulas) for m in metrics]
    body, told = [], list[StudyRow | None]()
    for cell in folder.cells:
        for k, class_ in enumerate((*folder.classes, MACRO)):
            found = [evaluated.row(cell, m, class_) for m in metrics]
            told += found
            n = next((r.n_positive for r in found if r), None)
            lead = names.cells(cell) if k == 0 else [Cell("", c.value) for c in names.cells(cell)]
            label = "macro average" if class_ == MACRO else class_
            body.append([*lead, Cell(label, class_), count_cell(n), *(both_cell(r) for r in found)])
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


def trial_table(evaluated: Evaluated) -> Table:
    """A row a trial: every metric of the positive class, and its seconds."""
    folder, names = evaluated.folder, evaluated.names
    columns = [*names.columns(), Column("Trial")]
    columns += [Column(m.label, hint=evaluated.formulas.get(m.name, "")) for m in METRICS]
    columns.append(Column("Seconds", hint="prepare + featurize + train + predict, as if the trial ran alone"))
    body = []
    for cell, trial in folder.units():
        values = [estimate_cell(evaluated.row(cell, m.name, trial=trial)) for m in METRICS]
        seconds = seconds_cell(folder.seconds(cell, trial).whole)
        body.append([*names.cells(cell), count_cell(trial), *values, seconds])
    n = folder.n_trials
    return Table(
        "trials",
        "Trials",
        f"Every trial on the test films, {against(folder.positive, folder.classes)}.",
        columns,
        body,
        notes=("PR-AUC is the trapezoid; average precision is the sum of steps beside it.",),
        breaks=frozenset(range(n, len(body), n)) if n > 1 else frozenset(),
    )
