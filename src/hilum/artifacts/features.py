"""The feature store: what a frozen backbone makes of a prepared film, computed once and shared by every trial.

A store is for one `FeatureSpec`: normalisation, backbone, tap, weights, precision, library versions, batch shape, device, engine.
In it, features are found by the digest of the prepared pixels. A shard is ``<name>.npy`` (features) and ``<name>.ids.npy``
(digests, uint8 (n, 32)), the ids written last, both beside and renamed; shards never change. Two processes may write at once:
each takes a lock a shard, and what two of them computed is equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.header import Header, checked, read_json, read_object, write_json
from hilum.artifacts.json_parts import members
from hilum.artifacts.places import of_hex
from hilum.artifacts.prepared import ArrayStore, FilmOf
from hilum.artifacts.shards import opened_all
from hilum.core.digests import SHORT, sha256_bytes
from hilum.core.keys import ALWAYS, Key
from hilum.core.mirror import at_hand, brought
from hilum.study.tables import PRECOMPUTED

FEATURES = Key(
    backbone=ALWAYS, tap=ALWAYS, state_sha256=ALWAYS, mean=ALWAYS, std=ALWAYS, precision=ALWAYS, batch=ALWAYS, size_px=ALWAYS,
    device=ALWAYS, threads=ALWAYS, versions=ALWAYS, dtype=ALWAYS, engine="torch",
    ranges_of="",
)  # fmt: skip
"""What features depend on besides the pixels, as spec.json holds it (`hilum.core.keys` has the rules)."""


RANGES = "ranges.json"
"""What activations reached over some films, beside the features in whole numbers that follow from it."""


@dataclass(frozen=True)
class FeatureSpec:
    """Everything that features depend on besides the pixels.

    Attributes:
        tap: Where the frozen part of the backbone ends.
        state_sha256: Digest of its weights and BatchNorm statistics.
        mean: Of the normalisation, as `std`.
        precision: ``fp32`` or ``bf16``.
        batch: Films a batch, always filled up.
        size_px: Height and width of the prepared films.
        device: Kind of device and its name.
        threads: On a CPU (a sum may be taken in another order with another number).
        versions: Library -> version.
        dtype: As stored: float32 for vectors, float16 for maps.
        engine: What computed them: ``torch``, or ``onnx``, a film at a time with one thread, whose version is among `versions`; or
            ``onnx-int8``, in whole numbers.
        ranges_of: Of whole numbers, digest of the films that told the ranges of activations.
    """

    backbone: str
    tap: str
    state_sha256: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    precision: str
    batch: int
    size_px: tuple[int, int]
    device: str
    threads: int
    versions: dict[str, str]
    dtype: str
    engine: str = "torch"
    ranges_of: str = ""

    @property
    def by_film(self) -> bool:
        """Whether features were made elsewhere, of films by their id, and not of prepared pixels."""
        return self.backbone.startswith(PRECOMPUTED)

    @property
    def digest(self) -> str:
        """The store's key."""
        return FEATURES.digest(members(self))

    @classmethod
    def read(cls, folder: Path) -> tuple[Self, Header]:
        """The specification of a store's folder, and its header.

        Raises:
            InputError: No spec.json, or it is not as hilum writes it.
        """
        path = folder / "spec.json"
        value = read_object(path)
        header = Header.from_dict(value.get("header"), "features", path)
        return checked(value.get("spec"), cls, path), header


def stored(folder: Path) -> tuple[int, float]:
    """Films of all shards of a store's folder, and the seconds that computing them took."""
    facts = [read_json(p) for p in sorted(folder.glob("*.json")) if p.name not in ("spec.json", RANGES)]
    return sum(f["n_films"] for f in facts), sum(f["seconds"] for f in facts)


def film_key(image_id: str) -> str:
    """What the features of a film are found by that were made of it elsewhere."""
    return sha256_bytes(image_id.encode())


def _folder(root: Path, backbone: str, digest: str) -> Path:
    return root / f"{backbone.replace('/', '-')}-{digest[:SHORT]}"


class FeatureStore(ArrayStore):
    """Features of one specification, below `root`, the workspace's ``features`` folder."""

    def __init__(self, root: Path, spec: FeatureSpec) -> None:
        super().__init__(_folder(root, spec.backbone, spec.digest))
        self.spec = spec
        self._seen: set[Path] = set()
        if not at_hand(self.folder / "spec.json").exists():
            write_json(self.folder / "spec.json", {"header": Header("features"), "spec": spec})
        self.refresh()

    @classmethod
    def kept(cls, root: Path, backbone: str, digest: str) -> Self:
        """The store of a backbone's features that is there already, by its digest.

        Raises:
            InputError: It is not there.
        """
        return cls(root, FeatureSpec.read(_folder(root, backbone, digest))[0])

    def __reduce__(self) -> tuple[type[FeatureStore], tuple[Path, FeatureSpec]]:
        # what is there is learned anew in another process
        return FeatureStore, (self.folder.parent, self.spec)

    def key_of(self, film: FilmOf) -> str:
        """What a film's features are found by."""
        return film_key(film.image_id) if self.spec.by_film else super().key_of(film)

    def refresh(self) -> None:
        """Learn of shards that have come since."""
        brought(self.folder)
        for ids_path in sorted(self.folder.glob("*.ids.npy")):
            if ids_path in self._seen:
                continue
            self._seen.add(ids_path)
            shard = ids_path.with_name(ids_path.name.removesuffix(".ids.npy") + ".npy")
            self._places.add(shard, np.load(ids_path))

    def __contains__(self, pixels_digest: str) -> bool:
        return bool(self._places.has([pixels_digest])[0])

    def missing(self, digests: Sequence[str]) -> list[str]:
        """Those that have no features yet: unique, in the order given."""
        asked = list(dict.fromkeys(digests))
        return [d for d, known in zip(asked, self._places.has(asked).tolist(), strict=True) if not known]

    def lock_path(self, name: str) -> Path:
        """The lock for a shard."""
        return self.folder / f".{name}.lock"

    def write(self, name: str, digests: Sequence[str], features: NDArray[Any], seconds: float) -> None:
        """Write a shard. Values are checked to be finite by whoever computed them."""
        self._save(f"{name}.npy", np.ascontiguousarray(features, dtype=self.spec.dtype))
        write_json(self.folder / f"{name}.json", {"n_films": len(digests), "seconds": round(seconds, 4)})
        self._save(f"{name}.ids.npy", of_hex(digests))
        self.refresh()

    def seconds_per_film(self) -> float:
        """Mean over all shards of what a film took when it was computed."""
        films, seconds = stored(self.folder)
        return seconds / films if films else 0.0


class FeatureRows:
    """Features of films, given by their (shard file, row), read from memory-mapped shards as they are asked for; of a shard that is at an
    address only, rows alone where few are needed (`hilum.artifacts.shards`)."""

    def __init__(self, locations: Sequence[tuple[str, int]]) -> None:
        rows: dict[str, set[int]] = {}
        for path, row in locations:
            rows.setdefault(path, set()).add(row)
        files = sorted(rows)
        self._shards = opened_all({path: rows[path] for path in files})
        index = {path: k for k, path in enumerate(files)}
        self._shard = np.array([index[path] for path, _ in locations], dtype=np.int64)
        self._row = np.array([row for _, row in locations], dtype=np.int64)

    def __len__(self) -> int:
        return len(self._row)

    def take(self, which: NDArray[np.int64] | slice) -> NDArray[Any]:
        """Features of some of the films: shape (len(which), ...), in the order asked, dtype as stored."""
        shard, row = self._shard[which], self._row[which]
        first = self._shards[0]
        out = np.empty((len(row), *first.shape[1:]), first.dtype)
        for k, (s, r) in enumerate(zip(shard.tolist(), row.tolist(), strict=True)):
            out[k] = self._shards[s][r]
        return out


Labels = tuple[int, ...] | tuple[tuple[int, ...], ...]
"""A class index a film; or a tuple a film, of 1, 0 or -1 (not known) a finding."""


@dataclass(frozen=True)
class PartFeatures:
    """Films of a part: their ids, the place (array file, row) of the features or the prepared film of each, and its class's index, or of
    several findings what is known of each."""

    image_ids: tuple[str, ...]
    locations: tuple[tuple[str, int], ...]
    labels: Labels
