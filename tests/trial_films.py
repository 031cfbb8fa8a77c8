"""Films of a trial as a study keeps them: features or prepared films in a store, and the file that says what the trial draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.drawn_films import DrawnFilm, DrawnFilms, FilmFacts
from hilum.artifacts.features import FeatureSpec, FeatureStore
from hilum.artifacts.header import Header
from hilum.artifacts.prepared import PreparedRow, PreparedStore, Wanted
from hilum.core.digests import pixels_sha256
from hilum.training.task import Frozen

Part = tuple[Sequence[str], NDArray[np.generic], Sequence[int]]
"""image ids, an array with a row each, class indices."""
SHARD = "c" * 64


def _drawn(
    parts: Mapping[str, Part], classes: Sequence[str]
) -> tuple[DrawnFilms, dict[str, NDArray[np.generic]]]:
    """What is drawn, and each row of the arrays by its digest."""
    films: dict[str, list[DrawnFilm]] = {"train": [], "valid": [], "test": []}
    facts, rows = {}, {}
    for part, (ids, array, labels) in parts.items():
        for i, row, k in zip(ids, array, labels, strict=True):
            films[part].append(DrawnFilm(i, 0, pixels_sha256(row), []))
            facts[i] = FilmFacts(classes[k], f"patient of {i}", f"group of {i}")
            rows[films[part][-1].pixels_sha256] = row
    return DrawnFilms(Header("prepared", {"split": "s"}), films, facts, (SHARD,)), rows


def frozen(
    folder: Path,
    parts: Mapping[str, Part],
    classes: Sequence[str],
    state: str = "state",
    films: Mapping[str, NDArray[np.uint8]] | None = None,
) -> tuple[Path, DrawnFilms, Frozen]:
    """Features of a frozen backbone in a store, and their prepared films (those given by id, else noise); gives what is drawn, where it is
    written, and the body of a task."""
    drawn, rows = _drawn(parts, classes)
    dtype = str(next(iter(rows.values())).dtype)
    spec = FeatureSpec("net", "t", state, (0.5,) * 3, (0.2,) * 3, "fp32", 4, (8, 8), "cpu", 1, {}, dtype)
    store = FeatureStore(folder / "features", spec)
    new = store.missing(list(rows))
    if new:
        store.write(new[0][:16], new, np.stack([rows[d] for d in new]), 1.0)
    noise = np.random.default_rng(0).integers(0, 256, (len(rows), 16, 16), np.uint8)
    ids = {f.pixels_sha256: f.image_id for of_part in drawn.parts.values() for f in of_part}
    pixels = {d: noise[k] if films is None else films[ids[d]] for k, d in enumerate(rows)}
    PreparedStore(folder / "prepared").write(SHARD, Header("prepared"), [], pixels, 1.0)
    return _written(drawn, folder), drawn, Frozen(spec, folder / "features", folder / "prepared")


def whole(folder: Path, parts: Mapping[str, Part], classes: Sequence[str]) -> tuple[Path, DrawnFilms, Path]:
    """Prepared films in a store; gives what is drawn, where it is written, and the store's folder."""
    drawn, rows = _drawn(parts, classes)
    store = PreparedStore(folder / "prepared")
    made = [
        PreparedRow(f.image_id, Wanted("baseline", part, 1), f.pixels_sha256, [])
        for part, of_part in drawn.parts.items()
        for f in of_part
    ]
    store.write(SHARD, Header("prepared"), made, {d: np.asarray(p, np.uint8) for d, p in rows.items()}, 1.0)
    return _written(drawn, folder), drawn, store.folder


def _written(drawn: DrawnFilms, folder: Path) -> Path:
    path = folder / "drawn.json"
    drawn.write(path)
    return path
