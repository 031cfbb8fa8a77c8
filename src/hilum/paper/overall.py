"""Table 11: the best of each experiment, chosen on test as the paper does, and chosen on validation; and what each costs.

Convention: "best" is the highest mean sensitivity over trials, the paper's criterion, among the experiment's own cells that count for
claims (where there is none, among all). A choice on test is optimistic and its table says so; the choice on validation never sees a
test film. Films a second are of a trial run alone, from file to score: preparation, backbone and prediction, without training.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hilum.artifacts.run import RunCell
from hilum.paper import beside, printed
from hilum.paper.beside import Group
from hilum.paper.experiment_tables import TWO
from hilum.paper.side_by_side import mean_cell
from hilum.paper.studies import Paper, PaperStudy, counts_for_claims, highest
from hilum.report import numbers
from hilum.report.comparison_tables import difference_cell
from hilum.report.estimates import estimate_cell, interval_cell, interval_column
from hilum.report.sections.cost import large_cell
from hilum.report.table import Cell, Column, Table, rate_cell, text_cell
from hilum.study.metrics import METRIC

Choice = Callable[[PaperStudy, RunCell], float | None]


def on_test(study: PaperStudy, cell: RunCell) -> float | None:
    """Mean sensitivity on the test films."""
    return study.estimate(cell, "sensitivity")


def on_validation(study: PaperStudy, cell: RunCell) -> float | None:
    """Mean sensitivity on the validation films."""
    return study.validation.get(cell.name)


def chosen(study: PaperStudy, by: Choice) -> RunCell | None:
    """The cell with the highest figure, the first of equals; None where no cell has one."""
    own = [c for c in study.folder.cells if study.is_of_experiment(c)] or list(study.folder.cells)
    return highest([c for c in own if counts_for_claims(c)] or own, lambda c: by(study, c))


def overall_tables(paper: Paper) -> list[Table]:
    """Table 11 both ways, and the costs; empty where no experiment after the first was run."""
    studies = [m for m in paper.as_described if m.experiment != 1]
    if not studies:
        return []
    validated = [_on_validation(studies)] if any(m.validation for m in studies) else []
    return [_on_test(studies), *validated, _costs(studies)]


def _lead(study: PaperStudy, cell: RunCell) -> list[Cell]:
    number = str(study.experiment) + (" (subset)" if study.subset else "")
    return [
        text_cell(number, strong=True, title=study.subset),
        text_cell(study.backbone_label(cell)),
        text_cell(f"{cell.pipeline}, {cell.schedule}"),
    ]


_LEAD = Group([Column(c, numeric=False) for c in ("Exp.", "Backbone", "Pipeline, schedule")], _lead)


def _of_table_11(study: PaperStudy, _: RunCell, metric: str) -> float | None:
    """The paper's number for the model that it calls an experiment's best, whichever is chosen here."""
    covid = printed.is_positive(study.folder.positive)
    return printed.TABLE_11.get(study.experiment, {}).get(metric) if covid else None


def _on_test(studies: Sequence[PaperStudy]) -> Table:
    return _table(
        "table-11",
        "Table 11, selected on test (optimistic)",
        "The highest test sensitivity of each experiment, and that model’s specificity and seconds: as the paper has it.",
        [_LEAD, *(beside.rates(m, _of_table_11) for m in TWO), beside.seconds(_of_table_11)],
        [(m, cell) for m in studies if (cell := chosen(m, on_test))],
        (
            printed.NOTES[11],
            "The paper’s model of an experiment need not be the one chosen here; its row is the paper’s Table 11.",
        ),
    )


def _on_validation(studies: Sequence[PaperStudy]) -> Table:
    def on_both(study: PaperStudy, cell: RunCell) -> list[Cell]:
        rows = [study.row(cell, m) for m in TWO]
        best = chosen(study, on_test)
        lost, own = (on_test(study, c) if c else None for c in (best, cell))
        return [
            rate_cell(on_validation(study, cell)),
            *(c for row in rows for c in (estimate_cell(row), interval_cell(row))),
            difference_cell(None if lost is None or own is None else lost - own),
        ]

    first, second = (METRIC[m].label for m in TWO)
    columns = [
        Column("validation", group=first, rule=True),
        Column("test", group=first),
        interval_column(first),
        Column("test", group=second, rule=True),
        interval_column(second),
        Column("Lost", hint="sensitivity on test of the model chosen on test, minus this one’s", rule=True),
    ]
    return _table(
        "table-11-validation",
        "Table 11, selected on validation",
        "The model with the highest validation sensitivity of each experiment, and its figures on the test films.",
        [_LEAD, Group(columns, on_both), _SECONDS],
        [(m, cell) for m in studies if (cell := chosen(m, on_validation))],
        ("Chosen without a test film, so its test figures are not optimistic by the choice.",),
    )


_SECONDS = Group(
    [Column("Seconds", hint="a trial run alone, mean over trials", rule=True)],
    lambda study, cell: [mean_cell(study, cell, "seconds")],
)


def _costs(studies: Sequence[PaperStudy]) -> Table:
    def selected(study: PaperStudy, cell: RunCell) -> list[Cell]:
        by = {"test": on_test, "validation": on_validation}
        return [text_cell(" and ".join(word for word, choice in by.items() if chosen(study, choice) == cell))]

    def cost(study: PaperStudy, cell: RunCell) -> list[Cell]:
        costs = study.folder.record.costs.get(cell.backbone) or {}
        speed = films_per_second(study, cell)
        return [
            Cell(numbers.NONE if speed is None else f"{speed:.3g}", speed, quiet=speed is None),
            *(large_cell(costs.get(k)) for k in ("parameters", "multiply_adds")),
        ]

    rows = [
        (m, cell)
        for m in studies
        for cell in dict.fromkeys((chosen(m, on_test), chosen(m, on_validation)))
        if cell is not None
    ]
    columns = [
        Column("Films a second", hint="from file to score, without training"),
        Column("Parameters"),
        Column("Multiply-adds", hint="of one film"),
    ]
    return _table(
        "table-11-cost",
        "Table 11 by cost",
        "What the selected models cost: seconds of a trial, films a second, parameters, multiply-adds of one film.",
        [_LEAD, Group([Column("Selected on", numeric=False)], selected), _SECONDS, Group(columns, cost)],
        rows,
        ("Seconds and films a second are this machine’s; see each study’s run.json for it.",),
        frozenset(k for k, (m, _) in enumerate(rows) if not k or rows[k - 1][0] is not m),
    )


def _table(
    name: str,
    title: str,
    caption: str,
    groups: Sequence[Group],
    rows: Sequence[tuple[PaperStudy, RunCell]],
    notes: Sequence[str],
    breaks: frozenset[int] = frozenset(),
) -> Table:
    columns, body = beside.grouped(groups, rows)
    own = dict.fromkeys(f"{m.title}: {n}" for m, _ in rows for n in m.notes)
    return Table(name, title, caption, columns, body, (*notes, *own), breaks, sortable=False)


def films_per_second(study: PaperStudy, cell: RunCell) -> float | None:
    """Films a second from file to score: mean over trials of what preparation, backbone and prediction took a film."""
    split = study.folder.splits[1]
    held_out = len(split.parts["valid"]) + len(split.parts["test"])
    every = held_out + (sum(study.drawn.values()) or len(split.parts["train"]))
    alone = [study.folder.seconds(cell, t).alone for t in study.folder.trials]
    taken = [
        (s.get("prepare", 0.0) + s.get("featurize", 0.0)) / every + s["predict"] / held_out
        for s in alone
        if "predict" in s and held_out
    ]
    seconds = numbers.mean(taken)
    return 1 / seconds if seconds else None
