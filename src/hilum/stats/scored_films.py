"""What one trial of a cell said of its test films, checked, in an order that two cells share: that of the image ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilum.core.errors import InputError
from hilum.stats.confusion import class_numbers


@dataclass(frozen=True)
class ScoredFilms:
    """What one trial of a cell said of its test films.

    Attributes:
        image_ids: Of the films, unique, (n_films,).
        y_true: Class numbers, (n_films,).
        y_score: Probabilities, finite, (n_films, n_classes).
        clusters: Label of the unit that each film belongs to, (n_films,); equal labels are one unit, across trials and cells too.
        weights: Digest of the trained weights that scored them; empty where not known.
    """

    image_ids: Sequence[str]
    y_true: ArrayLike
    y_score: ArrayLike
    clusters: ArrayLike
    weights: str = ""


@dataclass(frozen=True)
class SortedTrial:
    """A checked trial, films in the order of their ids."""

    ids: NDArray[np.str_]
    true: NDArray[np.int64]
    score: NDArray[np.float64]
    clusters: NDArray[np.str_]
    weights: str


def sort_films(trial: ScoredFilms, n_classes: int, where: str) -> SortedTrial:
    """Check a trial and put its films in the order of their ids.

    Args:
        trial: The trial.
        n_classes: Columns of its scores.
        where: Of whom, for messages.

    Raises:
        InputError: No film, an id twice, a score that is not finite, or lengths that differ.
    """
    ids = np.asarray(trial.image_ids, dtype=np.str_)
    true = class_numbers(trial.y_true, n_classes, f"{where}, y_true")
    score = np.asarray(trial.y_score, dtype=np.float64)
    clusters = np.asarray(trial.clusters).astype(np.str_)
    if (
        not len(ids)
        or score.shape != (len(ids), n_classes)
        or len(true) != len(ids)
        or len(clusters) != len(ids)
    ):
        raise InputError(
            f"{where}: expected {n_classes} finite scores, a class and a cluster a film; got {len(ids)} films, scores {score.shape}, "
            f"{len(true)} classes, {len(clusters)} clusters"
        )
    if not np.isfinite(score).all():
        raise InputError(
            f"{where}: film {ids[int(np.flatnonzero(~np.isfinite(score).all(axis=1))[0])]!r} has a score that is not finite"
        )
    order = np.argsort(ids, kind="stable")
    if (ids[order][1:] == ids[order][:-1]).any():
        raise InputError(f"{where}: an image id occurs twice; one row a film")
    return SortedTrial(ids[order], true[order], score[order], clusters[order], trial.weights)
