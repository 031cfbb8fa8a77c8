"""Sources left out: what models that never saw a source reach on its films, beside those that were trained with it."""

from __future__ import annotations

from hilum.artifacts.comparisons import LEFT_OUT_FAMILY, ComparisonRow
from hilum.artifacts.outside import Outside
from hilum.artifacts.run_folder import RunFolder
from hilum.report import numbers
from hilum.report.comparison_tables import ENDS as SIGNED_ENDS
from hilum.report.comparison_tables import (
    difference_cells,
    difference_words,
    metric_breaks,
    p_cell,
    verdict_cell,
)
from hilum.report.estimates import BOTH, both_cell
from hilum.report.evaluated import Evaluated
from hilum.report.page import Section
from hilum.report.run_words import averaged
from hilum.report.table import Cell, Column, Table, count_cell, rate_cell, text_cell
from hilum.study.metrics import metric_label

_FACTOR = "source_left_out"
_BRIEF = 4  # sources that the sentence at the top names


def section(evaluated: Evaluated) -> Section | None:
    """The films of each source left out, and the fall; None where it was not run with ``--leave-one-source-out``, or is on other films."""
    rows = [r for r in evaluated.compared if r.family == LEFT_OUT_FAMILY]
    if not rows or Outside.of_run(evaluated.folder.path):
        return None
    folder = evaluated.folder
    said = (
        "Each source in turn is kept from training and validation and then tested on, whole. Films of other sources that are copies of its "
        "films, or of its patients, were taken out of training first.",
        _stayed(folder),
    )
    return Section(
        "left-out",
        "Sources left out",
        [s for s in said if s],
        [films_table(folder), fall_table(evaluated, rows)],
        brief=_brief(evaluated, rows),
    )


def _stayed(folder: RunFolder) -> str:
    """The sources that were not left out, and why."""
    films = folder.manifest
    pairs = set(zip(films.texts("label"), films.texts("source"), strict=True))
    stayed = [s for s in folder.manifest.count_by("source") if s not in _sources(folder)]
    why = []
    for source in stayed:
        alone = [c for c in folder.classes if {s for label, s in pairs if label == c} == {source}]
        why.append(f"{source} (every film of {numbers.listed(alone)} comes from it)" if alone else source)
    return f"Not left out: {numbers.listed(why)}." if why else ""


def _sources(folder: RunFolder) -> list[str]:
    levels = dict.fromkeys(str(c.levels.get(_FACTOR, "none")) for c in folder.cells)
    return [s for s in levels if s != "none"]


def _brief(evaluated: Evaluated, rows: list[ComparisonRow]) -> str:
    falls = [r for r in rows if r.metric == "roc_auc" and r.estimate is not None]
    named = evaluated.folder.cell_named
    each = [
        f"{named[r.cell].levels[_FACTOR]} {numbers.rate(r.reference_value, 3)} with it, {numbers.rate(r.value, 3)} without "
        f"{difference_words(r)}"
        for r in falls[:_BRIEF]
    ]
    rest = f"; {len(falls) - _BRIEF} more below" if len(falls) > _BRIEF else ""
    return f"ROC-AUC on its films: {'; '.join(each)}{rest}." if each else ""


def films_table(folder: RunFolder) -> Table:
    """A row a source left out: its films by class, and what was taken out of training for its sake."""
    columns = [
        Column("Source left out", numeric=False),
        Column("Films tested"),
        *(Column(c, group="of class") for c in folder.classes),
    ]
    columns.append(
        Column(
            "Taken out of training",
            hint="films of other sources that are copies of its films, or of its patients",
        )
    )
    columns += [Column("Trained on"), Column("Classes it lacks", numeric=False)]
    body: list[list[Cell]] = []
    for source in _sources(folder):
        cell = next(c for c in folder.cells if c.levels.get(_FACTOR) == source)
        split = folder.split_of(cell, 1)
        labels = folder.manifest.only(split.parts["test"]).count_by("label")
        lacks = [c for c in folder.classes if not labels.get(c)]
        counts = [len(split.parts["test"]), *(labels.get(c, 0) for c in folder.classes)]
        removed, trained = int(split.header.options.get("left_out_with_source", 0)), len(split.parts["train"])
        row = [text_cell(source, strong=True), *(count_cell(n) for n in (*counts, removed, trained))]
        body.append([*row, text_cell(", ".join(lacks) or numbers.NONE)])
    return Table(
        "left-out-films",
        "Films",
        "The films of each source left out, in trial 1.",
        columns,
        body,
        sortable=False,
    )


def fall_table(evaluated: Evaluated, rows: list[ComparisonRow]) -> Table:
    """A row a metric, source and cell: on the films that both tested, trained with the source and without; and on all of its films."""
    folder, names = evaluated.folder, evaluated.names
    columns = [
        Column("Metric", numeric=False), *names.columns(),
        Column("All its films", hint="of models that never saw the source", key="all", parts=BOTH),
        Column("In source", group="films that both tested", hint="of models trained with the source", rule=True),
        Column("Left out", group="films that both tested", hint="of models that never saw it"),
        Column("estimate", group="Difference", hint="left out less in source", rule=True),
        Column("95 %, alone", group="Difference", key="alone", parts=SIGNED_ENDS),
        Column("p (Holm)", rule=True), Column("Verdict", numeric=False, hint="by Holm’s p below .05"),
    ]  # fmt: skip
    body: list[list[Cell]] = []
    for r in rows:
        cell, n = folder.cell_named[r.cell], r.n_clusters
        body.append(
            [
                text_cell(metric_label(r.metric)), *names.cells(cell), both_cell(evaluated.row(cell, r.metric)),
                rate_cell(r.reference_value, r.note, n=n), rate_cell(r.value, r.note, n=n),
                *difference_cells(r, together=False), p_cell(r.p_adjusted), verdict_cell(r),
            ]
        )  # fmt: skip
    sizes = numbers.listed([str(n) for n in sorted({r.n_family for r in rows})])
    notes = (
        f"{numbers.capital(folder.positive)} against the rest. The two are compared on the films of the source that both "
        f"test, paired by film and trial; Holm’s p is over the {sizes} comparisons of a metric. Models "
        "without the source were also trained on fewer films.",
    )
    return Table(
        "left-out",
        "The fall",
        f"{numbers.capital(averaged(folder))}, with 95 % intervals.",
        columns,
        body,
        notes,
        metric_breaks(rows),
        sortable=False,
    )
