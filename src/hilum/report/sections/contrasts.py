"""Contrasts and subgroups: questions about some of the test films, beside the headline.

Convention: figures are means over trials. Which films stand on which side is the study's to say.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from hilum.artifacts.questions import Question
from hilum.report import numbers
from hilum.report.comparison_tables import ENDS as SIGNED_ENDS
from hilum.report.comparison_tables import difference_cells, metric_breaks, p_cell, verdict_cell
from hilum.report.estimates import backbone_breaks, both_cell, contrasts, estimate_cell, figure_column
from hilum.report.evaluated import Evaluated
from hilum.report.page import Section
from hilum.report.run_words import averaged
from hilum.report.table import Cell, Column, Table, count_cell, rate_cell, text_cell
from hilum.study.film_filter import filter_words
from hilum.study.metrics import metric_label, shown_in

_SHOWN = 40  # rows of a table of subgroups that is not folded away


def section(evaluated: Evaluated) -> Section | None:
    """A table a contrast and one of the subgroups; None where the study asks for neither."""
    tables, subgroups = contrast_tables(evaluated), subgroup_table(evaluated)
    remarks = contrast_remarks(evaluated)
    if not tables and not subgroups and not remarks:
        return None
    why = ""
    if not all(q.subgroup for q in evaluated.folder.questions):
        why = (
            "Where a class comes from one source or age group, a high figure need not be about "
            "disease. The study’s contrasts keep to films that are more alike."
        )
    rest = against_rest_table(evaluated)
    of_subgroups = [t for t in (subgroups, rest) if t]
    items = [*tables, *(t for t in of_subgroups if len(t.rows) <= _SHOWN)]
    closed = [t for t in of_subgroups if len(t.rows) > _SHOWN]
    return Section("clean", "Contrasts and subgroups", (why, *remarks), items, closed)


def contrast_remarks(evaluated: Evaluated) -> list[str]:
    """A sentence for each contrast that has no film."""
    return [
        f"{numbers.capital(contrast)} is not shown: {found[0].note or 'no such film'}."
        for contrast, found in contrasts(evaluated.rows, evaluated.folder).items()
        if found and not found[0].n
    ]


def contrast_tables(evaluated: Evaluated) -> list[Table]:
    """A table a contrast that has films, a row a cell; where it helps, the headline's rate in grey beside."""
    folder, names = evaluated.folder, evaluated.names
    asked_of = {q.name: q for q in folder.questions}
    tables: list[Table] = []
    for contrast, found in contrasts(evaluated.rows, folder).items():
        if not found or not found[0].n:
            continue
        question = asked_of.get(contrast)
        asked = question.asked if question else (folder.positive,)
        metrics = [m for m in shown_in("contrast") if any(r.metric == m for r in found)]
        # PR-AUC moves with the share of positive films and sensitivity is of the same films: no use beside
        of_all = question is not None and not question.against and asked == (folder.positive,)
        headline = shown_in("contrast beside all") if of_all else ()
        columns, body = names.columns(), [names.cells(c) for c in folder.cells]
        for m in metrics:
            columns.append(figure_column(m, evaluated.formulas))
            if m in headline:
                hint = "on all test films: the headline"
                columns.append(Column(f"{metric_label(m)}, all films", hint=hint))
            for cell, row in zip(folder.cells, body, strict=True):
                row.append(both_cell(evaluated.row(cell, m, contrast)))
                if m in headline:
                    row.append(replace(estimate_cell(evaluated.row(cell, m)), quiet=True))
        caption = _contrast_caption(
            found[0].n, found[0].n_positive, " or ".join(asked), question, averaged(folder)
        )
        stem, title = _stem(contrast, tables), numbers.capital(contrast)
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


def subgroup_table(evaluated: Evaluated) -> Table | None:
    """The headline in each subgroup that the study names, a row a subgroup and cell; None where it names none."""
    folder, names, metrics = evaluated.folder, evaluated.names, shown_in("contrast")
    columns = [
        Column("Subgroup", numeric=False), *names.columns(), Column("Films"), Column(folder.positive),
        *(figure_column(m, evaluated.formulas) for m in metrics),
    ]  # fmt: skip
    body: list[list[Cell]] = []
    breaks: set[int] = set()
    for question in (q for q in folder.questions if q.subgroup):
        breaks.add(len(body))
        for cell in folder.cells:
            found = [evaluated.row(cell, m, question.name) for m in metrics]
            first = next((r for r in found if r is not None), None)
            if first is None or not first.n:
                continue
            row = [text_cell(question.subgroup, strong=True), *names.cells(cell)]
            row += [count_cell(first.n), count_cell(first.n_positive)]
            body.append([*row, *map(both_cell, found)])
    if not body:
        return None
    caption = f"{numbers.capital(folder.positive)} among the test films of each subgroup; {averaged(folder)}."
    tested = "in the table of subgroups against the rest" if evaluated.groups else "not tested"
    note = f"Differences between subgroups are {tested}; one of few films says little, one of none in a cell has no row."
    return Table(
        "subgroups", "Subgroups", caption, columns, body, notes=(note,), breaks=frozenset(breaks - {0})
    )


def against_rest_table(evaluated: Evaluated) -> Table | None:
    """Each subgroup against the rest of the test films, a row a metric, subgroup and cell; None where none was compared."""
    rows, names, folder = evaluated.groups, evaluated.names, evaluated.folder
    columns = [
        Column("Metric", numeric=False), Column("Subgroup", numeric=False), *names.columns(), Column("In it"), Column("Of the rest"),
        Column("estimate", group="Difference", hint="subgroup less the rest", rule=True),
        *(Column(f"95 %, {k}", group="Difference", key=k, parts=SIGNED_ENDS) for k in ("alone", "together")),
        Column("p (Holm)", hint="adjusted over all subgroups and cells of a metric", rule=True),
        Column("Verdict", numeric=False, hint="by Holm’s p below .05"),
    ]  # fmt: skip
    body: list[list[Cell]] = []
    for r in rows:
        n = r.n_clusters
        body.append(
            [
                text_cell(metric_label(r.metric)), text_cell(r.label, strong=True), *names.cells(folder.cell_named[r.cell]),
                rate_cell(r.value, r.note, n=n), rate_cell(r.reference_value, r.note, n=n), *difference_cells(r),
                p_cell(r.p_adjusted), verdict_cell(r),
            ]
        )  # fmt: skip
    if not body:
        return None
    sizes = numbers.listed([f"{n}" for n in sorted({r.n_family for r in rows})])
    notes = (
        f"Holm’s p and the intervals “together” are over the {sizes} comparisons of a metric, all subgroups and cells. A subgroup stands "
        "here where it and the rest have the films that the metric asks; of two that divide those alike, one. A difference may come of the "
        "mix of films within a subgroup.",
    )
    caption = f"{numbers.capital(averaged(folder))}; patients and trials are resampled."
    return Table(
        "subgroups-rest",
        "Subgroups against the rest",
        caption,
        columns,
        body,
        notes,
        metric_breaks(rows),
        sortable=False,
    )
