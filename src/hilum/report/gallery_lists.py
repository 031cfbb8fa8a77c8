"""The lists of an error gallery: which films stand under which words, for each model and across models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.manifest import FilmRow
from hilum.artifacts.questions import MOST_SUBGROUPS, Question
from hilum.report import numbers
from hilum.stats.answers import Answers, Films, in_turn

COLUMNS = ("source", "age_group", "sex", "view")
"""Columns of a manifest by which films are grouped, beside the subgroups that the study names."""
MAIN = ("errors", "apart", "wrong-for-all", "maps")
FIRST = 16
"""Films of each main list that are pictured before others have their turn."""


@dataclass(frozen=True, eq=False)
class Group:
    """Some of the films.

    Attributes:
        column: What they are grouped by, such as ``age group``.
        value: Of this group, such as ``child``.
        members: Which films, (films,).
    """

    column: str
    value: str
    members: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class FilmList:
    """Films to go through, in order.

    Attributes:
        key: Unique among the lists of a model, or among those across models (``errors``, ``cell-0-2``, ``group-3`` ...).
        title: A few words.
        words: What stands in it and how it is ordered, a sentence or two.
        films: All of them.
    """

    key: str
    title: str
    words: str
    films: Films


def groups_of(films: Sequence[FilmRow], subgroups: Sequence[Question]) -> list[Group]:
    """The groups of films: by each of `COLUMNS` of which something is known, then the study's own subgroups, each that has a film."""
    found = []
    for column in COLUMNS:
        values = np.array([f.value(column) for f in films], dtype=np.str_)
        names, counts = np.unique(values, return_counts=True)
        ranked = [str(n) for n in names[np.argsort(-counts, kind="stable")]]
        if any(ranked):
            for name in ranked[:MOST_SUBGROUPS]:
                found.append(Group(column.replace("_", " "), name or "not known", values == name))
    said = {f"{c} = {v}" for c in COLUMNS for v in {f.value(c) for f in films}}
    said |= {f"{c} not known" for c in COLUMNS}
    for question in subgroups:
        if question.subgroup and question.subgroup not in said:
            positive, negative = question.sides(films)
            members = np.array(positive, dtype=np.bool_) | np.array(negative, dtype=np.bool_)
            if members.any():
                found.append(Group("subgroup", question.subgroup, members))
    return found


def model_lists(
    answers: Answers, model: int, classes: Sequence[str], groups: Sequence[Group]
) -> list[FilmList]:
    """The lists of a model: errors, disagreement of its trials, errors of it alone, the cells of its matrix, its errors by group."""
    n_trials = answers.tested[model].sum(0)
    once = int((n_trials == 1).sum())
    lone = (
        f" {numbers.counted(once, 'film was', 'films were')} tested by one trial only and cannot stand here."
    )
    found = [
        FilmList("errors", "Most confident errors", "Wrong films, the surest first.", answers.errors(model)),
        FilmList(
            "apart", "Trials disagree",
            f"Films that trials called differently, the least agreed first.{lone if once else ''}",
            answers.apart(model),
        ),
    ]  # fmt: skip
    if len(answers.p) > 1:
        words = (
            "Films of which this model is wrong and all others that tested them are right, the surest first."
        )
        found.append(FilmList("alone", "Only this model is wrong", words, answers.wrong_alone(model)))
    for i, label in enumerate(classes):
        for j, said in enumerate(classes):
            words = (
                "Right films, the least sure first."
                if i == j
                else "Wrong films of this pair, the surest first."
            )
            found.append(
                FilmList(
                    f"cell-{i}-{j}", f"Labelled {label}, called {said}", words, answers.behind(model, i, j)
                )
            )
    for k, group in enumerate(groups):
        films, tested = answers.in_group(model, group.members)
        share = numbers.percent(len(films) / tested) if tested else numbers.NONE
        words = f"Wrong films of this group, the surest first: {len(films)} of {numbers.counted(tested, 'film')} tested ({share})."
        found.append(FilmList(f"group-{k}", f"Errors, {group.column} {group.value}", words, films))
    return found


def shared_lists(answers: Answers, with_maps: Films) -> list[FilmList]:
    """The lists that are of no one model: wrong for all, where there are several, and films that have heat maps, where some have."""
    found = []
    if len(answers.p) > 1:
        words = "Films that two models or more tested and of which all that did are wrong, the surest on average first."
        found.append(FilmList("wrong-for-all", "Wrong for every model", words, answers.wrong_for_all()))
    if len(with_maps):
        words = "Films that have heat maps: enlarge one to see them."
        found.append(FilmList("maps", "With heat maps", words, with_maps))
    return found


def pictured(lists: Sequence[FilmList], most: int) -> list[int]:
    """At most so many films to show: the first of each main list, then of every list in turn."""
    first = in_turn([x.films for x in lists if x.key in MAIN], most, deep=FIRST)
    return in_turn([x.films for x in lists], most, first)
