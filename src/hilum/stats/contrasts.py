"""Contrasts and subgroups: questions about some of the films, beside the headline.

Which films stand on either side is said by the study (`hilum.artifacts.questions`); here follow, from the probabilities, what ranks them
and what was decided. Among all classes a film is called what is asked for when its class of the highest probability is one of those, and
the score is their probability. Between two sides the score is p / (p + q), with p and q the probabilities of the classes of either side,
and a film is called what is asked for when p >= q. Figures and intervals are made elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilum.core.errors import InputError
from hilum.stats.confusion import predicted_class
from hilum.study.metrics import METRIC, with_rows


@dataclass(frozen=True)
class Sides:
    """Which films a question is about.

    Attributes:
        name: Takes the place of the class in tables, such as ``"tb vs adult normal"``.
        positive: bool (n_films,), films of which what is asked is right.
        negative: bool (n_films,), films of which it is wrong.
        asked: Numbers of the classes asked for.
        against: Numbers of the classes that alone are set against them; empty for all.
        one_sided: Whether there are no positive films by design, so that only shares of the others make sense.
        note: What the reader must know, else empty.
    """

    name: str
    positive: ArrayLike
    negative: ArrayLike
    asked: tuple[int, ...]
    against: tuple[int, ...] = ()
    one_sided: bool = False
    note: str = ""


@dataclass(frozen=True)
class Contrast:
    """One question about some of the films, answered film by film.

    Attributes:
        name: As the sides'.
        rows: bool (n_films,), the films it is about.
        positive: bool (n_films,), films of which what is asked is right.
        said: bool (n_films,), films predicted as what is asked for.
        score: float64 (n_films,), what ranks them, 0 .. 1.
        only: Names of the figures that make sense; None for all.
        note: What the reader must know, else empty.
    """

    name: str
    rows: NDArray[np.bool_]
    positive: NDArray[np.bool_]
    said: NDArray[np.bool_]
    score: NDArray[np.float64]
    only: tuple[str, ...] | None = None
    note: str = ""


def contrasts(sides: Sequence[Sides], y_score: ArrayLike) -> list[Contrast]:
    """What the probabilities say to each question.

    Args:
        sides: The questions.
        y_score: Probabilities, (n_films, n_classes).

    Raises:
        InputError: A side of another length, a film on both sides, or a class that has no column.
    """
    score = np.asarray(y_score, dtype=np.float64)
    highest = predicted_class(score)
    return [_contrast(s, score, highest) for s in sides]


def _contrast(sides: Sides, score: NDArray[np.float64], highest: NDArray[np.int64]) -> Contrast:
    positive, negative = np.asarray(sides.positive, np.bool_), np.asarray(sides.negative, np.bool_)
    n_films, n_classes = score.shape
    if positive.shape != (n_films,) or negative.shape != (n_films,) or (positive & negative).any():
        raise InputError(
            f"{sides.name!r}: expected two sides of {n_films} films without a film in common; got {positive.shape}, {negative.shape} and "
            f"{int((positive & negative).sum()) if positive.shape == negative.shape else 'no count of'} in common"
        )
    asked, against = list(sides.asked), list(sides.against)
    if not asked or not all(0 <= k < n_classes for k in asked + against):
        raise InputError(
            f"{sides.name!r}: classes {asked!r} against {against!r} are not all among the {n_classes} columns"
        )
    ours = score[:, asked].sum(axis=1)
    said, ranks = np.isin(highest, asked), ours
    if against:
        theirs = score[:, against].sum(axis=1)
        said = ours >= theirs
        ranks = np.divide(ours, ours + theirs, out=np.full(n_films, 0.5), where=ours + theirs > 0)
    of_others = tuple(m for m in with_rows("contrast") if METRIC[m].share_of == "others")
    only = of_others if sides.one_sided else None
    return Contrast(sides.name, positive | negative, positive, said, ranks, only, sides.note)
