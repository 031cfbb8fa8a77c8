"""Comparing cells that tested other films: on the films that both tested, trial by trial.

A cell without a source tests all films of that source, its reference some of them among others; a difference of the two figures would
mostly say that the films differ. On the films that both have, it says what it was worth to train with the source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from hilum.artifacts.comparisons import Pair
from hilum.stats.scored_films import ScoredFilms


def on_shared_films(
    trials_of: Mapping[str, Sequence[ScoredFilms]], pairs: Sequence[Pair]
) -> tuple[dict[str, list[ScoredFilms]], list[Pair], dict[str, str]]:
    """Cut the cells of each pair down to the films that both tested in the same trial.

    Args:
        trials_of: Name of a cell -> its trials.
        pairs: Of a family.

    Returns:
        The cut cells under names of their own; the pairs under these names; name -> the cell's own name. A pair that tested the same films,
        or that shares none in some trial, is left as it is.
    """
    cells: dict[str, list[ScoredFilms]] = {}
    cut_pairs: list[Pair] = []
    own: dict[str, str] = {}
    for pair in pairs:
        both = list(zip(trials_of[pair.cell], trials_of[pair.reference], strict=False))
        shared = [set(a.image_ids) & set(b.image_ids) for a, b in both]
        equal = all(set(a.image_ids) == set(b.image_ids) for a, b in both)
        keep = equal or not all(shared)
        names = (
            (pair.cell, pair.reference)
            if keep
            else (
                f"{pair.cell} on films of {pair.reference}",
                f"{pair.reference} on films of {pair.cell}",
            )
        )
        for name, cell, side in zip(names, (pair.cell, pair.reference), (0, 1), strict=True):
            own[name] = cell
            cells[name] = (
                list(trials_of[cell])
                if keep
                else [_cut(t[side], s) for t, s in zip(both, shared, strict=True)]
            )
        cut_pairs.append(Pair(names[0], names[1], pair.label))
    return cells, cut_pairs, own


def _cut(trial: ScoredFilms, ids: set[str]) -> ScoredFilms:
    at = np.array([k for k, i in enumerate(trial.image_ids) if i in ids])
    return replace(
        trial,
        image_ids=[trial.image_ids[k] for k in at],
        y_true=np.asarray(trial.y_true)[at],
        y_score=np.asarray(trial.y_score)[at],
        clusters=np.asarray(trial.clusters)[at],
    )
