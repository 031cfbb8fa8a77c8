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
class Contrast:
    """One question about some of the films, answered film by film.

    Attributes:
        name: Takes the place of the class in tables, such as ``"tb vs adult normal"``.
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


def contrast(
    y_score: ArrayLike,
    name: str,
    positive: ArrayLike,
    negative: ArrayLike,
    asked: Sequence[int],
    against: Sequence[int] = (),
    one_sided: bool = False,
    note: str = "",
) -> Contrast:
    """What the probabilities say to a question.

    Args:
        y_score: Probabilities, (n_films, n_classes).
        name: Of the question.
        positive: bool (n_films,), films of which what is asked is right.
        negative: bool (n_films,), films of which it is wrong.
        asked: Numbers of the classes asked for.
        against: Numbers of the classes that alone are set against them; empty for all.
        one_sided: Whether there are no positive films by design, so that only shares of the others make sense.
        note: What the reader must know.

    Raises:
        InputError: A side of another length, a film on both sides, or a class that has no column.
    """
    score = np.asarray(y_score, dtype=np.float64)
    right, wrong = np.asarray(positive, np.bool_), np.asarray(negative, np.bool_)
    n_films, n_classes = score.shape
    if right.shape != (n_films,) or wrong.shape != (n_films,) or (right & wrong).any():
        raise InputError(
            f"{name!r}: expected two sides of {n_films} films without a film in common; got {right.shape}, {wrong.shape} and "
            f"{int((right & wrong).sum()) if right.shape == wrong.shape else 'no count of'} in common"
        )
    if not asked or not all(0 <= k < n_classes for k in (*asked, *against)):
        raise InputError(
            f"{name!r}: classes {list(asked)!r} against {list(against)!r} are not all among the {n_classes} columns"
        )
    ours = score[:, list(asked)].sum(axis=1)
    said, ranks = np.isin(predicted_class(score), asked), ours
    if against:
        theirs = score[:, list(against)].sum(axis=1)
        said = ours >= theirs
        ranks = np.divide(ours, ours + theirs, out=np.full(n_films, 0.5), where=ours + theirs > 0)
    of_others = tuple(m for m in with_rows("contrast") if METRIC[m].share_of == "others")
    return Contrast(name, right | wrong, right, said, ranks, of_others if one_sided else None, note)
