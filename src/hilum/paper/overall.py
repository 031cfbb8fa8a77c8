"""Table 11: the best of each experiment, chosen on test as the paper does, and chosen on validation; and what each costs.

Convention: "best" is the highest mean sensitivity over trials, the paper's criterion, among the experiment's own cells that count for
claims (where there is none, among all). A choice on test is optimistic and its table says so; the choice on validation never sees a
test film. Films a second are of a trial run alone, from file to score: preparation, backbone and prediction, without training.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hilum.artifacts.run import RunCell
from hilum.paper import printed
from hilum.paper.beside import (
    difference_cell,
    paper_cell,
    paper_seconds_cell,
)
from hilum.paper.differences import counts_for_claims, is_of_experiment
from hilum.paper.member import Member, Paper, highest
from hilum.paper.side_by_side import seconds_alone
from hilum.report import numbers
from hilum.report.numbers import mean
from hilum.report.result_tables import estimate_cell, interval_cell, interval_column
from hilum.report.table import Cell, Column, Table, rate_cell, seconds_cell, text_cell
from hilum.study.metrics import metric_label

_TWO = ("sensitivity", "specificity")
_NAMES = ("Exp.", "Backbone", "Pipeline, schedule")
Choice = Callable[[Member, RunCell], float | None]


def on_test(member: Member, cell: RunCell) -> float | None:
    """Mean sensitivity on the test films."""
    return member.estimate(cell, "sensitivity")


def on_validation(member: Member, cell: RunCell) -> float | None:
    """Mean sensitivity on the validation films."""
    return member.validation.get(cell.name, {}).get("sensitivity")


def chosen(member: Member, by: Choice) -> RunCell | None:
    """The cell with the highest figure, the first of equals; None where no cell has one."""
    own = [c for c in member.folder.cells if is_of_experiment(member, c)] or list(member.folder.cells)
    return highest([c for c in own if counts_for_claims(c)] or own, lambda c: by(member, c))


def overall_tables(paper: Paper) -> list[Table]:
    """Table 11 both ways, and the costs; empty where no experiment after the first was run."""
    members = [m for m in paper.as_described if m.experiment != 1]
    if not members:
        return []
    tables = [_on_test(members)]
    if any(m.validation for m in members):
        tables.append(_on_validation(members))
    return [*tables, _costs(members)]


def _lead(member: Member, cell: RunCell) -> list[Cell]:
    return [
        text_cell(
            str(member.experiment) + (" (subset)" if member.subset else ""), strong=True, title=member.subset
        ),
        text_cell(member.backbone_label(cell)),
        text_cell(f"{cell.pipeline}, {cell.schedule}"),
    ]


def _notes(members: list[Member], *more: str) -> tuple[str, ...]:
    own = dict.fromkeys(f"{m.title}: {n}" for m in members for n in m.notes)
    return (*more, *own)


def _on_test(members: list[Member]) -> Table:
    columns = [Column(c, numeric=False) for c in _NAMES]
    for m in _TWO:
        label = metric_label(m)
        columns += [Column("here", group=label, rule=True), interval_column(label)]
        columns += [Column("paper", group=label), Column("diff.", group=label, hint="here minus the paper")]
    columns += [Column("here", group="Seconds", rule=True), Column("paper", group="Seconds")]
    body = []
    for member in members:
        cell = chosen(member, on_test)
        if cell is None:
            continue
        of_paper = (
            printed.TABLE_11.get(member.experiment, {}) if printed.is_positive(member.folder.positive) else {}
        )
        row = _lead(member, cell)
        for m in _TWO:
            found = member.row(cell, m)
            comparable = None if member.stands_in(cell) else of_paper.get(m)
            row += [estimate_cell(found), interval_cell(found), paper_cell(of_paper.get(m))]
            row.append(difference_cell(found.estimate if found else None, comparable))
        row.append(seconds_cell(mean(seconds_alone(member.folder, cell))))
        row.append(paper_seconds_cell(of_paper.get("seconds")))
        body.append(row)
    note = (
        "The paper’s model of an experiment need not be the one chosen here; its row is the paper’s Table 11."
    )
    return Table(
        "table-11",
        "Table 11, selected on test (optimistic)",
        "The highest test sensitivity of each experiment, and that model’s specificity and seconds: as the paper has it.",
        columns,
        body,
        _notes(members, printed.NOTES[11], note),
        sortable=False,
    )


def _on_validation(members: list[Member]) -> Table:
    columns = [Column(c, numeric=False) for c in _NAMES]
    for m in _TWO:
        if m == "sensitivity":
            columns.append(Column("validation", group=metric_label(m), rule=True))
        columns.append(Column("test", group=metric_label(m), rule=m != "sensitivity"))
        columns.append(interval_column(metric_label(m)))
    columns += [
        Column("Lost", hint="sensitivity on test of the model chosen on test, minus this one’s", rule=True),
        Column("Seconds", rule=True),
    ]
    body = []
    for member in members:
        cell, other = chosen(member, on_validation), chosen(member, on_test)
        if cell is None:
            continue
        row = [*_lead(member, cell), rate_cell(on_validation(member, cell))]
        for m in _TWO:
            found = member.row(cell, m)
            row += [estimate_cell(found), interval_cell(found)]
        best = on_test(member, other) if other else None
        row.append(difference_cell(best, on_test(member, cell)))
        row.append(seconds_cell(mean(seconds_alone(member.folder, cell))))
        body.append(row)
    return Table(
        "table-11-validation",
        "Table 11, selected on validation",
        "The model with the highest validation sensitivity of each experiment, and its figures on the test films.",
        columns,
        body,
        _notes(members, "Chosen without a test film, so its test figures are not optimistic by the choice."),
        sortable=False,
    )


def _costs(members: list[Member]) -> Table:
    columns = [
        *(Column(c, numeric=False) for c in (*_NAMES, "Selected on")),
        Column("Seconds", hint="a trial run alone, mean over trials", rule=True),
        Column("Films a second", hint="from file to score, without training"),
        Column("Parameters"),
        Column("Multiply-adds", hint="of one film"),
    ]
    body: list[list[Cell]] = []
    breaks: set[int] = set()
    for member in members:
        picks: dict[str, tuple[RunCell, list[str]]] = {}
        for by, word in ((on_test, "test"), (on_validation, "validation")):
            cell = chosen(member, by)
            if cell is not None:
                picks.setdefault(cell.name, (cell, []))[1].append(word)
        breaks.add(len(body))
        for cell, selected_on in picks.values():
            costs: Mapping[str, Any] = member.folder.record.costs.get(cell.backbone) or {}
            speed = films_per_second(member, cell)
            body.append(
                [
                    *_lead(member, cell),
                    text_cell(" and ".join(selected_on)),
                    seconds_cell(mean(seconds_alone(member.folder, cell))),
                    Cell(numbers.NONE if speed is None else f"{speed:.3g}", speed, quiet=speed is None),
                    _large_cell(costs.get("parameters")),
                    _large_cell(costs.get("multiply_adds")),
                ]
            )
    return Table(
        "table-11-cost",
        "Table 11 by cost",
        "What the selected models cost: seconds of a trial, films a second, parameters, multiply-adds of one film.",
        columns,
        body,
        _notes(members, "Seconds and films a second are this machine’s; see each study’s run.json for it."),
        frozenset(breaks),
        sortable=False,
    )


def films_per_second(member: Member, cell: RunCell) -> float | None:
    """Films a second from file to score: mean over trials of what preparation, backbone and prediction took a film."""
    split = member.folder.splits[1]
    held_out = len(split.parts["valid"]) + len(split.parts["test"])
    every = held_out + (sum(member.drawn.values()) or len(split.parts["train"]))
    alone = [member.folder.seconds(cell, t).alone for t in member.folder.trials]
    taken = [
        (s.get("prepare", 0.0) + s.get("featurize", 0.0)) / every + s["predict"] / held_out
        for s in alone
        if "predict" in s and held_out
    ]
    seconds = mean(taken)
    return 1 / seconds if seconds else None


def _large_cell(value: float | int | None) -> Cell:
    """A large number with its magnitude: ``23.6 M``."""
    if value is None:
        return Cell(numbers.NONE, None, quiet=True, title="not recorded")
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return Cell(f"{value / size:.3g} {letter}", value)
    return Cell(f"{value:g}", value)
