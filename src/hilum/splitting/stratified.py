"""Drawing groups so that each of several findings is divided as the films are: iterative stratification.

Sechidis, Tsoumakas & Vlahavas 2011 (ECML PKDD, LNCS 6913:145, algorithm 1), here of groups instead of single films, and into two sides: the
side that is drawn, and the rest. The scarcest finding is dealt out first, each group that has it to the side that still wants more films
with it; of equal wants to the side that wants more films; then by a chance that was drawn for the group before. What is dealt is counted
off both sides' wants of every finding. A finding that is not known of every film is dealt by the films without it too: elsewhere those
follow from the numbers of films, there they do not.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.finding_labels import UNKNOWN, finding_matrix
from hilum.artifacts.manifest import Manifest

_TIE: Final = 1e-9


def finding_counts(
    manifest: Manifest, group_of: Mapping[str, str], findings: tuple[str, ...]
) -> tuple[list[str], NDArray[np.int64]]:
    """Of each group, how many films it has, how many with each finding, and how many without each finding that some film leaves open.

    Returns:
        The groups' names, sorted, and int64 (n_groups, 1 + n_findings + findings left open).
    """
    known = finding_matrix(manifest.texts("label"), findings)
    left_open = (known == UNKNOWN).any(axis=0)
    of_film = np.concatenate(
        [np.ones((len(known), 1), np.int64), known == 1, (known == 0)[:, left_open]], axis=1
    )
    names, number = np.unique([group_of[i] for i in manifest.films.ids], return_inverse=True)
    counts = np.zeros((len(names), of_film.shape[1]), np.int64)
    np.add.at(counts, number, of_film)
    return [str(n) for n in names], counts


def draw_stratified(
    counts: NDArray[np.int64], share: Fraction, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Draw groups whose films are a share of all, of each finding as near as groups allow.

    Args:
        counts: int64 (n_groups, 1 + n_kinds): films of a group, then those of each kind that is to be divided evenly.
        share: Of the side that is drawn, 0 to 1.
        rng: Of the ties.

    Returns:
        bool (n_groups,), whether a group is drawn.

    >>> films = np.array([[1, 1], [1, 0], [1, 1], [1, 0]])
    >>> drawn = draw_stratified(films, Fraction(1, 2), np.random.default_rng(0))
    >>> films[drawn].sum(axis=0).tolist()
    [2, 1]
    """
    shares = np.array([float(share), 1 - float(share)])
    wants = shares[:, None] * counts.sum(axis=0)
    chance = rng.permutation(len(counts))
    open_, drawn = np.ones(len(counts), np.bool_), np.zeros(len(counts), np.bool_)
    while open_.any():
        left = counts[open_].sum(axis=0)
        kinds = np.flatnonzero(left[1:] > 0) + 1
        kind = int(kinds[left[kinds].argmin()]) if kinds.size else 0
        those = np.flatnonzero(open_ & (counts[:, kind] > 0))
        # the largest first: a group of many films fits while much is wanted
        for k in those[np.lexsort((chance[those], -counts[those, kind]))]:
            side = _side(wants[:, kind], wants[:, 0], bool(chance[k] % 2))
            drawn[k], open_[k] = side == 0, False
            wants[side] -= counts[k]
    return drawn


def _side(of_kind: NDArray[np.float64], of_films: NDArray[np.float64], odd: bool) -> int:
    """The side that wants more: 0, which is drawn, or 1."""
    for want in (of_kind, of_films):
        if abs(want[0] - want[1]) > _TIE:
            return int(want[1] > want[0])
    return int(odd)
