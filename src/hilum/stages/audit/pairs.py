"""Which copies a person should look at, and small pictures of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

from hilum.artifacts.duplicates import Duplicates
from hilum.artifacts.manifest import Manifest
from hilum.core.errors import FilmError
from hilum.imaging.as_ingested import film_as_ingested
from hilum.imaging.small import small_jpeg

SHOWN: Final = 40
_OF_A_GROUP: Final = 4
_HEIGHT_PX: Final = 96


def pairs_to_see(manifest: Manifest, duplicates: Duplicates) -> list[dict[str, Any]]:
    """At most 40 pairs: of the largest groups first, then those of different labels, then the least alike; four of a group."""
    known = manifest.by_id
    group_of = {i: g for g in duplicates.groups for i in g}
    pairs = [p for p in duplicates.pairs if p.first in known and p.second in known]
    pairs.sort(
        key=lambda p: (
            -len(group_of[p.first]), group_of[p.first], known[p.first].label == known[p.second].label, p.detail,
        )
    )  # fmt: skip
    of_a_group: Counter[tuple[str, ...]] = Counter()
    shown: list[dict[str, Any]] = []
    for p in pairs:
        group = group_of[p.first]
        of_a_group[group] += 1
        if of_a_group[group] <= _OF_A_GROUP and len(shown) < SHOWN:
            films = [
                {"image_id": i, "label": known[i].label, "source": known[i].source}
                for i in (p.first, p.second)
            ]
            shown.append(
                {
                    "group_size": len(group),
                    "films": films,
                    "differs": p.differs,
                    "detail": p.detail,
                    "kind": p.kind,
                }
            )
    return shown


def thumbnails(manifest: Manifest, image_ids: Iterable[str]) -> dict[str, bytes]:
    """Image id -> a JPEG of 96 px height; a film that cannot be read has none."""
    out = {}
    for film in (manifest.by_id[i] for i in dict.fromkeys(image_ids)):
        try:
            pixels = film_as_ingested(film.image_id, film.path, film.sha256).pixels
        except FilmError:
            continue
        width = min(max(round(pixels.shape[1] * _HEIGHT_PX / pixels.shape[0]), 1), 2 * _HEIGHT_PX)
        out[film.image_id] = small_jpeg(pixels, width, _HEIGHT_PX)
    return out
