"""Every table of the whole paper, by name, and those of the suite itself: seconds and looks.

Convention: a table's name is its file's; the paper's tables are ``table-1`` to ``table-11``, those of an as-run study begin with its name.
"""

from __future__ import annotations

from dataclasses import replace

from hilum.paper import printed
from hilum.paper.as_run import fault_table, overview_table
from hilum.paper.claims import Finding, claims_table
from hilum.paper.count_tables import count_table
from hilum.paper.experiment_tables import experiment_tables
from hilum.paper.member import Member, Paper
from hilum.paper.overall import overall_tables
from hilum.report import numbers
from hilum.report.comparison_tables import comparison_tables
from hilum.report.run_notes import with_notes
from hilum.report.sections.films.flow_tables import runs_flow_table
from hilum.report.sections.matrices import shown_tables
from hilum.report.sections.results import key_table
from hilum.report.table import Cell, Column, Table, count_cell, seconds_cell, text_cell


def paper_tables(paper: Paper, findings: list[Finding]) -> dict[str, Table]:
    """Every table, in the order of the page."""
    tables = [claims_table(findings), *overall_tables(paper)]
    for member in paper.as_described:
        counts = count_table(member)
        tables += [counts] if counts else []
        tables += experiment_tables(member)
        if member.experiment == 2:
            matrices = shown_tables(member, tuple(printed.CONFUSION_CELLS))
            tables += with_notes(_by_name(matrices), member.notes).values()
        tables += family_tables(member)
    for member in paper.as_run:
        faults = fault_table(member)
        tables += [overview_table(member, paper), *([faults] if faults else [])]
    for member in paper.others:
        tables += [_plain_table(member), *family_tables(member)]
    flow = runs_flow_table([m.folder for m in paper.members], [m.title for m in paper.members])
    tables += [studies_table(paper), *([flow] if flow else [])]
    return _by_name(tables)


def _plain_table(member: Member) -> Table:
    """The results of a study that is none of the paper's."""
    made = key_table(member)
    return replace(
        made,
        name=f"{member.name}-results",
        title=f"Results of {member.title}",
        notes=(*made.notes, *member.notes),
    )


def _by_name(tables: list[Table]) -> dict[str, Table]:
    return {t.name: t for t in tables}


def family_tables(member: Member) -> list[Table]:
    """The comparisons that the study names; empty for none."""
    if not member.compared:
        return []
    made = comparison_tables(member.compared, member.folder.classes, f"{member.name}-comparisons")
    return list(with_notes(_by_name(made), member.notes).values())


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
    for m in (*paper.as_described, *paper.as_run, *paper.others):
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
    known = [m.seconds for m in paper.members if m.seconds is not None]
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


def _marks(member: Member) -> str:
    marks = [
        "UNSAFE" if member.unsafe else "",
        member.subset,
        "synthetic" if member.folder.record.synthetic else "",
        *(
            f"{b} with random weights"
            for b in sorted({c.backbone for c in member.folder.cells if not c.pretrained} - {"cnn"})
        ),
        *(
            f"{b} in place of resnet50"
            for b in sorted({c.backbone for c in member.folder.cells if member.stands_in(c)})
        ),
        "whole network trained" if any(c.finetuned for c in member.folder.cells) else "",
    ]
    return "; ".join(m for m in marks if m)
