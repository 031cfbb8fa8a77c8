"""The models in each subgroup of the test films against the rest of them, as a family of its own.

Convention: a comparison is a cell in a subgroup less the same cell on the other test films. A subgroup and the rest have no film in
common but may share patients, who are resampled together (`hilum.stats.outside`). A metric asks some of the films (sensitivity those of the
class): a subgroup that has none of them in a cell, or all of them, is no member of the metric's family, and of two that divide them alike
one is compared. Labels decide that, not predictions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.comparisons import ComparisonRow
from hilum.artifacts.run_folder import RunFolder
from hilum.stats.outside import sides_compared
from hilum.stats.scored_films import ScoredFilms
from hilum.study.metrics import METRIC

FAMILY = "subgroups against the rest"
METRICS = ("sensitivity", "specificity", "roc_auc")
"""Those that do not move with the share of positive films alone."""


def subgroup_rows(
    folder: RunFolder, scored: Mapping[str, Sequence[ScoredFilms]], unit: str, seed: int, n_resamples: int
) -> list[ComparisonRow]:
    """A row a subgroup, cell and metric: `cell` is the cell, `label` the subgroup.

    Args:
        folder: The run.
        scored: Cell -> its trials, with the study's questions answered.
        unit: What the clusters are.
        seed: Of the resamples.
        n_resamples: Number of resamples.
    """
    sides, named = {}, dict[str, tuple[str, str]]()
    k = folder.classes.index(folder.positive)
    asked: dict[str, list[str]] = {m: [] for m in METRICS}
    for cell, trials in scored.items():
        known: set[tuple[str, bytes]] = set()
        for question in (q for q in folder.questions if q.subgroup):
            masks = [next(c.rows for c in t.contrasts if c.name == question.name) for t in trials]
            name = f"{cell}: {question.subgroup}"
            for metric in METRICS:
                divided = [_divided(metric, t.y_true == k, m) for t, m in zip(trials, masks, strict=True)]
                both = {(metric, b"".join(d)) for d in zip(*filter(None, divided), strict=True)}
                if all(divided) and not both & known:
                    known |= both
                    asked[metric].append(name)
            if any(name in names for names in asked.values()):
                named[name], both_of = (cell, question.subgroup), list(zip(trials, masks, strict=True))
                sides[name] = (
                    [t.take(np.flatnonzero(m)) for t, m in both_of], [t.take(np.flatnonzero(~m)) for t, m in both_of]
                )  # fmt: skip
    rows = sides_compared(sides, FAMILY, folder.classes, folder.positive, asked, unit, seed, n_resamples)
    return [
        r.model_copy(
            update={"cell": named[r.label][0], "reference": named[r.label][0], "label": named[r.label][1]}
        )
        for r in rows
    ]


def _divided(metric: str, positive: NDArray[np.bool_], mask: NDArray[np.bool_]) -> tuple[bytes, bytes] | None:
    """The films that a metric asks, in the subgroup and in the rest; None where a side has none of one of its classes."""
    asked = {"class": (positive,), "others": (~positive,)}.get(METRIC[metric].share_of, (positive, ~positive))
    if not all((films & side).any() for films in asked for side in (mask, ~mask)):
        return None
    every = np.any(asked, axis=0)
    return (every & mask).tobytes(), (every & ~mask).tobytes()
