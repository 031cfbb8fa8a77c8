"""The training films that look like a film to a model's backbone: those whose features point the same way.

They come from the workspace that the bundle's run lies in, which keeps the features of every film that the run trained on; a bundle that
was taken elsewhere, or a network trained whole, whose features nobody kept, has none. Films are told by id, class and source.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.drawn_films import DrawnFilms, drawn_path
from hilum.artifacts.explanations import NearFilm
from hilum.artifacts.features import FeatureRows, FeatureStore
from hilum.artifacts.run_folder import RunFolder, run_of
from hilum.core.errors import HilumError
from hilum.models.backbone import FeatureNetwork

_ROWS = 512
"""Stored maps that are read and pooled at a time."""


@dataclass(frozen=True, eq=False)
class Neighbours:
    """A bundle's training films by their features.

    Attributes:
        vectors: float32 (n, d), of length 1: maps are averaged over their places first.
        films: image_id, class and source of each; a film that was drawn several times is there for each prepared film.
        frozen: The backbone.
        batch: The bundle's.
        key: Digest of the training films.
    """

    vectors: NDArray[np.float32]
    films: Sequence[tuple[str, str, str]]
    frozen: FeatureNetwork
    batch: int
    key: str

    def of(self, prepared: Sequence[NDArray[np.uint8]], n: int) -> list[tuple[NearFilm, ...]]:
        """The `n` nearest training films of each prepared film (uint8 (height, width), at most a batch)."""
        if not prepared:
            return []
        features = self.frozen.features(np.stack(list(prepared)), self.batch).float().cpu().numpy()
        return [_nearest(1 - self.vectors @ one, self.films, n) for one in directions(features)]


def directions(features: NDArray[np.floating]) -> NDArray[np.float32]:
    """Features (n, d), or maps (n, d, height, width) averaged over their places, as vectors of length 1."""
    v = features.reshape(*features.shape[:2], -1).astype(np.float32).mean(axis=2)
    length = np.linalg.norm(v, axis=1, keepdims=True)
    found: NDArray[np.float32] = v / np.where(length > 0, length, 1)
    return found


def _nearest(
    distances: NDArray[np.float32], films: Sequence[tuple[str, str, str]], n: int
) -> tuple[NearFilm, ...]:
    """The nearest films, each once, at its smallest distance."""
    found: dict[str, NearFilm] = {}
    for k in np.argsort(distances, kind="stable"):
        image_id, label, source = films[k]
        if image_id not in found:
            found[image_id] = NearFilm(image_id, label, source, round(max(0.0, float(distances[k])), 5))
        if len(found) == n:
            break
    return tuple(found.values())


def neighbours_of(folder: Path, frozen: FeatureNetwork | None) -> tuple[Neighbours | None, str]:
    """The training films of the bundle in a folder, whose backbone is `frozen`, and why there are none: one of the two."""
    bundle, header, _ = Bundle.described(folder)
    run = run_of(folder)
    if frozen is None:
        return None, "the network was trained as a whole, and no features of its training films are kept"
    if run is None:
        return None, "this bundle lies outside its run, which knows its training films"
    try:
        drawn = _drawn(run, folder, bundle)
        if drawn is None or drawn.digest_of("train", bundle.classes) != header.inputs.get("train"):
            return None, "its run no longer says which films it was trained on"
        films = list({f.pixels_sha256: f for f in drawn.parts["train"]}.values())
        stores = run.path.resolve().parents[1] / "features"
        store = FeatureStore.kept(stores, bundle.backbone, header.inputs.get("features", ""))
        rows = FeatureRows(store.locations([f.pixels_sha256 for f in films]))
    except (HilumError, KeyError):
        return None, "its workspace no longer has the features of its training films"
    parts = [directions(rows.take(slice(k, k + _ROWS))) for k in range(0, len(films), _ROWS)]
    known = run.manifest.by_id
    named = [(f.image_id, known[f.image_id].label, known[f.image_id].source) for f in films]
    return Neighbours(np.concatenate(parts), named, frozen, bundle.batch, header.inputs["train"]), ""


def _drawn(run: RunFolder, folder: Path, bundle: Bundle) -> DrawnFilms | None:
    """What the trial that a bundle lies in drew."""
    trial = folder.resolve().parent
    cell = next((c for c in run.record.cells if c.name == trial.parent.name), None)
    if cell is None or not trial.name.startswith("trial-"):
        return None
    number = int(trial.name.removeprefix("trial-"))
    path = drawn_path(run.path, cell.splits, bundle.preparation["name"], number)
    return DrawnFilms.read(path) if path.is_file() else None
