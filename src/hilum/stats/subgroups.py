"""The models in each subgroup of the test films against the rest of them, as a family of its own.

Convention: a comparison is a cell in a subgroup less the same cell on the other test films. A subgroup and the rest have no film in
common but may share patients, who are resampled together (`hilum.stats.outside`). Of two subgroups that are each other's rest one is
compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hilum.artifacts.comparisons import ComparisonRow
from hilum.artifacts.run_folder import RunFolder
from hilum.stats.outside import sides_compared
from hilum.stats.scored_films import ScoredFilms

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
    sides, named = {}, {}
    for cell, trials in scored.items():
        known: set[tuple[bytes, ...]] = set()
        for question in (q for q in folder.questions if q.subgroup):
            masks = [next(c.rows for c in t.contrasts if c.name == question.name) for t in trials]
            if (
                not all(m.any() and not m.all() for m in masks)
                or tuple((~m).tobytes() for m in masks) in known
            ):
                continue
            known.add(tuple(m.tobytes() for m in masks))
            name = f"{cell}: {question.subgroup}"
            named[name] = cell, question.subgroup
            both = list(zip(trials, masks, strict=True))
            sides[name] = (
                [t.take(np.flatnonzero(m)) for t, m in both], [t.take(np.flatnonzero(~m)) for t, m in both]
            )  # fmt: skip
    rows = sides_compared(sides, FAMILY, folder.classes, folder.positive, METRICS, unit, seed, n_resamples)
    return [
        r.model_copy(
            update={"cell": named[r.label][0], "reference": named[r.label][0], "label": named[r.label][1]}
        )
        for r in rows
    ]
