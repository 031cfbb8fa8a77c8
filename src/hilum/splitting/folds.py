"""Folds: films divided so that each is held back once. Groups (`groups`) are not divided, and each fold has its share of every class."""

from __future__ import annotations

from collections.abc import Mapping

from hilum.artifacts.manifest import Manifest
from hilum.core.seeding import generator
from hilum.splitting.groups import count_groups, draw_groups, total


def folds(films: Manifest, group_of: Mapping[str, str], n: int, seed: int) -> list[list[str]]:
    """Films by fold, in the manifest's order.

    Args:
        films: What is divided.
        group_of: image_id -> its group; every film has one.
        n: How many folds; two or more.
        seed: The folds follow from it and the films.
    """
    rest, drawn = count_groups(films, group_of), list[set[str]]()
    for k in range(n - 1):
        wanted = {label: round(count / (n - k)) for label, count in total(rest).items()}
        fold = draw_groups(rest, wanted, generator(seed, "fold", k))
        rest = {name: counts for name, counts in rest.items() if name not in fold}
        drawn.append(fold)
    drawn.append(set(rest))
    return [[i for i in films.films.ids if group_of[i] in fold] for fold in drawn]
