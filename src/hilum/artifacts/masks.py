"""Lung masks: where on a film lung is, kept by the film's pixels and by where the mask is from.

A mask covers its film squashed to a square of `SIDE_PX`. It is its source's own, or a model's, by the model's digest, or stands in for
one of no use. A shard is two files in the folder of its origin: ``<number>-<key>.json`` (rows; there only when the shard is whole) and
``<number>-<key>.npy`` (masks).
Shards never change; where two have the same film, as after a source mended its mask, the later one counts. Nothing is computed here:
what is thought of a mask comes from `hilum.segment.quality`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.header import Header, as_written, read_json, write_json
from hilum.artifacts.json_parts import members
from hilum.artifacts.prepared import ArrayStore
from hilum.core.digests import SHORT, digest, pixels_sha256
from hilum.core.errors import InputError
from hilum.core.files import lock
from hilum.core.mirror import at_hand, brought

SIDE_PX: Final = 128
SOURCE: Final = "source"
"""Origin of a mask that came with the film."""
STAND_IN: Final = "stand-in"
"""How the origin of a mask begins that stands in for one of no use; the digest of its pixels follows."""
NETWORK: Final = "network"
"""What every other mask is from."""
LUNG: Final = 127
"""A pixel above it is lung."""


@dataclass(frozen=True)
class MaskQuality:
    """What is thought of a mask.

    Attributes:
        area: Share of the film that is lung, 0 to 1.
        n_lungs: Connected parts that are large enough for a lung.
        touches_border: Whether lung reaches the edge of the film.
        agreement: Dice of the mask with that of the mirrored film, mirrored back, 0 to 1; None for a source's own.
    """

    area: float
    n_lungs: int
    touches_border: bool
    agreement: float | None = None


@dataclass(frozen=True, eq=False)
class LungMask:
    """The lungs of a film.

    Attributes:
        mask: uint8 (128, 128), 0 to 255: the share of a pixel that is lung, or how sure a model is of it; above `LUNG` is lung.
        origin: `SOURCE`, or the digest of the model.
        quality: What is thought of it.
        failed: Why it is of no use, as ``"no lung found"``; empty for a good one.
    """

    mask: NDArray[np.uint8]
    origin: str
    quality: MaskQuality
    failed: str = ""

    def __post_init__(self) -> None:
        if self.mask.dtype != np.uint8 or self.mask.shape != (SIDE_PX, SIDE_PX):
            raise InputError(
                f"a lung mask is uint8 of shape ({SIDE_PX}, {SIDE_PX}), got {self.mask.dtype} of shape {self.mask.shape}"
            )

    @cached_property
    def digest(self) -> str:
        """Digest of the mask's pixels."""
        return pixels_sha256(self.mask)

    @property
    def maker(self) -> str:
        """What it is from: `SOURCE`, `NETWORK` or `STAND_IN`."""
        if self.origin == SOURCE:
            return SOURCE
        return STAND_IN if self.origin.startswith(STAND_IN) else NETWORK

    @property
    def lung(self) -> NDArray[np.bool_]:
        """Where lung is, bool (128, 128)."""
        return self.mask > LUNG


class _Row(NamedTuple):
    """A film of a shard, as its index has it."""

    path: Path
    row: int
    digest: str
    quality: dict[str, Any]
    failed: str


class MaskStore(ArrayStore):
    """Masks in a folder, the workspace's ``masks``."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._rows: dict[str, dict[str, _Row]] = {}
        self._seen: set[Path] = set()
        self.refresh()

    def __reduce__(self) -> tuple[type[MaskStore], tuple[Path]]:
        return MaskStore, (self.folder,)  # what is there is learned anew in another process

    def refresh(self) -> None:
        """Learn of shards that have come since.

        Raises:
            InputError: One is not as hilum writes it.
        """
        brought(self.folder)
        for path in sorted(self.folder.glob("*/*.json")):
            if path in self._seen:
                continue
            value = read_json(path)
            with as_written(path):
                of_origin = self._rows.setdefault(str(value["origin"]), {})
                for k, (film, mask, quality, failed) in enumerate(value["rows"]):
                    of_origin[film] = _Row(path.with_suffix(".npy"), k, mask, quality, failed)
            self._seen.add(path)

    @property
    def origins(self) -> tuple[str, ...]:
        """Where masks are from: the sources' own first, then models by digest."""
        return tuple(sorted(self._rows, key=lambda origin: (origin != SOURCE, origin)))

    def missing(self, pixels: Iterable[str], origin: str) -> list[str]:
        """Films, by the digest of their decoded pixels, that have no mask of this origin: each once, in the order given."""
        there = self._rows.get(origin, {})
        return [film for film in dict.fromkeys(pixels) if film not in there]

    def find(self, pixels: str, *origins: str) -> LungMask | None:
        """A film's mask: of the first of these origins that has one; when none is named, of `self.origins`.

        Args:
            pixels: Digest of the decoded film (`FilmRow.pixels_sha256`).

        Returns:
            None where there is no mask. One that failed is returned and says so.
        """
        for origin in origins or self.origins:
            row = self._rows.get(origin, {}).get(pixels)
            if row is not None:
                mask = np.array(np.load(at_hand(row.path), mmap_mode="r")[row.row])
                return LungMask(mask, origin, MaskQuality(**row.quality), row.failed)
        return None

    def read(self, pixels: Iterable[str], *origins: str) -> dict[str, LungMask]:
        """Masks of films by the digest of their pixels, as `find` gives them.

        Raises:
            InputError: Films have none; it says how many.
        """
        wanted = list(dict.fromkeys(pixels))
        found = {film: mask for film in wanted if (mask := self.find(film, *origins)) is not None}
        if len(found) < len(wanted):
            raise InputError(
                f"{self.folder}: {len(wanted) - len(found)} of {len(wanted)} films have no lung mask here; "
                "make them with `hilum segment run`"
            )
        return found

    def write(self, masks: Mapping[str, LungMask]) -> None:
        """Keep masks of films, by the digest of their pixels; those that are there already, the same, are not written again."""
        with lock(self.folder / ".lock"):
            self.refresh()
            by_origin: dict[str, dict[str, LungMask]] = {}
            for film, mask in masks.items():
                there = self._rows.get(mask.origin, {}).get(film)
                if there is None or there[2:] != (mask.digest, members(mask.quality), mask.failed):
                    by_origin.setdefault(mask.origin, {})[film] = mask
            for origin, new in by_origin.items():
                self._write_shard(origin, new)
            self.refresh()

    def _write_shard(self, origin: str, masks: Mapping[str, LungMask]) -> None:
        """The masks first, their index last."""
        rows = [[film, m.digest, members(m.quality), m.failed] for film, m in masks.items()]
        within = self.folder / origin[:SHORT]
        number = len(list(within.glob("*.json")))
        name = f"{within.name}/{number:06d}-{digest(rows)[:SHORT]}"
        self._save(f"{name}.npy", np.stack([m.mask for m in masks.values()]))
        write_json(self.folder / f"{name}.json", {"header": Header("masks"), "origin": origin, "rows": rows})
