"""Tables 3 to 5 and 8 to 10: each experiment's cells beside the paper's numbers.

Convention: Tables 3, 4, 8, 9, 10 are means over trials with `hilum.paper.beside`'s columns; Table 5 has the standard errors beside
the paper's, and the intervals of Table 4, which would be too wide for it.
"""

from __future__ import annotations

from hilum.paper import printed
from hilum.paper.beside import (
    NO_NUMBER,
    beside,
    cell_columns,
    cell_names,
    fixed,
    paper_cell,
    trials_words,
)
from hilum.paper.member import Member
from hilum.paper.side_by_side import seconds_alone, standard_error
from hilum.report import numbers
from hilum.report.class_words import against
from hilum.report.result_tables import backbone_breaks, interval_cell, interval_column
from hilum.report.table import Cell, Column, Table, rate_cell, seconds_cell
from hilum.study.metrics import metric_label

_RATES = ("sensitivity", "specificity", "pr_auc")
_TWO = ("sensitivity", "specificity")


def experiment_tables(member: Member) -> list[Table]:
    """The tables of results of an experiment as described."""
    positive, n = member.folder.positive, trials_words(member.folder.n_trials)
    of = ", ".join(
        t for t in (f"test films, {against(positive, member.folder.classes)}", fixed(member), n) if t
    )
    match member.experiment:
        case 1:
            what = f"Experiment 1, rotation: sensitivity and strict rate, {of}"
            return [
                beside(
                    member, "table-3", "Table 3", what, ("sensitivity", "strict_rate"), (printed.NOTES[3],)
                )
            ]
        case 2:
            what = f"Experiment 2, four pipelines: {of}; the intervals are in Table 5"
            return [
                beside(member, "table-4", "Table 4", what, _RATES, (printed.NOTES[4],), intervals=False),
                _table_5(member),
            ]
        case 3:
            what = f"Experiment 3, one cycle: {of}"
            return [beside(member, "table-8", "Table 8", what, _TWO, (printed.NOTES[8],), epochs=True)]
        case 4:
            what = f"Experiment 4, reduced on plateau: {of}"
            return [beside(member, "table-9", "Table 9", what, _TWO, (printed.NOTES[8],), epochs=True)]
        case _:
            what = f"Experiment 5, the CNN from scratch: {of}"
            return [beside(member, "table-10", "Table 10", what, _TWO, (printed.NOTES[10],), epochs=True)]


def _table_5(member: Member) -> Table:
    folder = member.folder
    columns = cell_columns(member)
    for metric in _RATES:
        label = metric_label(metric)
        columns += [
            Column("here", group=label, rule=True),
            Column("paper", group=label),
            interval_column(label, hint="of the mean that Table 4 has"),
        ]
    columns += [Column("here", group="Seconds", rule=True), Column("paper", group="Seconds")]
    why = "one trial has no standard error" if folder.n_trials == 1 else "undefined in a trial"
    none = Cell(numbers.NOT_ESTIMABLE, None, quiet=True, title=why)
    body = []
    for cell in folder.cells:
        row = cell_names(member, cell)
        comparable = cell.schedule == printed.SCHEDULE and printed.is_positive(folder.positive)
        for metric in _RATES:
            found = member.row(cell, metric)
            row.append(
                none if found is None or found.standard_error is None else rate_cell(found.standard_error)
            )
            row.append(
                paper_cell(printed.table_5(cell.backbone, cell.pipeline, metric) if comparable else None)
            )
            row.append(interval_cell(found))
        error = standard_error(seconds_alone(folder, cell))
        paper = printed.table_5(cell.backbone, cell.pipeline, "seconds") if comparable else None
        row.append(none if error is None else seconds_cell(error))
        row.append(
            Cell(numbers.NONE, None, quiet=True, title=NO_NUMBER)
            if paper is None
            else Cell(f"{paper:.1f}", paper, quiet=True)
        )
        body.append(row)
    return Table(
        "table-5",
        "Table 5",
        member.caption(
            "Experiment 2: standard errors of the means of Table 4 over trials (ddof 1), and their 95 % intervals"
        ),
        columns,
        body,
        (*member.notes, printed.NOTES[5]),
        backbone_breaks(folder.cells),
    )
