"""A table of an experiment's cells beside the paper's numbers: here, its interval, the paper's, and the difference.

Convention: rows are the study's own cells; the paper's value is grey, and that of a network which stands in for ResNet50 is ResNet50's,
so it has no difference. A difference is here minus the paper; nothing is tested by it, since the paper's films are not these.
Seconds are of a trial run alone, mean over trials; other machines, so no difference.
"""

from __future__ import annotations

from collections.abc import Sequence

from hilum.artifacts.run import RunCell
from hilum.paper import printed
from hilum.paper.member import Member
from hilum.paper.side_by_side import seconds_alone
from hilum.report import numbers
from hilum.report.comparison_tables import difference_cell as signed_cell
from hilum.report.numbers import mean
from hilum.report.result_tables import (
    backbone_breaks,
    estimate_cell,
    interval_cell,
    interval_column,
)
from hilum.report.table import Cell, Column, Table, rate_cell, seconds_cell, text_cell
from hilum.stats.families import levels
from hilum.study.factors import FACTOR
from hilum.study.metrics import metric_label

NO_NUMBER = "the paper has no number"
OF_RESNET50 = "the paper’s number is ResNet50’s: another network, so no difference"


def cell_columns(member: Member) -> list[Column]:
    """The headings that name a cell: the backbone, and whatever varies in the study."""
    return [Column(FACTOR[f].label, numeric=False) for f in ("backbone", *_varying(member))]


def cell_names(member: Member, cell: RunCell) -> list[Cell]:
    """The names of a cell; the backbone says whether it stands in for the paper's."""
    of_factor = levels(cell)
    others = (text_cell(of_factor[f].replace("_", " ")) for f in _varying(member))
    return [text_cell(member.backbone_label(cell), strong=True), *others]


def fixed(member: Member) -> str:
    """What does not vary, for a caption: ``pipeline crop``; empty where it does."""
    pipelines = {c.pipeline for c in member.folder.cells}
    return f"pipeline {pipelines.pop()}" if len(pipelines) == 1 else ""


def _varying(member: Member) -> list[str]:
    return [f for f in member.folder.varying() if f != "backbone"]


def paper_value(member: Member, cell: RunCell, metric: str) -> float | None:
    """The paper's number beside a cell; None where it has none or the positive class is not covid."""
    if not printed.is_positive(member.folder.positive):
        return None
    return printed.value(member.experiment, cell.backbone, cell.pipeline, cell.schedule, metric)


def paper_cell(value: float | None, title: str = "") -> Cell:
    """A rate of the paper."""
    return rate_cell(value, title=title or ("" if value is not None else NO_NUMBER), quiet=True)


def paper_seconds_cell(value: float | None) -> Cell:
    """Seconds of the paper."""
    return Cell(numbers.seconds(value), value, quiet=True, title="" if value is not None else NO_NUMBER)


def difference_cell(here: float | None, paper: float | None) -> Cell:
    """Here minus the paper, with its sign; a dash where either is missing."""
    return signed_cell(None if here is None or paper is None else here - paper)


def signed(value: float, digits: int = 4) -> str:
    """A difference with its sign.

    >>> signed(-0.00004), signed(0.5, 2)
    ('0.0000', '+0.50')
    """
    text = f"{abs(value):.{digits}f}"
    return text if float(text) == 0 else ("−" if value < 0 else "+") + text


def beside(
    member: Member,
    name: str,
    title: str,
    what: str,
    metrics: Sequence[str],
    notes: Sequence[str],
    intervals: bool = True,
    epochs: bool = False,
) -> Table:
    """A row a cell, a group of columns a metric.

    Args:
        member: The experiment.
        name: Stem of the files.
        title: ``Table 8``.
        what: The caption, without its full stop.
        metrics: Names as in statistics.json.
        notes: Beneath, after the study's own.
        intervals: Whether each metric has its interval.
        epochs: Whether the epochs that were run have a column.
    """
    columns = cell_columns(member)
    for metric in metrics:
        label = metric_label(metric)
        columns.append(
            Column("here", group=label, rule=True, hint=member.evaluation.formulas.get(metric, ""))
        )
        columns += [interval_column(label)] if intervals else []
        columns += [Column("paper", group=label), Column("diff.", group=label, hint="here minus the paper")]
    if epochs:
        columns += [Column("here", group="Epochs", rule=True), Column("paper", group="Epochs")]
    hint = "prepare + featurize + train + predict of a trial run alone"
    columns += [
        Column("here", group="Seconds", rule=True, hint=hint),
        Column("paper", group="Seconds", hint="on a Kaggle GPU"),
    ]
    body = []
    for cell in member.folder.cells:
        row = cell_names(member, cell)
        title_of_paper = OF_RESNET50 if member.stands_in(cell) else ""
        for metric in metrics:
            found, paper = member.row(cell, metric), paper_value(member, cell, metric)
            row.append(estimate_cell(found))
            row += [interval_cell(found)] if intervals else []
            row.append(paper_cell(paper, title_of_paper if paper is not None else ""))
            row.append(
                difference_cell(found.estimate if found else None, None if member.stands_in(cell) else paper)
            )
        if epochs:
            ran = len(member.folder.losses(cell, 1).train)
            of_paper = paper_value(member, cell, "epochs")
            row.append(Cell(str(ran) if ran else numbers.NONE, ran or None, quiet=not ran))
            row.append(Cell(numbers.NONE if of_paper is None else f"{of_paper:.0f}", of_paper, quiet=True))
        row.append(seconds_cell(mean(seconds_alone(member.folder, cell))))
        row.append(paper_seconds_cell(paper_value(member, cell, "seconds")))
        body.append(row)
    return Table(
        name,
        title,
        member.caption(what),
        columns,
        body,
        (*member.notes, *notes),
        backbone_breaks(member.folder.cells),
    )


def trials_words(n: int) -> str:
    """``mean over 3 trials`` or ``one trial``.

    >>> trials_words(3), trials_words(1)
    ('mean over 3 trials', 'one trial')
    """
    return "one trial" if n == 1 else f"mean over {n} trials"
