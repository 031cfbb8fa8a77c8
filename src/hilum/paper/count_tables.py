"""Tables 1 and 2: films by class and part, beside the paper's counts.

Convention: counts are of trial 1; the other trials draw other films, as many. A class that the paper does not have has dashes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from hilum.paper import printed
from hilum.paper.member import Member
from hilum.report.table import Cell, Column, Table, count_cell, text_cell

_SET_1 = ("train and valid", "test", "total")
_SET_2 = ("train", "train, as drawn", "valid", "test", "total")
_Pair = tuple[int, int | None]  # here, the paper's


def count_table(member: Member) -> Table | None:
    """Table 1 for Experiment 1, Table 2 for Experiment 2; None for the others, which use Set 2 too."""
    if member.experiment == 1:
        return _table(
            member, "table-1", "Table 1", "Films of Set 1", _SET_1, _set_1(member), printed.NOTES[1]
        )
    if member.experiment == 2:
        return _table(
            member, "table-2", "Table 2", "Films of Set 2", _SET_2, _set_2(member), printed.NOTES[2]
        )
    return None


def _films(member: Member) -> dict[str, Counter[str]]:
    """Class -> part -> films of trial 1."""
    split, by_id = member.folder.splits[1], member.folder.manifest.by_id
    found = {c: Counter[str]() for c in member.folder.classes}
    for part, ids in split.parts.items():
        for i in ids:
            found[by_id[i].label][part] += 1
    return found


def _set_1(member: Member) -> dict[str, list[_Pair]]:
    body = {}
    for class_, n in _films(member).items():
        train, test = n["train"] + n["valid"], n["test"]
        paper = printed.TABLE_1.get(class_)
        of_paper = (*paper, sum(paper)) if paper else (None, None, None)
        body[class_] = list(zip((train, test, train + test), of_paper, strict=True))
    return body


def _set_2(member: Member) -> dict[str, list[_Pair]]:
    body = {}
    for class_, n in _films(member).items():
        train, valid, test = n["train"], n["valid"], n["test"]
        here = (train, member.drawn.get(class_, train), valid, test, train + valid + test)
        paper = printed.TABLE_2.get(class_)
        of_paper: Sequence[int | None] = [None] * 5
        if paper:
            drawn = printed.TABLE_2_DRAWN.get(class_, paper[0])
            of_paper = (paper[0], drawn, paper[1], paper[2], sum(paper))
        body[class_] = list(zip(here, of_paper, strict=True))
    return body


def _table(
    member: Member,
    name: str,
    title: str,
    what: str,
    parts: Sequence[str],
    body: dict[str, list[_Pair]],
    note: str,
) -> Table:
    columns = [Column("Class", numeric=False)]
    for part in parts:
        columns += [
            Column("here", group=part, rule=True),
            Column("paper", group=part),
            Column("diff.", group=part, hint="here minus the paper"),
        ]

    def cells(pairs: Sequence[_Pair]) -> list[Cell]:
        found = []
        for here, paper in pairs:
            difference = None if paper is None else here - paper
            found += [count_cell(here), Cell(count_cell(paper).text, paper, quiet=True), _signed(difference)]
        return found

    rows = [[text_cell(c, strong=True), *cells(pairs)] for c, pairs in body.items()]
    totals = [_sum([pairs[k] for pairs in body.values()]) for k in range(len(parts))]
    rows.append([text_cell("all", strong=True), *cells(totals)])
    return Table(
        name,
        title,
        member.caption(f"{what} by class and part, trial 1"),
        columns,
        rows,
        (*member.notes, note),
        frozenset({len(body)}),
        sortable=False,
    )


def _sum(pairs: Sequence[_Pair]) -> _Pair:
    papers = [p for _, p in pairs]
    known = [p for p in papers if p is not None]
    return sum(h for h, _ in pairs), sum(known) if len(known) == len(papers) else None


def _signed(difference: int | None) -> Cell:
    if difference is None:
        return Cell("–", None, quiet=True)
    sign = "−" if difference < 0 else "+" if difference > 0 else ""
    return Cell(f"{sign}{count_cell(abs(difference)).text}", difference, quiet=difference == 0)
