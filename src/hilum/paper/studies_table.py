"""The studies of the suite in a table: their size, their seconds here, how often their test films were looked at, and what marks them."""

from __future__ import annotations

from hilum.paper.studies import Paper, PaperStudy
from hilum.report import numbers
from hilum.report.table import Cell, Column, Table, count_cell, seconds_cell, text_cell


def studies_table(paper: Paper) -> Table:
    """A row a study: films, cells, trials, seconds, looks, and what marks it."""
    columns = [
        Column("Study", numeric=False),
        Column("Run", numeric=False),
        *(Column(c) for c in ("Films", "Test films", "Cells", "Trials")),
        Column("Seconds", hint="of the study in this suite, everything shared"),
        Column("Looks", hint="of the test film that was looked at most, by whatever study of this workspace"),
        Column("Marks", numeric=False, prose=True),
    ]
    body = []
    for m in paper.in_order:
        body.append(
            [
                text_cell(m.title, strong=True),
                text_cell(m.folder.path.name),
                count_cell(len(m.folder.manifest)),
                count_cell(len(m.folder.splits[1].parts["test"])),
                count_cell(len(m.folder.cells)),
                count_cell(m.folder.n_trials),
                seconds_cell(m.seconds),
                Cell(numbers.count(m.looks), m.looks, quiet=m.looks is None),
                text_cell(_marks(m)),
            ]
        )
    known = [m.seconds for m in paper.studies if m.seconds is not None]
    n = len(paper.as_described)
    breaks = frozenset({n, n + len(paper.as_run), len(body)})
    body.append(
        [
            text_cell("all", strong=True),
            *(text_cell("") for _ in range(5)),
            seconds_cell(sum(known) if known else None),
            text_cell(""),
            text_cell(""),
        ]
    )
    return Table(
        "studies",
        "Studies",
        "The studies of this suite: their size, what they took here, and how often their test parts were looked at.",
        columns,
        body,
        (
            "Seconds of a study that was found finished are not of this run. A look is one opening of test films, whatever study opened "
            "them; the more looks, the more a choice can lean on the test films.",
        ),
        breaks,
        sortable=False,
    )


def _marks(study: PaperStudy) -> str:
    cells = study.folder.cells
    marks = [
        "UNSAFE" if study.unsafe else "",
        study.subset,
        "synthetic" if study.folder.record.synthetic else "",
        *(f"{b} with random weights" for b in study.undecided),
        *(f"{b} in place of resnet50" for b in study.stand_ins),
        "whole network trained" if any(c.finetuned for c in cells) else "",
    ]
    return "; ".join(m for m in marks if m)
