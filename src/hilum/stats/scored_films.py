"""What one trial of a cell said of its films: what statistics count and comparisons compare.

Two cells are compared in the order of their films' ids, which they share. How many trainings stand behind a cell, and whether two cells
share theirs, decides whether a comparison has a verdict at all: films alone cannot tell one training from another. With equal cells whose
trainings differ by .1, .2 or .4 log-odds a test of one trial at the level .05 errs in .08, .19 and .42 of studies
(tests/properties/test_one_trial.py). So a cell that was trained once has no verdict (`hilum.artifacts.comparisons.verdict_of`), unless both
sides have the same trained weights, scored in two ways; then films are the only chance. Whether they have is known by digest, not by name,
and copies of a trial count once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import InputError
from hilum.stats.confusion import class_numbers
from hilum.stats.contrasts import Contrast


@dataclass(frozen=True)
class ScoredFilms:
    """What one trial of a cell said of its films.

    Attributes:
        y_true: Class numbers, (n_films,).
        y_score: Probabilities, finite, (n_films, n_classes).
        clusters: Label of the unit that each film belongs to, (n_films,); equal labels are one unit, across trials and cells too.
        image_ids: Of the films, unique, (n_films,); they may be left out where nothing is compared.
        threshold: The trial's operating point for the positive class, chosen on validation; None for none.
        contrasts: Questions about some of the films, answered.
        weights: Digest of the trained weights that scored them; empty where not known.
    """

    y_true: NDArray[np.int64]
    y_score: NDArray[np.float64]
    clusters: NDArray[Any]
    image_ids: Sequence[str] | NDArray[np.str_] = ()
    threshold: float | None = None
    contrasts: Sequence[Contrast] = ()
    weights: str = ""

    def checked(self, n_classes: int, where: str) -> ScoredFilms:
        """The same films as arrays, checked.

        Args:
            n_classes: Columns of the scores.
            where: Whose they are, for messages.

        Raises:
            InputError: No film, a class or a score that cannot be, or lengths that differ.
        """
        true = class_numbers(self.y_true, n_classes, f"{where}, y_true")
        score = np.asarray(self.y_score, dtype=np.float64)
        clusters, n = np.asarray(self.clusters), len(true)
        ids = np.asarray(self.image_ids, dtype=np.str_)
        if not n or score.shape != (n, n_classes) or len(clusters) != n or len(ids) not in (0, n):
            raise InputError(
                f"{where}: expected {n_classes} scores and a cluster a film; got {n} films, scores of shape {score.shape}, "
                f"{len(clusters)} clusters, {len(ids)} ids"
            )
        bad = np.flatnonzero(~np.isfinite(score).all(axis=1))
        if bad.size:
            film = f"film {ids[bad[0]]!r}" if len(ids) else f"film at position {bad[0]}"
            raise InputError(f"{where}: {film} has a score that is not finite ({bad.size} such)")
        return replace(self, y_true=true, y_score=score, clusters=clusters, image_ids=ids)

    def take(self, rows: Sequence[int] | NDArray[np.intp]) -> ScoredFilms:
        """Some of the films, in the order named; without the contrasts, which are of all."""
        k = np.asarray(rows, dtype=np.intp)
        true, score, clusters, ids = (
            np.asarray(v)[k] for v in (self.y_true, self.y_score, self.clusters, self.image_ids)
        )
        return replace(self, y_true=true, y_score=score, clusters=clusters, image_ids=ids, contrasts=())

    def in_order_of_ids(self, n_classes: int, where: str) -> ScoredFilms:
        """The same, checked, in the order of the ids, clusters as text.

        Raises:
            InputError: As `checked`; or an id twice.
        """
        films = self.checked(n_classes, where)
        ids = np.asarray(films.image_ids)
        order = np.argsort(ids, kind="stable")
        if len(ids) != len(films.y_true) or (ids[order][1:] == ids[order][:-1]).any():
            raise InputError(f"{where}: an image id occurs twice, or has no film; one row a film")
        return replace(films.take(order), clusters=films.clusters.astype(np.str_)[order])


def trainings(trials: Sequence[ScoredFilms]) -> int:
    """Distinct trainings among a cell's trials; trials whose weights are not known count as distinct."""
    known = {t.weights for t in trials if t.weights}
    return len(known) + sum(not t.weights for t in trials)


def share_weights(trials: Sequence[ScoredFilms], reference: Sequence[ScoredFilms]) -> bool:
    """Whether both sides have the same trained weights in every trial."""
    return len(trials) == len(reference) and all(
        a.weights and a.weights == b.weights for a, b in zip(trials, reference, strict=True)
    )
