"""Comparing cells that tested other films: on the films that both tested, trial by trial.

A cell without a source tests all films of that source, its reference some of them among others; a difference of the two figures would
mostly say that the films differ. On the films that both have, it says what it was worth to train with the source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
        ids = [(set(a.image_ids), set(b.image_ids)) for a, b in both]
        if all(a == b for a, b in ids) or not all(a & b for a, b in ids):
            named = {name: (name, list(trials_of[name])) for name in (pair.cell, pair.reference)}
        else:
            named = {
                f"{name} on films of {other}": (
                    name,
                    [_cut(t[side], a & b) for t, (a, b) in zip(both, ids, strict=True)],
                )
                for side, name, other in ((0, pair.cell, pair.reference), (1, pair.reference, pair.cell))
            }
        own |= {name: cell for name, (cell, _) in named.items()}
        cells |= {name: trials for name, (_, trials) in named.items()}
        cell, reference = named
        cut_pairs.append(Pair(cell, reference, pair.label))
    return cells, cut_pairs, own


def _cut(films: ScoredFilms, ids: set[str]) -> ScoredFilms:
    return films.take([k for k, i in enumerate(films.image_ids) if i in ids])
