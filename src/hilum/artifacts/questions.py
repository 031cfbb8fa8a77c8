"""Questions about some of the films, beside the headline: the contrasts and subgroups that a study names.

A contrast sets films against films (``[[contrast]]``), as a disease against the adults without it, so that age or source does not give
the class away. A subgroup is some of the films (``[[subgroup]]``), of which the headline is asked again. This module says which films.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hilum.artifacts.manifest import SHORT_SIDE, FilmRow, Manifest
from hilum.artifacts.statistics import RESERVED
from hilum.core.errors import InputError, require_known
from hilum.study.film_filter import Filter, compile_filter
from hilum.study.tables import ContrastTable, SubgroupTable

MOST_SUBGROUPS = 12
"""Values of a column that are subgroups of their own."""
READY = {
    "film_size": (SHORT_SIDE, "shorter side {} px", ("<512", ">=512 <1024", ">=1024 <2048", ">=2048")),
    "age_band": ("age", "age {}", ("<18", ">=18 <40", ">=40 <65", ">=65")),
}
"""Ready name of subgroups -> the column of numbers that they are bands of, what a band is called, and the bands."""


@dataclass(frozen=True)
class Question:
    """What is asked of which films.

    Attributes:
        name: Takes the place of the class in statistics and tables.
        asked: Classes.
        positive: Films of which that is right; None where there are none.
        negative: Films of which it is wrong.
        against: The classes that alone are set against `asked`; empty for all.
        subgroup: Name of the subgroup; empty for a contrast.
    """

    name: str
    asked: tuple[str, ...]
    positive: Filter | None
    negative: Filter
    against: tuple[str, ...] = ()
    subgroup: str = ""

    def sides(self, films: Sequence[FilmRow]) -> tuple[list[bool], list[bool]]:
        """For each film, whether it is on the positive and on the negative side."""
        is_negative = compile_filter(self.negative)
        positive = [False] * len(films)
        if self.positive is not None:
            is_positive = compile_filter(self.positive)
            positive = [is_positive(f) for f in films]
        return positive, [is_negative(f) for f in films]

    def unknown_column(self, films: Manifest) -> str:
        """A column that the question needs and of which no film has a value; empty where there is none."""
        needed = {c: None for side in (self.positive or {}, self.negative) for c in side}
        return next((c for c in needed if not any(films.texts(c))), "")


def questions(
    study: Mapping[str, Any], classes: Sequence[str], positive: str, films: Manifest
) -> list[Question]:
    """The questions that the tables ``contrast`` and ``subgroup`` of a study ask of its films, in that order.

    Raises:
        InputError: A class or a column that is none, two questions of one name, too many subgroups.
    """
    found = [
        _of_contrast(ContrastTable.model_validate(t), classes, positive) for t in study.get("contrast") or []
    ]
    for table in study.get("subgroup") or []:
        found += _of_subgroup(SubgroupTable.model_validate(table), classes, positive, films)
    names = [q.name for q in found]
    for name in names:
        if names.count(name) > 1 or name in (*classes, *RESERVED):
            raise InputError(
                f"[[contrast]] or [[subgroup]] {name!r}: the name is taken by another one, or by a class; give it another name"
            )
    return found


def _of_contrast(table: ContrastTable, classes: Sequence[str], positive: str) -> Question:
    where = f"[[contrast]] {table.name!r}"
    for side, named in (("positive", table.positive), ("negative", table.negative)):
        if named is not None and not named:
            raise InputError(
                f'{where}: {side} names no column; for example {side} = {{ label = ["{classes[0]}"] }}'
            )
        for label in (named or {}).get("label", ()):
            require_known(label, classes, f"{where}: {side} names the label", ", which is no class")
    asked = tuple((table.positive or {}).get("label", (positive,)))
    against = tuple(table.negative.get("label", ())) if table.score == "pair" else ()
    if table.score == "pair" and (not against or set(against) & set(asked)):
        raise InputError(
            f"{where}: score = 'pair' needs other labels in negative than in positive; got {list(against)!r} against {list(asked)!r}"
        )
    return Question(table.name, asked, table.positive, table.negative, against)


def _of_subgroup(
    table: SubgroupTable, classes: Sequence[str], positive: str, films: Manifest
) -> list[Question]:
    where = f"[[subgroup]] {table.by or table.name!r}"
    if bool(table.by) == bool(table.name) or bool(table.name) != bool(table.films):
        raise InputError(
            f"{where}: expected by = COLUMN, or name and films; got {table.model_dump(exclude_none=True)!r}"
        )
    if "label" in (table.films or {}) or table.by == "label":
        raise InputError(
            f"{where}: a subgroup holds films of every class; use [[contrast]] to set classes against each other"
        )
    groups: dict[str, Filter] = {table.name: dict(table.films)} if table.films else {}
    if table.by in READY:
        column, words, bands = READY[table.by]
        groups = {
            words.format(b): {column: [b]}
            for b in bands
            if any(map(compile_filter({column: [b]}), films.films))
        }
        if groups and "" in films.texts(column):
            groups[f"{table.by.replace('_', ' ')} not known"] = {column: [""]}
    elif table.by:
        films.check_filter({table.by: []}, where)
        values = sorted(v for v in films.count_by(table.by) if v)
        if len(values) > MOST_SUBGROUPS:
            raise InputError(
                f"{where}: the column has {len(values)} values, at most {MOST_SUBGROUPS} can be subgroups of their own; name groups by "
                f'`name` and `films`, such as films = {{ {table.by} = [">=65"] }}'
            )
        groups = {f"{table.by} = {v}": {table.by: [f"={v}"]} for v in values}
        if "" in films.texts(table.by) and values:
            groups[f"{table.by} not known"] = {table.by: [""]}
    others = [c for c in classes if c != positive]
    return [
        Question(
            f"{positive} where {name}", (positive,), {**f, "label": [positive]}, {**f, "label": others}, subgroup=name
        )
        for name, f in groups.items()
    ]  # fmt: skip


def check_questions(study: Mapping[str, Any], classes: Sequence[str], positive: str, films: Manifest) -> None:
    """Check the questions of a study against its films, before any is read.

    Raises:
        InputError: As `questions`; an unknown column or value; a film on both sides.
    """
    for question in questions(study, classes, positive, films):
        kind = "subgroup" if question.subgroup else "contrast"
        where = f"[[{kind}]] {question.subgroup or question.name!r}"
        for side in (question.positive or {}, question.negative):
            films.check_filter({c: v for c, v in side.items() if c != "label"}, where, lenient=True)
        both = [f for f, p, n in zip(films.films, *question.sides(films.films), strict=True) if p and n]
        if both:
            raise InputError(
                f"{where}: {len(both)} films are on both sides, the first is {both[0].image_id!r}; "
                "positive and negative must have no film in common"
            )
