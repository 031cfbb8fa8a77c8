"""Characteristics of the films by part, as journals print them in their Table 1, and the distribution of ages.

Convention: counts are of films, with their share of the part; parts are those of trial 1, and where trials differ the lowest and the
highest count stand behind. What no film of the study has is "not recorded". Ages are the manifest's column ``age``, in years.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from operator import methodcaller

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.film_rows import Films
from hilum.artifacts.split import PARTS
from hilum.report import numbers, style
from hilum.report.evaluated import Evaluated
from hilum.report.page import Picture
from hilum.report.study_facts import NOT_REPORTED
from hilum.report.table import Cell, Column, Table, text_cell
from hilum.study.film_filter import number_of

AGE = "age"
_MOST_VALUES = 6  # of a characteristic; the rarer ones are counted together
_VALUES = ("value", "share", "q1", "q3", "lowest", "highest")
_KINDS = (
    ("Class", "label"), ("Source", "source"), ("Sex", "sex"), ("Age group", "age_group"), ("View", "view"),
)  # fmt: skip
_Measure = Callable[[Films], Sequence[float | None]]
_MEASURED: tuple[tuple[str, _Measure], ...] = (
    ("Age, years", lambda films: [number_of(t) for t in films.texts(AGE)]),
    ("Width, px", lambda films: [n or None for n in films.values("width_px")]),
    ("Height, px", lambda films: [n or None for n in films.values("height_px")]),
)


def characteristics_table(evaluated: Evaluated) -> Table:
    """A row a value of each characteristic, a column a part and one of all films."""
    folder = evaluated.folder
    manifest = folder.manifest
    trials = [
        {p: manifest.films_of(folder.splits[t].parts[p]) for p in PARTS} | {"all": manifest.films}
        for t in folder.trials
    ]
    sizes = {p: [len(t[p]) for t in trials] for p in (*PARTS, "all")}
    body = [_row("Films", "", [_ranged(numbers.count(n[0]), n[0], None, n) for n in sizes.values()])]
    body.append(_row("Patients", "", [_patients(trials, p) for p in (*PARTS, "all")]))
    breaks = set()
    for name, column in _KINDS:
        breaks.add(len(body))
        body += _by_value(name, methodcaller("texts", column), trials, folder.classes)
    breaks.add(len(body))
    for name, measured in _MEASURED:
        known = sum(v is not None for v in measured(manifest.films))
        if not known:
            body.append(_row(name, NOT_REPORTED, [Cell(numbers.NONE, None, quiet=True)] * 4))
            continue
        body.append(
            _row(name, "median (quartiles)", [_quartiles(trials[0][p], measured) for p in (*PARTS, "all")])
        )
        if known < len(manifest):
            body.append(
                _row(
                    "",
                    "not known",
                    [_counts(trials, p, partial(_missing, measured), {"yes"}) for p in (*PARTS, "all")],
                )
            )
    notes = (
        "All: every film of the run, in a part or not. Patients are counted where their ids are known.",
        "Parts of trial 1; behind a count its lowest and highest over trials, where they differ."
        if len(trials) > 1
        else "",
    )
    return Table(
        "characteristics",
        "Characteristics by part",
        "Films of each part: number and share, or median with quartiles.",
        [
            Column("Characteristic", numeric=False), Column("Value", numeric=False),
            *(Column(p, key=p, rule=p == "train", parts=_VALUES) for p in (*PARTS, "all")),
        ],
        body,
        notes,
        frozenset(breaks),
        sortable=False,
    )  # fmt: skip


_Trials = Sequence[dict[str, Films]]
_Texts = Callable[[Films], Sequence[str]]


def _row(name: str, value: str, cells: Sequence[Cell]) -> list[Cell]:
    return [text_cell(name, strong=True), text_cell(value), *cells]


def _by_value(name: str, value: _Texts, trials: _Trials, classes: Sequence[str]) -> list[list[Cell]]:
    """A row a value, the most frequent first (classes in their own order); what is not known last."""
    n = Counter(value(trials[0]["all"]))
    unknown = n.pop("", 0)
    if not n:
        return [_row(name, NOT_REPORTED, [Cell(numbers.NONE, None, quiet=True)] * 4)]
    order = [c for c in classes if c in n] if name == "Class" else [v for v, _ in n.most_common()]
    shown, rare = order[:_MOST_VALUES], set(order[_MOST_VALUES:])
    if name == "Class":
        shown, rare = order, set()
    wanted: list[tuple[str, set[str]]] = [(v, {v}) for v in shown]
    wanted += [(f"{len(rare)} others", rare)] if rare else []
    wanted += [("not known", {""})] if unknown else []
    return [
        _row(name if k == 0 else "", words, [_counts(trials, p, value, of) for p in (*PARTS, "all")])
        for k, (words, of) in enumerate(wanted)
    ]


def _missing(measured: _Measure, films: Films) -> list[str]:
    return ["yes" if v is None else "" for v in measured(films)]


def _counts(trials: _Trials, part: str, value: _Texts, of: set[str]) -> Cell:
    """How many films of a part have one of these values, with their share, and the range over trials where it differs."""
    found = [sum(v in of for v in value(t[part])) for t in trials]
    share = found[0] / len(trials[0][part]) if trials[0][part] else 0.0
    return _ranged(f"{numbers.count(found[0])} ({numbers.percent(share)})", found[0], share, found)


def _ranged(text: str, n: int, share: float | None, found: Sequence[int]) -> Cell:
    low, high = min(found), max(found)
    if low != high:
        text += f", {numbers.count(low)} to {numbers.count(high)}"
    return Cell(text, (n, share, None, None, low, high), quiet=not n)


def _patients(trials: _Trials, part: str) -> Cell:
    found = [len(set(t[part].texts("patient_id")) - {""}) for t in trials]
    if not any(found):
        return Cell("no ids", None, quiet=True)
    some = "" in trials[0][part].texts("patient_id")
    return _ranged(f"{'≥ ' if some else ''}{numbers.count(found[0])}", found[0], None, found)


def _quartiles(films: Films, measured: _Measure) -> Cell:
    values = [v for v in measured(films) if v is not None]
    if not values:
        return Cell(numbers.NONE, None, quiet=True)
    low, middle, high = (float(v) for v in np.quantile(values, [0.25, 0.5, 0.75]))
    text = f"{middle:.4g} ({low:.4g} to {high:.4g})"
    return Cell(
        text, (middle, None, low, high, None, None), title=f"of {numbers.counted(len(values), 'film')}"
    )


def age_picture(evaluated: Evaluated) -> Picture | None:
    """Ages by class and part, a box each; None where no film's age is known."""
    folder = evaluated.folder
    ages: dict[tuple[str, str], NDArray[np.float64]] = {}
    for part in PARTS:
        films = folder.manifest.films_of(folder.splits[1].parts[part])
        told = [(c, number_of(t)) for c, t in zip(films.texts("label"), films.texts(AGE), strict=True)]
        for c in folder.classes:
            known = [v for label, v in told if label == c and v is not None]
            if known:
                ages[c, part] = np.array(known)
    if not ages:
        return None
    classes = [c for c in folder.classes if any((c, p) in ages for p in PARTS)]
    drawn = [p for p in PARTS if any((c, p) in ages for c in classes)]
    with style.figure(style.WIDTH_IN, 0.8 + 0.62 * len(classes)) as fig:
        ax = fig.subplots()
        for k, part in enumerate(drawn):
            colour, _ = style.line(PARTS.index(part))
            for i, c in enumerate(classes):
                if (c, part) not in ages:
                    continue
                y = i + 0.25 * (k - (len(drawn) - 1) / 2)
                low, q1, middle, q3, high = np.quantile(ages[c, part], (0.05, 0.25, 0.5, 0.75, 0.95))
                ax.plot([low, high], [y, y], color=colour, lw=1)
                ax.barh(y, q3 - q1, 0.18, left=q1, facecolor="white", edgecolor=colour, lw=1.2, zorder=2)
                ax.plot([middle, middle], [y - 0.09, y + 0.09], color=colour, lw=2.2, zorder=3)
            ax.plot([], [], color=colour, label=part)
        labels = [f"{c} ({numbers.count(sum(len(ages.get((c, p), ())) for p in PARTS))})" for c in classes]
        ax.set_yticks(range(len(classes)), labels)
        ax.set_ylim(len(classes) - 0.5, -0.5)
        ax.set_xlim(left=0)
        ax.set_xlabel("age (years)")
        ax.grid(axis="y", visible=False)
        style.one_legend(fig, [ax])
    n, of = sum(map(len, ages.values())), sum(len(folder.splits[1].parts[p]) for p in PARTS)
    return evaluated.picture(
        fig,
        "ages",
        f"Age by class and part, trial 1: median, quartiles, and the 5th to the 95th percentile; in brackets the films whose age is known, "
        f"{numbers.count(n)} of {numbers.count(of)} in all.",
        "Box plots of age.",
    )
