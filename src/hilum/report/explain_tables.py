"""Tables of heat maps: how many of each method pass each check, how they point at what is known to be there, and every film's own.

Convention: a check's number is told with its bound; "passes" is of every check that gives a verdict. Intervals resample patients where they
are known, else films.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import median

from hilum.artifacts.explanations import BASELINE, Explanations, FilmMap, MapCheck
from hilum.report import numbers
from hilum.report.table import Cell, Column, Table, count_cell, plain_table, seconds_cell, text_cell
from hilum.stats.unit_means import unit_difference, unit_mean

FIGURES = {
    "pointing": ("Hits", "share of films in which the map's highest pixel lies in the mark (pointing game)"),
    "mass": ("Mass inside", "share of what speaks for the class that lies in the mark, mean over films"),
    "overlap": ("Overlap", "intersection over union of the mark and as many of the map's highest pixels, mean over films"),
}  # fmt: skip
"""Check against what was marked -> heading and meaning."""
_NONE = Cell(numbers.NONE, None, quiet=True)


def passing_table(e: Explanations, suffix: str = "") -> Table | None:
    """A row a method: its maps, how many pass every check, and how many pass each; None where nothing was checked."""
    kinds = [c for c in _kinds(e) if c.name not in FIGURES]
    if not kinds:
        return None
    columns = [
        Column("Method", numeric=False), Column("Maps"), Column("Pass all that must hold", key="pass"),
        *_columns(kinds), Column("Seconds a map", key="seconds", rule=True, hint="median, without the checks"),
    ]  # fmt: skip
    body = []
    for method in e.methods:
        maps = [m for _, m in e.all_maps if m.method == method]
        judged = [m for m in maps if m.verdict != "not checked"]
        good = sum(not m.failed for m in judged)
        row = [text_cell(method, strong=True), count_cell(len(maps)), _of(good, len(judged))]
        for kind in kinds:
            said = [c.passed for m in maps for c in m.checks if c.name == kind.name and c.passed is not None]
            row.append(_of(sum(said), len(said)))
        seconds = [m.seconds for m in maps]
        body.append([*row, seconds_cell(median(seconds) if seconds else None)])
    return Table(
        f"checks-by-method{suffix}",
        "Checks by method",
        "How many maps pass, of those with a verdict. A map that fails a check that must hold shows nothing of the model; the others say "
        "where the model looks.",
        columns,
        body,
        notes=(
            "No check is enough alone: a network that learned nothing may have a map that changes with its weights, and is caught by "
            "deletion and insertion.",
        ),
    )


def _of(good: int, n: int) -> Cell:
    return (
        _NONE
        if not n
        else Cell(f"{good} of {n}", good / n, tone="" if good == n else "bad" if good < n / 2 else "")
    )


def _kinds(e: Explanations) -> list[MapCheck]:
    """One of each check that some map has, in their order, those required first."""
    found = {c.name: c for _, m in e.all_maps for c in m.checks}
    return sorted(found.values(), key=lambda c: not c.required)


def _columns(kinds: Sequence[MapCheck]) -> list[Column]:
    """A column a check."""
    groups = ["must hold" if c.required else "where it looks" for c in kinds]
    return [
        Column(c.title, group=g, rule=k == 0 or g != groups[k - 1], key=c.name)
        for k, (c, g) in enumerate(zip(kinds, groups, strict=True))
    ]


def pointing_table(e: Explanations) -> Table | None:
    """A row a method, and one of the baseline: how maps point at what was marked; None where nothing was."""
    films = [f for f in e.films if f.area is not None]
    if not films:
        return None
    of_method: dict[str, Mapping[str, Mapping[str, float]]] = {
        method: {f.image_id: _figures(m) for f in films for m in f.maps if m.method == method}
        for method in e.methods
    }
    centre = {f.image_id: f.baseline for f in films if f.baseline}
    columns = [
        Column("Map", numeric=False), Column("Films"), Column("Patients", hint="or films, where no patient is known", key="units"),
        *(
            column
            for figure, (heading, hint) in FIGURES.items()
            for column in (
                Column("mean", group=heading, hint=hint, rule=True, key="mean"),
                Column("95 %", group=heading, hint=f"of the mean: {hint}", key=figure, parts=("low", "high")),
            )
        ),
    ]  # fmt: skip
    unit, seed = {f.image_id: f.unit for f in films}, e.header.seed or 0
    means = {**of_method, f"baseline: {BASELINE}": centre}
    body = [_pointing_row(name, found, None, unit, seed) for name, found in means.items()]
    n_means = len(body)
    if centre:
        body += [
            _pointing_row(f"{m} less baseline", found, centre, unit, seed) for m, found in of_method.items()
        ]
    area = sum(f.area or 0 for f in films) / len(films)
    return Table(
        "pointing",
        "Maps against what was marked",
        f"{numbers.counted(len(films), 'film')} with a mark, which covers {numbers.percent(area)} of a film on average: what a map "
        "without any sense would reach.",
        columns,
        body,
        notes=(
            "The baseline does not know the model: it points at the middle of the larger lung on every film. The last rows are differences "
            "on the films that have both, paired by film, resampled by patient. A method has been shown to point better only where the "
            "whole interval of its difference is above 0. Each interval is for itself, adjusted for no number of methods or figures.",
        ),
        breaks=frozenset({n_means - 1, n_means} - {len(body)}),
        sortable=False,
    )


def _pointing_row(
    name: str,
    found: Mapping[str, Mapping[str, float]],
    reference: Mapping[str, Mapping[str, float]] | None,
    unit: Mapping[str, str],
    seed: int,
) -> list[Cell]:
    """Means of a map's figures (film -> figure -> number), or of their differences to those of `reference`."""
    films = [i for i in found if reference is None or i in reference]
    name_cell = text_cell(name, strong=reference is None)
    row = [name_cell, count_cell(len(films)), count_cell(len({unit[i] for i in films}))]
    shown, digits = numbers.rate if reference is None else numbers.signed, min(3, numbers.digits(len(films)))
    for figure in FIGURES:
        known = [i for i in films if figure in found[i]]
        values, units = [found[i][figure] for i in known], [unit[i] for i in known]
        if not known:
            row += [_NONE] * 2
        else:
            others = [reference[i][figure] for i in known] if reference else None
            mean = unit_difference(values, others, units, seed) if others else unit_mean(values, units, seed)
            ends = mean.low, mean.high
            words = numbers.NONE if None in ends else " to ".join(shown(end, digits) for end in ends)
            row += [Cell(shown(mean.mean, 3), mean.mean), Cell(words, ends)]
    return row


def _figures(m: FilmMap) -> dict[str, float]:
    return {figure: value for figure in FIGURES if (value := m.value(figure)) is not None}


def films_table(e: Explanations, suffix: str = "") -> Table:
    """A row a film and method: the class explained, its probability, the verdict, and every check's number."""
    kinds = _kinds(e)
    columns = [
        Column("Film", numeric=False), Column("Label", numeric=False), Column("Method", numeric=False, rule=True),
        Column("Explains", numeric=False, key="target"), Column("p", key="probability", hint="probability of that class"),
        Column("Called", numeric=False, hint="what the operating point says"), Column("Verdict", numeric=False, prose=True),
        *_columns(kinds),
    ]  # fmt: skip
    body: list[list[Cell]] = []
    breaks: set[int] = set()
    for film in e.films:
        breaks.add(len(body))
        named = [text_cell(film.image_id, strong=True), text_cell(film.label)]
        if film.error:
            why = Cell(film.error, film.error, tone="bad")
            body.append([*named, *[text_cell("")] * 2, _NONE, text_cell(""), why, *[_NONE] * len(kinds)])
        for m in film.maps:
            p = film.probabilities[e.classes.index(m.target)]
            said = e.positive if film.positive else f"not {e.positive}"
            tone = "bad" if m.failed else "good" if m.verdict == "passes" else ""
            checks = {c.name: c for c in m.checks}
            body.append(
                [
                    *named, text_cell(m.method), text_cell(m.target), Cell(f"{p:.3f}", p), text_cell(said),
                    Cell(m.verdict, m.verdict, tone=tone), *(_check(checks.get(c.name)) for c in kinds),
                ]
            )  # fmt: skip
    words = "A row a map, with the number of each check."
    return Table(f"explanations{suffix}", "Every map", words, columns, body, breaks=frozenset(breaks))


def _check(check: MapCheck | None) -> Cell:
    if check is None or check.value is None:
        return replace(_NONE, title=check.words if check else "")
    tone = {True: "good", False: "bad", None: ""}[check.passed]
    return Cell(f"{check.value:.2f}", check.value, title=check.words, tone=tone)


def near_table(e: Explanations) -> Table | None:
    """The training films that look like each film; None where none are known."""
    rows: list[tuple[str | float, ...]] = []
    breaks: set[int] = set()
    for film in (f for f in e.films if f.nearest):
        breaks.add(len(rows))
        for k, near in enumerate(film.nearest):
            of = ("", "") if k else (film.image_id, film.label)
            itself = " (the film itself)" if near.image_id == film.image_id else ""
            rows.append((*of, near.image_id + itself, near.label, near.source, near.distance))
    if not rows:
        return None
    table = plain_table(
        "nearest",
        ("Film", "Label", "Looks like", "Its label", "Its source", "Distance"),
        rows,
        "Training films that look alike",
        "The nearest training films by the angle between features (cosine distance: 0 is the same direction). A film of another class, or "
        "all of one source, tells what the model may go by.",
    )
    return replace(table, breaks=frozenset(breaks), sortable=False)
