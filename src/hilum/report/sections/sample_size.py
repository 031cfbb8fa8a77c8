"""Sample size: how many test films the headline would need to be known to within .05 and .03 (`hilum.stats.films_needed`).

Convention: estimates are means over trials; the design effect is the films' variance over that of independent films, mean over trials, from
1 on. With few events no resample gives it, and the films of a unit stand for it, which is its cautious end. Where an estimate is 0 or 1 the
nearer end of its interval that is neither is planned for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from hilum.artifacts.run import RunCell
from hilum.artifacts.statistics import StudyRow
from hilum.report import numbers
from hilum.report.estimates import estimate_cell, interval_cell, interval_column
from hilum.report.evaluated import Evaluated
from hilum.report.page import Section
from hilum.report.table import Cell, Column, Table, count_cell, text_cell
from hilum.stats.films_needed import films_for_area, films_for_rate, hanley_mcneil_variance
from hilum.study.metrics import metric_label

HALF_WIDTHS = (0.05, 0.03)
_METRICS = ("sensitivity", "specificity", "roc_auc")


@dataclass(frozen=True)
class Plan:
    """What a figure needs.

    Attributes:
        planned: The estimate that is planned for.
        design_effect: From 1 on.
        resampled: Whether resamples gave it.
        films: For each of `HALF_WIDTHS`, films of all classes; None where no number that is counted to is enough.
    """

    planned: float
    design_effect: float
    resampled: bool
    films: tuple[int | None, ...]


def section(evaluated: Evaluated) -> Section | None:
    """A table, folded; None where nothing can be planned for."""
    table = needed_table(evaluated)
    return Section("sample-size", "Sample size", (), [table], folded=True) if table else None


def plan(row: StudyRow, trials: Sequence[StudyRow]) -> Plan | None:
    """The films that a figure needs, of all classes at the observed share of each.

    Args:
        row: Of the cell.
        trials: Of its trials.
    """
    n, positives = row.n, row.n_positive
    if row.estimate is None or not 0 < positives < n:
        return None
    ends = [v for v in (row.estimate, row.low, row.high) if v is not None and 0 < v < 1]
    if not ends:
        return None
    p = ends[0] if 0 < row.estimate < 1 else max(ends) if row.estimate == 1 else min(ends)
    share = {"sensitivity": positives / n, "specificity": 1 - positives / n}.get(row.metric)
    ratios = []
    for t in trials:
        if t.film_error is None or t.estimate is None or not 0 < t.estimate < 1:
            continue
        if share is None:
            alone = hanley_mcneil_variance(t.estimate, t.n_positive, t.n - t.n_positive)
        else:
            alone = t.estimate * (1 - t.estimate) / (t.n * share)
        ratios.append(t.film_error**2 / alone if alone else 1.0)
    effect = max(1.0, sum(ratios) / len(ratios)) if ratios else max(1.0, n / (row.n_clusters or n))
    if share is None:
        films = tuple(films_for_area(p, w, positives / n, effect) for w in HALF_WIDTHS)
    else:
        films = tuple(math.ceil(films_for_rate(p, w, effect) / share - 1e-9) for w in HALF_WIDTHS)
    return Plan(p, effect, bool(ratios), films)


def needed_table(evaluated: Evaluated) -> Table | None:
    """A row a cell and figure: what it is now, and the films for each half-width; None without a row."""
    folder, names = evaluated.folder, evaluated.names
    effect = "variance of the films of these patients / that of as many independent films"
    columns = [
        *names.columns(), Column("Figure", numeric=False), Column("estimate", rule=True), interval_column(),
        Column("Test films"), Column("Positives"), Column("Design effect", hint=effect),
    ]  # fmt: skip
    for w in HALF_WIDTHS:
        group = f"for ± {w:g}"
        columns += [
            Column("films", group=group, rule=True),
            Column(f"{folder.positive} films", group=group, key="positives"),
        ]
    body: list[list[Cell]] = []
    bounded = False
    for cell in folder.cells:
        for k, (row, found) in enumerate(_plans(evaluated, cell)):
            bounded |= not found.resampled
            lead = names.cells(cell) if k == 0 else [Cell("", c.value) for c in names.cells(cell)]
            share = row.n_positive / row.n
            needed: list[Cell] = []
            for n in found.films:
                needed += [count_cell(n), count_cell(None if n is None else math.ceil(n * share - 1e-9))]
            effect_cell = Cell(
                f"{'≤ ' if not found.resampled else ''}{found.design_effect:.2f}", found.design_effect
            )
            counts = (count_cell(row.n), count_cell(row.n_positive))
            shown = (text_cell(metric_label(row.metric)), estimate_cell(row), interval_cell(row))
            body.append([*lead, *shown, *counts, effect_cell, *needed])
    if not body:
        return None
    return Table(
        "sample-size",
        "Films needed",
        f"Test films with which a 95 % interval would reach no farther than {numbers.listed([f'{w:g}' for w in HALF_WIDTHS])} to either "
        f"side, "
        "at the estimates, the share of positives and the films a patient that were seen here.",
        columns,
        body,
        notes=(
            "Rates: Buderer (1996); ROC-AUC: Hanley and McNeil (1982); both times the design effect. Chance in training is not in it. "
            "An observed estimate is itself uncertain: a plan of a next study, no judgement of this one.",
            "≤: too few events to resample; the films of a unit stand for the design effect, its largest." if bounded else "",
            "How many units a comparison would need stands in its own table.",
        ),
        sortable=False,
    )  # fmt: skip


def _plans(evaluated: Evaluated, cell: RunCell) -> list[tuple[StudyRow, Plan]]:
    found = []
    for metric in _METRICS:
        row = evaluated.row(cell, metric)
        trials = [r for t in evaluated.folder.trials if (r := evaluated.row(cell, metric, trial=t))]
        if row and (made := plan(row, trials)):
            found.append((row, made))
    return found
