"""Shapes of prepared films (`hilum.imaging.shape`), which gates see: made once for each film of a workspace, whichever trials draw it.

They lie beside the prepared films, two files a shard: ``shapes/<key>.<rules>.npy``, float16 (n, 768), and ``<key>.<rules>.ids.npy``, the
digests of the pixels, written last.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.drawn_films import DrawnFilms
from hilum.artifacts.features import FeatureRows
from hilum.artifacts.places import of_hex
from hilum.artifacts.prepared import ArrayStore, PreparedStore
from hilum.core.digests import SHORT
from hilum.core.mirror import at_hand
from hilum.imaging.shape import SHAPE_RULES, shape_of
from hilum.stats.strangers import evenly

FITTED = 1000
"""Training films that a gate is fitted on, at most."""

Shapes = NDArray[np.float16]
"""Of prepared films, (n_films, 768)."""


def shapes_of(films: Iterable[NDArray[np.uint8]]) -> Shapes:
    """Shapes of prepared films."""
    return np.stack([shape_of(film) for film in films])


class ShapeStore(ArrayStore):
    """Shapes of the films of a workspace's ``prepared`` folder."""

    def __init__(self, prepared: Path) -> None:
        super().__init__(prepared / "shapes")
        self._prepared = prepared

    def _path(self, key: str, ending: str) -> Path:
        return self.folder / f"{key[:SHORT]}.{SHAPE_RULES}{ending}"

    def has(self, key: str) -> bool:
        """Whether the shapes of a shard of prepared films are there."""
        return at_hand(self._path(key, ".ids.npy")).is_file()

    def make(self, key: str) -> None:
        """Make the shapes of a shard of prepared films, unless they are there."""
        if not self.has(key):
            digests, shapes = list[str](), list[Shapes]()
            for names, pixels in PreparedStore(self._prepared).pixels(key):
                digests += names
                shapes.append(shapes_of(pixels))
            self._save(self._path(key, ".npy").name, np.concatenate(shapes))
            self._save(self._path(key, ".ids.npy").name, of_hex(digests))

    def located(self, key: str) -> None:
        """Note where the shapes of a shard lie, which are made unless they are there."""
        self.make(key)
        self._places.add(self._path(key, ".npy"), np.load(at_hand(self._path(key, ".ids.npy"))))


def make_shapes(shard: tuple[Path, str]) -> None:
    """A task: make the shapes of a shard, given a workspace's ``prepared`` folder and the shard's key."""
    prepared, key = shard
    ShapeStore(prepared).make(key)


def lacking_shapes(prepared: Path, keys: Iterable[str]) -> list[tuple[Path, str]]:
    """The tasks of shards whose shapes are not there yet."""
    store = ShapeStore(prepared)
    return [(prepared, key) for key in keys if not store.has(key)]


def stored_shapes(prepared: Path, drawn: DrawnFilms, digests: Sequence[str]) -> Shapes:
    """Shapes of films of a workspace's ``prepared`` folder, named by the digest of their pixels; what is not there yet is made."""
    store = ShapeStore(prepared)
    for key in drawn.shards:
        store.located(key)
    shapes: Shapes = FeatureRows(store.locations(digests)).take(slice(None))
    return shapes


def training_shapes(
    prepared: Path, drawn: DrawnFilms, classes: Sequence[str]
) -> tuple[Shapes, NDArray[np.int64]]:
    """Shapes and classes of some training films that a gate is fitted on, each prepared film once; films of several findings are one class.

    Args:
        prepared: A workspace's ``prepared`` folder.
        drawn: What the trial drew.
        classes: In the order of the bundle.
    """
    every = list({f.pixels_sha256: f for f in drawn.parts["train"]}.values())
    labels = (0,) * len(every) if drawn.several else drawn.labels(every, classes)
    which = evenly(labels, FITTED, len(classes))
    return stored_shapes(prepared, drawn, [every[k].pixels_sha256 for k in which]), np.array(labels)[which]
