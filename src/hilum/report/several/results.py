"""Results of several findings: a row a cell and finding, the macro average below them, and the comparisons that the study named."""

from __future__ import annotations

from collections.abc import Sequence

from hilum.artifacts.comparisons import ComparisonRow
from hilum.artifacts.run import RunCell
from hilum.artifacts.statistics import AT_OPERATING_POINT, MACRO, StudyRow
from hilum.report import numbers
from hilum.report.comparison_tables import comparison_tables, secondary_table
from hilum.report.estimates import both_cell, few_events_notes, figure_column, undefined_notes
from hilum.report.evaluated import Evaluated
from hilum.report.page import Section
from hilum.report.run_words import averaged
from hilum.report.sections.results import compared_words, unit_note
from hilum.report.table import Cell, Column, Table, count_cell, text_cell
from hilum.study.metrics import METRIC, metric_label

AT_POINT = ("sensitivity", "specificity")
SHOWN = ("roc_auc", "pr_auc", *(m + AT_OPERATING_POINT for m in AT_POINT))
"""The figures of the table: areas, and what is decided at each finding's own threshold."""
_MACRO = "macro average"


def section(evaluated: Evaluated) -> Section:
    """Results by finding and the comparisons; every other figure folded away."""
    rows = [named_by_finding(r) for r in evaluated.compared]
    compared = comparison_tables(rows, ())
    secondary = secondary_table(rows)
    closed = [figures_table(evaluated), thresholds_table(evaluated), *([secondary] if secondary else [])]
    brief = compared_words(evaluated.compared)
    return Section(
        "results", "Results by finding", (), [results_table(evaluated), *compared], closed, brief=brief
    )


def named_by_finding(row: ComparisonRow) -> ComparisonRow:
    """A comparison whose label begins with the finding that it is about."""
    finding = _MACRO if row.class_ == MACRO else row.class_
    return row.model_copy(update={"label": f"{finding}, {row.label}"})


def results_table(evaluated: Evaluated) -> Table:
    """A row a cell and finding, then the macro average: films of the test part, areas, and sensitivity and specificity at the threshold."""
    folder, names, told = evaluated.folder, evaluated.names, list[StudyRow | None]()
    columns = [
        *names.columns(),
        Column("Finding", numeric=False),
        Column("with", group="test films", rule=True),
        Column("without", group="test films"),
        Column("not known", group="test films", hint="left out of the finding's figures"),
        *(_column(m, evaluated) for m in SHOWN),
    ]
    body, breaks = list[list[Cell]](), list[int]()
    for cell in folder.cells:
        breaks.append(len(body))
        for k, finding in enumerate((*folder.classes, MACRO)):
            found = [evaluated.row(cell, m, finding) for m in SHOWN]
            told += found
            lead = names.cells(cell) if k == 0 else [Cell("", c.value) for c in names.cells(cell)]
            body.append([*lead, *_films(evaluated, cell, finding, found[0]), *map(both_cell, found)])
    return Table(
        "results",
        "By finding",
        f"Test films, each finding against its absence on the films of which it is known: {averaged(folder)} with its 95 % interval in "
        "brackets. Sensitivity and specificity are at the finding's own threshold, chosen on validation films.",
        columns,
        body,
        notes=(
            unit_note(evaluated.evaluation),
            f"The {_MACRO} is the mean over findings with equal weight. Probabilities of several findings do not add up to 1. Differences "
            "between rows are not tested here.",
            *undefined_notes(told),
            *few_events_notes(told),
        ),
        breaks=frozenset(breaks[1:]),
        sortable=False,
    )


def _column(metric: str, evaluated: Evaluated) -> Column:
    return figure_column(metric.removesuffix(AT_OPERATING_POINT), evaluated.formulas)


def _films(evaluated: Evaluated, cell: RunCell, finding: str, row: StudyRow | None) -> Sequence[Cell]:
    """The name of a finding and its test films: with it, without it, not known; means over trials where these differ."""
    if finding == MACRO:
        return [text_cell(_MACRO, strong=True), *(Cell("", None) for _ in range(3))]
    sizes = [len(evaluated.folder.split_of(cell, t).parts["test"]) for t in evaluated.folder.trials]
    there, n = (row.n_positive, row.n) if row else (0, 0)
    counts = there, n - there, round(sum(sizes) / len(sizes)) - n
    return [text_cell(finding, strong=True), *map(count_cell, counts)]


def figures_table(evaluated: Evaluated) -> Table:
    """A row a cell, finding and figure: whatever the first table does not show."""
    folder, names = evaluated.folder, evaluated.names
    columns = [
        *names.columns(),
        *(Column(c, numeric=False) for c in ("Finding", "Figure", "At")),
        *_value_columns(),
    ]
    body = []
    for cell in folder.cells:
        for row in (
            r
            for r in evaluated.rows.rows
            if r.cell == cell.name and r.trial is None and r.metric not in SHOWN
        ):
            metric = row.metric.removesuffix(AT_OPERATING_POINT)
            at = "threshold" if row.metric != metric else "–" if METRIC[metric].is_area else "probability .5"
            finding = _MACRO if row.class_ == MACRO else row.class_
            said = text_cell(finding), text_cell(metric_label(metric), title=row.formula), text_cell(at)
            body.append([*names.cells(cell), *said, both_cell(row)])
    return Table(
        "figures",
        "Every other figure by finding",
        f"Test films: {averaged(folder)} with its 95 % interval.",
        columns,
        body,
        notes=("PPV and NPV are at the share of films with the finding among the test films.",),
    )


def _value_columns() -> list[Column]:
    return [Column("Value", parts=("estimate", "low", "high", "n"))]


def thresholds_table(evaluated: Evaluated) -> Table:
    """A row a cell, finding and trial: the threshold, and the validation films that chose it."""
    folder, names = evaluated.folder, evaluated.names
    columns = [
        *names.columns(), Column("Finding", numeric=False), Column("Trial"), Column("Threshold"), Column("Rule", numeric=False),
        Column("Validation films", hint="of which the finding is known"),
    ]  # fmt: skip
    body = []
    for cell, trial in folder.units():
        point = folder.operating_point(cell, trial)
        for finding in folder.classes:
            value = float(point["thresholds"][finding])
            body.append(
                [
                    *names.cells(cell), text_cell(finding), count_cell(trial), Cell(numbers.rate(value), value),
                    text_cell(str(point["rule"])), count_cell(int(point["n_films"][finding])),
                ]
            )  # fmt: skip
    return Table(
        "thresholds",
        "Thresholds",
        "A film is called to have a finding when its probability reaches this.",
        columns,
        body,
    )
