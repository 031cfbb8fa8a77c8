"""Folds: each film is held back once, no group is divided, and each class has its share in every fold."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilum.artifacts.header import Header
from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.splitting.folds import folds


def films_in_groups(sizes: list[int]) -> tuple[Manifest, dict[str, str]]:
    rows, group_of = [], {}
    for g, n in enumerate(sizes):
        for k in range(n):
            image_id = f"s/{g}-{k}"
            rows.append(FilmRow(image_id, f"s:{g}", "", image_id, image_id, "ab"[g % 2], "s"))
            group_of[image_id] = f"group {g}"
    return Manifest(rows, Header("manifest")), group_of


@given(st.lists(st.integers(1, 4), min_size=8, max_size=40), st.integers(2, 4), st.integers(0, 99))
def test_every_film_is_in_one_fold_and_groups_are_whole(sizes: list[int], n: int, seed: int) -> None:
    films, group_of = films_in_groups(sizes)
    found = folds(films, group_of, n, seed)
    assert sorted(i for fold in found for i in fold) == sorted(films.by_id)
    assert len(found) == n
    of_group: dict[str, set[int]] = {}
    for k, fold in enumerate(found):
        for i in fold:
            of_group.setdefault(group_of[i], set()).add(k)
    assert all(len(where) == 1 for where in of_group.values())
    assert folds(films, group_of, n, seed) == found


@pytest.mark.parametrize("n", [2, 3, 5])
def test_single_films_are_divided_to_the_film(n: int) -> None:
    films, group_of = films_in_groups([1] * 103)
    for fold in folds(films, group_of, n, 1):
        counts = Counter(films.by_id[i].label for i in fold)
        assert abs(counts["a"] - 52 / n) < 1
        assert abs(counts["b"] - 51 / n) < 1


def test_another_seed_divides_otherwise() -> None:
    films, group_of = films_in_groups([1] * 60)
    one, two = folds(films, group_of, 3, 1), folds(films, group_of, 3, 2)
    shared = np.mean([len(set(a) & set(b)) / len(a) for a, b in zip(one, two, strict=True)])
    assert shared < 0.6  # a third by chance
