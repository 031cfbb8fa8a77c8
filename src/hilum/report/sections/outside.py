"""Outside: the models on other films than their own, beside what they reach on their own test films."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hilum.artifacts.comparisons import ComparisonRow
from hilum.artifacts.outside import AT_POINT, FAMILY, DriftRow, Outside
from hilum.artifacts.statistics import AT_OPERATING_POINT, StudyRow
from hilum.report import numbers, style
from hilum.report.comparison_tables import ENDS as SIGNED_ENDS
from hilum.report.comparison_tables import (
    difference_cells,
    difference_words,
    metric_breaks,
    p_cell,
    signed_interval,
)
from hilum.report.estimates import BOTH, both_cell, few_events_notes
from hilum.report.evaluated import Evaluated
from hilum.report.page import Picture, Section
from hilum.report.table import Cell, Column, Table, count_cell, plain_table, rate_cell, text_cell
from hilum.study.metrics import metric_label

_DRAWN = 15
_BRIEF = 3  # cells that the sentence at the top names
_REACH = 4.0  # of the figure, in standard deviations
_OWN = "95 % interval of this difference alone"


def section(evaluated: Evaluated) -> Section | None:
    """What was left out, in source and outside side by side, and what moved in the films; None where the test films are the run's own."""
    found = Outside.of_run(evaluated.folder.path)
    if found is None:
        return None
    said = [_films(found), _lacking(found)]
    if not found.known:
        said.append(
            "The films that the model was made with are not known here: copies of them, and their patients, could not be left out, and "
            "there are no figures in source to compare with."
        )
    items: list[Table | Picture] = [t for t in (dropped_table(found), *_beside(evaluated, found)) if t]
    if found.drift:
        items += [drift_picture(evaluated, found.drift), drift_table(found.drift)]
    return Section("outside", "Outside", [s for s in said if s], items, brief=_brief(evaluated, found))


def _brief(evaluated: Evaluated, found: Outside) -> str:
    """The difference of the ROC-AUC, or of the first figure that has one, of the first cells."""
    known = [r for r in found.differences if r.family == FAMILY and r.low_one is not None]
    metric = "roc_auc" if any(r.metric == "roc_auc" for r in known) else next((r.metric for r in known), "")
    rows = [r for r in known if r.metric == metric]
    named = evaluated.folder.cell_named
    each = [
        f"{evaluated.names.label(named[r.cell])}: {metric_label(metric)} {numbers.rate(r.reference_value, 3)} in source, "
        f"{numbers.rate(r.value, 3)} outside {difference_words(r)}"
        for r in rows[:_BRIEF]
    ]
    rest = f"; {numbers.counted(len(rows) - _BRIEF, 'cell')} more below" if len(rows) > _BRIEF else ""
    return f"{'; '.join(each)}{rest}." if each else ""


def _films(found: Outside) -> str:
    n = sum(found.sources.values())
    sources = numbers.listed([f"{s} ({numbers.count(k)})" for s, k in found.sources.items()])
    spelt = numbers.listed([f"{old} counts as {new}" for old, new in found.labels.items()])
    return (
        f"These are models of {found.origin}, trained by it and not again, on {numbers.counted(n, 'film')} of other places: {sources}. "
        f"Operating points and temperatures are those that validation chose there. Every film has had the fixed steps of its "
        f"model’s preparation and nothing else, as `predict` does it.{f' Labels: {spelt}.' if spelt else ''}"
    )


def _lacking(found: Outside) -> str:
    if not found.lacking:
        return ""
    return (
        f"No film outside is of class {numbers.listed(list(found.lacking))}: what needs one is undefined, and what is averaged over "
        "classes too. The model may still answer with it."
    )


def dropped_table(found: Outside) -> Table | None:
    """Films that were left out, by reason; None where none was."""
    if not found.dropped:
        return None
    rows = [[why, n] for why, n in found.dropped.items()]
    caption = (
        f"Of {numbers.counted(found.films, 'film')} in the manifest, those that the models were not asked of."
    )
    return plain_table("outside-left-out", ["Films left out", "Films"], rows, "Left out", caption)


def _beside(evaluated: Evaluated, found: Outside) -> list[Table]:
    """The figures side by side: of the highest probability, and at the operating point."""
    texts = (
        (FAMILY, "", "outside-beside", "In source and outside", "for the class of the highest probability, and by rank"),
        (AT_POINT, AT_OPERATING_POINT, "outside-operating-point", "The operating point, carried over",
         "at the threshold that validation chose in source"),
    )  # fmt: skip
    made = []
    alone = (
        len(found.lacking) == len(evaluated.folder.classes) - 1
        and evaluated.folder.positive not in found.lacking
    )
    for family, suffix, name, title, how in texts:
        rows = [r for r in found.differences if r.family == family and not (alone and r.metric == "pr_auc")]
        if rows:
            made.append(_beside_table(evaluated, found, rows, suffix, name, title, how))
    return made


def _beside_table(
    evaluated: Evaluated,
    found: Outside,
    rows: Sequence[ComparisonRow],
    suffix: str,
    name: str,
    title: str,
    how: str,
) -> Table:
    folder, names = evaluated.folder, evaluated.names
    own = {(r.cell, r.metric): r for r in found.in_source}
    columns = [
        Column("Metric", numeric=False), *names.columns(),
        *(Column(side, key=side.lower(), parts=BOTH, rule=side == "In source") for side in ("In source", "Outside")),
        Column("estimate", group="Difference", hint="outside less in source", rule=True),
        Column("95 %, alone", group="Difference", hint=_OWN, key="alone", parts=SIGNED_ENDS),
        Column("p (Holm)", hint="adjusted over the cells of a metric"),
    ]  # fmt: skip
    body: list[list[Cell]] = []
    told = list[StudyRow | None]()
    for r in rows:
        cell, metric = folder.cell_named[r.cell], r.metric + suffix
        here, there = evaluated.row(cell, metric), own.get((r.cell, metric))
        told += [here, there]
        body.append(
            [
                text_cell(metric_label(r.metric), strong=True),
                *names.cells(cell),
                both_cell(there),
                both_cell(here),
                *difference_cells(r, together=False),
                p_cell(r.p_adjusted),
            ]
        )
    first = rows[0]
    return Table(
        name, title, f"{numbers.capital(folder.positive)} against the rest, {how}.", columns, body,
        notes=(
            f"The two sides have no film in common: units of both ({first.unit}) are resampled, and the trials, the same trainings on both "
            "sides, paired. The mix of films differs too, and with it PR-AUC, which moves with the share of positive films.",
            *few_events_notes(told),
        ),
        breaks=metric_breaks(rows), sortable=False,
    )  # fmt: skip


def drift_table(rows: Sequence[DriftRow]) -> Table:
    """Every statistic of the films, the one that moved most first."""
    columns = [
        Column("Statistic of the films", numeric=False), Column("Films in source"), Column("Films outside"),
        Column("In source", hint="mean, or share of the films"), Column("Outside", hint="mean, or share of the films"),
        Column("Distance", hint="Kolmogorov and Smirnov’s, 0 to 1; of a share the difference of the shares", rule=True),
        Column("p (Holm)", hint="of the distance, adjusted over all statistics"),
        Column("Shift", hint="standardised mean difference, outside less in source", rule=True),
        Column("95 % interval", key="shift", parts=SIGNED_ENDS),
    ]  # fmt: skip
    body = [
        [
            text_cell(r.statistic, strong=True), count_cell(r.n_source), count_cell(r.n_outside),
            *(Cell(f"{v:.3g}", v) for v in (r.source, r.outside)), rate_cell(r.distance, n=99), p_cell(r.p_adjusted),
            Cell(numbers.signed(r.shift, 2), r.shift, quiet=r.shift is None, title="" if r.shift is not None else "neither side varies"),
            signed_interval(r.low, r.high, 99),
        ]
        for r in rows
    ]  # fmt: skip
    return Table(
        "outside-drift", "What moved in the films", "Statistics of the films and of their manifests’ columns; the largest distance first.",
        columns, body,
        notes=(
            "One film a patient, and at most 1000 of each side. A model may not see what moved: this says that the films differ, not "
            "that a figure fell because of it.",
        ),
    )  # fmt: skip


def drift_picture(evaluated: Evaluated, rows: Sequence[DriftRow]) -> Picture:
    """The standardised shifts with their intervals, in the order of the table."""
    shown = list(rows[:_DRAWN])
    with style.figure(style.WIDTH_IN, 0.8 + 0.22 * len(shown)) as fig:
        left, right = fig.subplots(1, 2, sharey=True, width_ratios=(1, 1.4))
        y = np.arange(len(shown))
        left.barh(y, [r.distance for r in shown], color=style.SKY, height=0.6, zorder=2)
        left.set_xlim(0, 1)
        left.set_xlabel("distance")
        left.set_yticks(y, [r.statistic for r in shown])
        left.invert_yaxis()
        right.axvline(0, color="#999999", lw=0.8)
        for k, r in enumerate(shown):
            if r.shift is not None and r.low is not None and r.high is not None:
                at, low, high = np.clip([r.shift, r.low, r.high], -_REACH, _REACH)
                right.plot([low, high], [k, k], color=style.BLUE, lw=2, alpha=0.55, solid_capstyle="butt")
                beyond = abs(r.shift) > _REACH
                right.plot(
                    at, k, marker=("<" if r.shift < 0 else ">") if beyond else "o", ms=5, color=style.BLUE
                )
        right.set_xlim(-_REACH * 1.05, _REACH * 1.05)
        right.set_xlabel("shift, standard deviations")
        for ax in (left, right):
            ax.grid(axis="y", visible=False)
    more = f" The {len(shown)} that moved most of {len(rows)}." if len(rows) > len(shown) else ""
    return evaluated.picture(
        fig, "outside-drift", "What moved in the films: the distance of the two distributions, and the standardised shift with its 95 % "
        f"interval (outside less in source; arrows lie beyond {_REACH:g}).{more}", "Bars and dots; their numbers are in the table beneath.",
    )  # fmt: skip
