"""Tables 1 and 2: films by class and part, beside the paper's counts.

Convention: counts are of trial 1; the other trials draw other films, as many. A class that the paper does not have has dashes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from hilum.paper import printed
from hilum.paper.studies import PaperStudy
from hilum.report import numbers
from hilum.report.table import Cell, Column, Table, count_cell, text_cell

_Pair = tuple[int, int | None]  # here, the paper's


def count_table(study: PaperStudy) -> Table | None:
    """Table 1 for Experiment 1, Table 2 for Experiment 2; None for the others, which use Set 2 too."""
    n = study.experiment
    if n not in (1, 2):
        return None
    split, by_id = study.folder.splits[1], study.folder.manifest.by_id
    body: dict[str, dict[str, _Pair]] = {}
    for class_ in study.folder.classes:
        films = Counter(p for p, ids in split.parts.items() for i in ids if by_id[i].label == class_)
        here = _counts(n, films["train"], films["valid"], films["test"], study.drawn.get(class_))
        paper = _of_paper(n, class_)
        body[class_] = {heading: (count, paper.get(heading)) for heading, count in here.items()}
    headings = list(next(iter(body.values())))
    columns = [Column("Class", numeric=False)]
    for heading in headings:
        columns += [
            Column("here", group=heading, rule=True),
            Column("paper", group=heading),
            Column("diff.", group=heading, hint="here minus the paper"),
        ]
    of_all = [_sum([pairs[heading] for pairs in body.values()]) for heading in headings]
    named = [*((c, list(pairs.values())) for c, pairs in body.items()), ("all", of_all)]
    return Table(
        f"table-{n}",
        f"Table {n}",
        study.caption(f"Films of Set {n} by class and part, trial 1"),
        columns,
        [[text_cell(name, strong=True), *_cells(pairs)] for name, pairs in named],
        (*study.notes, printed.NOTES[n]),
        frozenset({len(body)}),
        sortable=False,
    )


def _counts(experiment: int, train: int, valid: int, test: int, drawn: int | None = None) -> dict[str, int]:
    """Heading -> films; `drawn` are those that train has after some were drawn with replacement, None for as many."""
    if experiment == 1:
        return {"train and valid": train + valid, "test": test, "total": train + valid + test}
    as_drawn = train if drawn is None else drawn
    parts = {"train": train, "train, as drawn": as_drawn, "valid": valid, "test": test}
    return {**parts, "total": train + valid + test}


def _of_paper(experiment: int, class_: str) -> Mapping[str, int]:
    """The paper's counts; empty for a class that it does not have."""
    if class_ not in printed.TABLE_1:
        return {}
    if experiment == 1:
        train, test = printed.TABLE_1[class_]
        return _counts(1, train, 0, test)
    return _counts(2, *printed.TABLE_2[class_], printed.TABLE_2_DRAWN.get(class_))


def _sum(pairs: Sequence[_Pair]) -> _Pair:
    papers = [p for _, p in pairs if p is not None]
    return sum(h for h, _ in pairs), sum(papers) if len(papers) == len(pairs) else None


def _cells(pairs: Sequence[_Pair]) -> list[Cell]:
    found = []
    for here, paper in pairs:
        apart = None if paper is None else here - paper
        sign = "−" if apart and apart < 0 else "+" if apart else ""
        text = sign + numbers.count(abs(apart)) if apart is not None else numbers.NONE
        found += [
            count_cell(here),
            Cell(numbers.count(paper), paper, quiet=True),
            Cell(text, apart, quiet=not apart),
        ]
    return found
