"""The page of systems: all models of several runs in one table, with what they cost, and each tested against one of them."""

from __future__ import annotations

from pathlib import Path

from hilum.artifacts.statistics import AT_OPERATING_POINT
from hilum.artifacts.systems import ComparedSystems
from hilum.report.caution import caution
from hilum.report.compare_page import GLOSSARY, comparison_pictures, unsafe_words
from hilum.report.comparison_tables import comparison_tables, secondary_table
from hilum.report.estimates import both_cell, few_events_notes, figure_column
from hilum.report.numbers import mean
from hilum.report.page import Page, Section, write_page
from hilum.report.run_words import backbone_label
from hilum.report.sections.cost import large_cell
from hilum.report.table import Column, Table, count_cell, seconds_cell, text_cell

_FIGURES = ("roc_auc", "pr_auc", f"sensitivity{AT_OPERATING_POINT}", f"specificity{AT_OPERATING_POINT}")


def write_systems_page(compared: ComparedSystems, path: Path, title: str, command: str = "") -> Page:
    """Write the page, and beside it its tables and figure.

    Args:
        compared: The comparison.
        path: The page's file.
        title: Its heading.
        command: How it was called, for the page.
    """
    rows, (first, _) = compared.rows, compared.systems[compared.reference]
    chosen = (
        "the reference was named beforehand; sensitivity and specificity at each trial’s own operating point"
    )
    secondary = secondary_table(rows)
    tables = [
        systems_table(compared),
        *comparison_tables(rows, (f"not {first.positive}", first.positive), chosen=chosen),
    ]
    results = Section(
        "results",
        "Systems",
        items=[tables[0], *comparison_pictures(rows, path.parent), *tables[1:]],
        closed=[secondary] if secondary else [],
    )
    split = first.splits[1]
    one_trial = first.n_trials == 1
    page = Page(
        "comparison",
        title,
        f"{len(compared.systems)} models of {len(compared.folders)} runs on the same {len(split.parts['test'])} test films a trial: "
        f"{first.positive} against every other film.",
        (results,),
        [caution("one-trial", "Every model was trained once, so no difference has a verdict.")]
        if one_trial
        else [],
        glossary=GLOSSARY,
        command=command,
        facts=[(f"predictions of {n}", d) for n, d in compared.header.inputs.items()]
        + [("seed", str(compared.header.seed)), ("resamples", str(compared.header.options["n_resamples"]))],
        unsafe=unsafe_words({name: cell for name, (_, cell) in compared.systems.items()}),
        synthetic=all(f.record.synthetic for f in compared.folders),
    )
    write_page(page, path)
    return page


def systems_table(compared: ComparedSystems) -> Table:
    """A row a system: what it is, what it costs, and its figures."""
    columns = [
        Column("System", numeric=False, prose=True),
        Column("Classes", hint="that it tells apart"),
        Column("Parameters", hint="weights and biases", rule=True),
        Column("Multiply-adds", hint="of one film; convolutions and matrix products only"),
        Column(
            "Seconds",
            hint="of a trial by itself: preparation, features, training and prediction, mean over trials",
        ),
        *(figure_column(m.removesuffix(AT_OPERATING_POINT), {}) for m in _FIGURES),
    ]
    body, shown = [], []
    for name, (folder, cell) in compared.systems.items():
        costs = folder.record.costs.get(cell.backbone) or {}
        figures = [compared.figures.find(name, None, m, folder.positive) for m in _FIGURES]
        shown += figures
        body.append(
            [
                text_cell(name, strong=True, title=backbone_label(cell)),
                count_cell(len(folder.classes)),
                *(large_cell(costs.get(k)) for k in ("parameters", "multiply_adds")),
                seconds_cell(
                    mean([s for t in folder.trials if (s := folder.seconds(cell, t).whole) is not None])
                ),
                *(both_cell(f) for f in figures),
            ]
        )
    return Table(
        "systems",
        "Systems on the same films",
        "Means over trials on the test films with 95 % intervals; sensitivity and specificity at the operating point that each trial chose "
        "on validation.",
        columns,
        body,
        notes=few_events_notes(shown),
    )
