"""The tables of contrasts and subgroups: questions about some of the test films, beside the headline.

Convention: as in `hilum.report.result_tables`; means over trials. Which films stand on which side is the study's to say.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from hilum.artifacts.questions import Question
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.statistics import RESERVED
from hilum.artifacts.study_rows import StudyRow, StudyRows
from hilum.report import numbers
from hilum.report.result_tables import (
    CellColumns,
    backbone_breaks,
    estimate_cell,
    estimate_column,
    interval_cell,
    interval_column,
)
from hilum.report.run_words import averaged
from hilum.report.table import Cell, Column, Table, count_cell, text_cell
from hilum.study.film_filter import filter_words
from hilum.study.metrics import metric_label, shown_in


def contrasts(rows: StudyRows, folder: RunFolder) -> dict[str, list[StudyRow]]:
    """The rows of each contrast, means over trials only."""
    names = [c for c in rows.classes() if c not in (*folder.classes, *RESERVED)]
    subgroups = {q.name for q in folder.questions if q.subgroup}
    return {
        c: [r for r in rows.rows if r.class_ == c and r.trial is None] for c in names if c not in subgroups
    }


def contrast_tables(folder: RunFolder, rows: StudyRows, formulas: dict[str, str]) -> list[Table]:
    """A table a contrast that has films, a row a cell; where it helps, the headline's rate in grey beside."""
    name = CellColumns(folder)
    asked_of = {q.name: q for q in folder.questions}
    tables: list[Table] = []
    for contrast, found in contrasts(rows, folder).items():
        if not found or not found[0].n:
            continue
        question = asked_of.get(contrast)
        asked = question.asked if question else (folder.positive,)
        metrics = [m for m in shown_in("contrast") if any(r.metric == m for r in found)]
        # PR-AUC moves with the share of positive films and sensitivity is of the same films: no use beside
        of_all = question is not None and not question.against and asked == (folder.positive,)
        headline = shown_in("contrast beside all") if of_all else ()
        columns = name.columns()
        for m in metrics:
            columns += [estimate_column(m, formulas), interval_column(metric_label(m))]
            if m in headline:
                columns.append(
                    Column("all films", group=metric_label(m), hint="on all test films: the headline")
                )
        body = []
        for cell in folder.cells:
            row = name.cells(cell)
            for m in metrics:
                of_cell = rows.find(cell.name, None, m, contrast)
                row += [estimate_cell(of_cell), interval_cell(of_cell)]
                if m in headline:
                    of_all_films = estimate_cell(rows.find(cell.name, None, m, folder.positive))
                    row.append(replace(of_all_films, quiet=True))
            body.append(row)
        caption = _contrast_caption(
            found[0].n, found[0].n_positive, " or ".join(asked), question, averaged(folder)
        )
        stem, title = _stem(contrast, tables), contrast[:1].upper() + contrast[1:]
        tables.append(Table(stem, title, caption, columns, body, breaks=backbone_breaks(folder.cells)))
    return tables


def _stem(contrast: str, before: Sequence[Table]) -> str:
    """Name of the table's files: letters and digits of the contrast's name; numbered where two would be equal.

    >>> _stem("TB vs/clear (>= 65)", ())
    'contrast-TB-vs-clear-65'
    """
    stem = "contrast-" + re.sub(r"\W+", "-", contrast).strip("-")
    taken = {t.name for t in before}
    return next(n for n in (stem, *(f"{stem}-{k}" for k in range(2, len(taken) + 3))) if n not in taken)


def _contrast_caption(n: int, n_positive: int, asked: str, question: Question | None, averaged: str) -> str:
    films = f"{numbers.count(n)} test films"
    if question is None:  # a record from before contrasts stood in the study
        return f"{films}, {numbers.count(n_positive)} of them positive; {averaged}."
    if question.positive is None:
        return f"{films}, none of them {asked}; specificity is the share of them not predicted {asked}."
    sides = f"{filter_words(question.positive)}, against {filter_words(question.negative)}"
    between = f" Ranked by the probability of {asked} among those two alone." if question.against else ""
    return (
        f"{films}, {numbers.count(n_positive)} of them on the positive side ({sides}); {averaged}.{between}"
    )


def subgroup_table(folder: RunFolder, rows: StudyRows, formulas: dict[str, str]) -> Table | None:
    """The headline in each subgroup that the study names, a row a subgroup and cell; None where it names none."""
    subgroups = [q for q in folder.questions if q.subgroup]
    name = CellColumns(folder)
    columns = [Column("Subgroup", numeric=False), *name.columns(), Column("Films"), Column(folder.positive)]
    metrics = shown_in("contrast")
    for m in metrics:
        columns += [estimate_column(m, formulas), interval_column(metric_label(m))]
    body: list[list[Cell]] = []
    breaks: set[int] = set()
    for question in subgroups:
        breaks.add(len(body))
        for cell in folder.cells:
            found = {m: rows.find(cell.name, None, m, question.name) for m in metrics}
            first = next((r for r in found.values() if r is not None), None)
            if first is None:
                continue
            row = [text_cell(question.subgroup, strong=True), *name.cells(cell)]
            row += [count_cell(first.n), count_cell(first.n_positive)]
            for of_cell in found.values():
                row += [estimate_cell(of_cell), interval_cell(of_cell)]
            body.append(row)
    if not body:
        return None
    caption = f"{folder.positive[:1].upper() + folder.positive[1:]} among the test films of each subgroup; {averaged(folder)}."
    note = "Differences between subgroups are not tested; a subgroup of few films says little."
    return Table(
        "subgroups", "Subgroups", caption, columns, body, notes=(note,), breaks=frozenset(breaks - {0})
    )


def why_contrasts(folder: RunFolder) -> tuple[str, ...]:
    """What contrasts are for, where the study names some."""
    if all(q.subgroup for q in folder.questions):
        return ()
    return (
        "Where a class comes from one source or age group, a high figure need not be about "
        "disease. The study’s contrasts keep to films that are more alike.",
    )


def contrast_remarks(folder: RunFolder, rows: StudyRows) -> list[str]:
    """A sentence for each contrast that has no film."""
    return [
        f"{contrast[:1].upper() + contrast[1:]} is not shown: {found[0].note or 'no such film'}."
        for contrast, found in contrasts(rows, folder).items()
        if found and not found[0].n
    ]
