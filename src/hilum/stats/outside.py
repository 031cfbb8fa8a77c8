"""A cell's figures on other films against those on its own test films, and a model's in a group of films against the rest.

Convention: the two sides have no film in common, so the units (patients) of their union are resampled and films are not paired; the trials
are, since trial t of both sides is one training. What `hilum.stats.comparison` does for cells holds: few events, Holm's p over all
comparisons of a metric, and that films alone decide where both sides have the same trained weights.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from hilum.artifacts.comparisons import ComparisonRow, Pair
from hilum.stats.comparison import Cells
from hilum.stats.scored_films import ScoredFilms

Sides = Mapping[str, tuple[Sequence[ScoredFilms], Sequence[ScoredFilms]]]
"""Name of a comparison -> the trials on the films asked about, and on those that they are compared with."""
_DECIDED = ("other", "class")
RATES = ("sensitivity", "specificity")
"""What is compared at an operating point."""


def sides_compared(
    sides: Sides, family: str, classes: Sequence[str], positive: str, metrics: Mapping[str, Collection[str]], unit: str, seed: int,
    n_resamples: int,
) -> list[ComparisonRow]:  # fmt: skip
    """The rows of a family of comparisons between two sets of films; `cell` is the comparison's name.

    `metrics` names, for each metric, the comparisons that are made of it.

    Raises:
        InputError: As `Cells`.
    """
    if not sides:
        return []
    trials_of = {(name, k): list(both[k]) for name, both in sides.items() for k in (0, 1)}
    cells = Cells(
        {_key(*k): v for k, v in trials_of.items()}, classes, positive, metrics, unit, seed, n_resamples
    )
    pair_of = {name: Pair(_key(name, 0), _key(name, 1), name) for name in sides}
    rows = [r for m, of in metrics.items() for r in cells.compare(family, [pair_of[n] for n in of], [m])]
    return [r.model_copy(update={"cell": r.label, "reference": r.label, "note": _note(r.note)}) for r in rows]


def at_operating_point(trials: Sequence[ScoredFilms], k: int) -> list[ScoredFilms] | None:
    """The decisions at each trial's threshold on class `k`, as scores of two classes; None where a trial has none."""
    found = []
    for t in trials:
        if t.threshold is None:
            return None
        said = np.asarray(t.y_score)[:, k] >= t.threshold
        true = (np.asarray(t.y_true) == k).astype(np.int64)
        found.append(
            replace(t, y_true=true, y_score=np.stack([~said, said], axis=1).astype(np.float64), contrasts=())
        )
    return found


def points_compared(
    sides: Sides, family: str, k: int, positive: str, unit: str, seed: int, n_resamples: int
) -> list[ComparisonRow]:
    """Sensitivity and specificity at the operating point, of the sides that have one."""
    decided = {
        name: (one, other)
        for name, both in sides.items()
        if (one := at_operating_point(both[0], k)) and (other := at_operating_point(both[1], k))
    }
    metrics = dict.fromkeys(RATES, decided)
    rows = sides_compared(decided, family, _DECIDED, _DECIDED[1], metrics, unit, seed, n_resamples)
    return [r.model_copy(update={"class_": positive}) for r in rows]


def apart(trials: Sequence[ScoredFilms], mark: str) -> list[ScoredFilms]:
    """The same trials, whose films and units share a name with none of another set."""
    return [
        replace(
            t,
            clusters=np.array([f"{mark}{c}" for c in t.clusters]),
            image_ids=[f"{mark}{i}" for i in t.image_ids],
            contrasts=(),
        )
        for t in trials
    ]


def _key(name: str, side: int) -> str:
    return f"{name} ({'rest' if side else 'asked'})"


def _note(note: str) -> str:
    """The note without what holds for every comparison here, and without the names of its sides."""
    kept = (
        p for p in note.split("; ") if not p.startswith(("test films differ", "both sides have the same"))
    )
    return "; ".join(p.partition(" (")[0] if p.startswith("undefined") else p for p in kept)
