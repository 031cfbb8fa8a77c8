"""What stands in the row of a cell beside the paper's numbers: groups of columns, of which the tables of the paper are made.

Convention: rows are the study's own cells; the paper's value is grey, and that of a network which stands in for ResNet50 is ResNet50's,
so it has no difference. A difference is here minus the paper; nothing is tested by it, since the paper's films are not these.
Seconds are of a trial run alone, mean over trials; other machines, so no difference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hilum.artifacts.run import RunCell
from hilum.paper import printed
from hilum.paper.side_by_side import ALONE, error_cell, label_of, mean_cell, paper_cell
from hilum.paper.studies import PaperStudy
from hilum.report import numbers
from hilum.report.comparison_tables import difference_cell
from hilum.report.estimates import estimate_cell, interval_cell, interval_column
from hilum.report.run_words import cell_level
from hilum.report.table import Cell, Column, text_cell
from hilum.study.factors import FACTOR
from hilum.study.metrics import METRIC

OF_RESNET50 = "the paper’s number is ResNet50’s: another network, so no difference"
PaperValue = Callable[[PaperStudy, RunCell, str], float | None]
"""The paper's number of a metric for a study's cell."""


@dataclass(frozen=True)
class Group:
    """Columns that belong together.

    Attributes:
        columns: Their headings.
        cells: What stands in them in the row of a study's cell.
    """

    columns: Sequence[Column]
    cells: Callable[[PaperStudy, RunCell], Sequence[Cell]]


def grouped(
    groups: Sequence[Group], rows: Sequence[tuple[PaperStudy, RunCell]]
) -> tuple[list[Column], list[list[Cell]]]:
    """The columns and the rows of a table."""
    columns = [c for g in groups for c in g.columns]
    return columns, [[c for g in groups for c in g.cells(study, cell)] for study, cell in rows]


def paper_value(study: PaperStudy, cell: RunCell, metric: str) -> float | None:
    """The paper's number beside a cell; None where it has none or the positive class is not covid."""
    if not printed.is_positive(study.folder.positive):
        return None
    return printed.value(study.experiment, cell.backbone, cell.pipeline, cell.schedule, metric)


def names(study: PaperStudy) -> Group:
    """The backbone, which says whether it stands in for the paper's, and whatever varies in the study."""
    varying = [f for f in study.folder.varying() if f != "backbone"]

    def cells(study: PaperStudy, cell: RunCell) -> list[Cell]:
        return [
            text_cell(study.backbone_label(cell), strong=True),
            *(text_cell(cell_level(cell, f)) for f in varying),
        ]

    return Group([Column(FACTOR[f].label, numeric=False) for f in ("backbone", *varying)], cells)


def fixed(study: PaperStudy) -> str:
    """What does not vary, for a caption: ``pipeline crop``; empty where it does."""
    pipelines = {c.pipeline for c in study.folder.cells}
    return f"pipeline {pipelines.pop()}" if len(pipelines) == 1 else ""


def rates(metric: str, paper: PaperValue = paper_value, interval: bool = True) -> Group:
    """A metric's mean here, its interval, the paper's number, and the difference."""
    label = METRIC[metric].label

    def cells(study: PaperStudy, cell: RunCell) -> list[Cell]:
        row, value, other = study.row(cell, metric), paper(study, cell, metric), study.stands_in(cell)
        own = row.estimate if row else None
        return [
            estimate_cell(row),
            *([interval_cell(row)] if interval else []),
            paper_cell(value, metric, OF_RESNET50 if other else ""),
            difference_cell(None if other or own is None or value is None else own - value),
        ]

    columns = [
        Column("here", group=label, rule=True, hint=METRIC[metric].formula),
        *([interval_column(label)] if interval else []),
        Column("paper", group=label),
        Column("diff.", group=label, hint="here minus the paper"),
    ]
    return Group(columns, cells)


def errors(metric: str) -> Group:
    """The standard error of a metric's mean, or of the seconds, here and in the paper; of a metric the interval of that mean too."""
    rate = metric in METRIC

    def cells(study: PaperStudy, cell: RunCell) -> list[Cell]:
        covid = printed.is_positive(study.folder.positive)
        paper = printed.error(cell.backbone, cell.pipeline, cell.schedule, metric) if covid else None
        found = [error_cell(study, cell, metric), paper_cell(paper, metric)]
        return [*found, interval_cell(study.row(cell, metric))] if rate else found

    label = label_of(metric)
    columns = [Column("here", group=label, rule=True), Column("paper", group=label)]
    interval = [interval_column(label, hint="of the mean that Table 4 has")] if rate else []
    return Group([*columns, *interval], cells)


def seconds(paper: PaperValue = paper_value) -> Group:
    """Seconds here and in the paper."""

    def cells(study: PaperStudy, cell: RunCell) -> list[Cell]:
        here = mean_cell(study, cell, "seconds")
        return [here, paper_cell(paper(study, cell, "seconds"), "seconds")]

    hints = {"here": ALONE, "paper": "on a Kaggle GPU"}
    return Group(
        [Column(c, group="Seconds", rule=c == "here", hint=hint) for c, hint in hints.items()], cells
    )


def _epochs(study: PaperStudy, cell: RunCell) -> list[Cell]:
    ran = len(study.folder.losses(cell, 1).train)
    here = Cell(str(ran) if ran else numbers.NONE, ran or None, quiet=not ran)
    return [here, paper_cell(paper_value(study, cell, "epochs"), "epochs")]


EPOCHS = Group([Column(c, group="Epochs", rule=c == "here") for c in ("here", "paper")], _epochs)
"""Epochs that were run, of trial 1, here and in the paper."""
