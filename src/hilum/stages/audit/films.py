"""Every film of a manifest opened for its quality flags and for its shape, which its label is judged by; in tasks for an engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.manifest import Manifest
from hilum.core.engine import Engine
from hilum.core.errors import FilmError
from hilum.core.progress import progress
from hilum.imaging.as_ingested import film_as_ingested, refuse
from hilum.imaging.quality import FLAGS, flags, rates
from hilum.imaging.shape import shape_of

_CHUNK_FILMS = 64
_ALONE_BELOW = 512  # films; a process takes longer to begin than so few take
_Film = tuple[str, str, str]


@dataclass(frozen=True, eq=False)
class Flagged:
    """What was seen of the films of a manifest.

    Attributes:
        flags: image_id -> flag -> score, of the films that have a flag.
        shapes: What each film's shape is, float16, (films, numbers), in the manifest's order; no numbers where they were not asked for.
    """

    flags: dict[str, dict[str, float]]
    shapes: NDArray[np.float16]


def look_at_all(manifest: Manifest, engine: Engine, shapes: bool = False) -> Flagged:
    """Open every film for its flags and, where asked, its shape.

    Raises:
        InputError: Films that changed since they were ingested, or cannot be decoded, all of them named.
    """
    films = manifest.films
    chunks = [
        [(f.image_id, f.path, f.sha256) for f in films[k : k + _CHUNK_FILMS]]
        for k in range(0, len(films), _CHUNK_FILMS)
    ]
    found: list[tuple[dict[str, float], NDArray[np.float16]] | str] = []
    with progress("audit: quality", len(films)) as step:
        for answer in engine.map(partial(_look, shapes=shapes), chunks, alone=len(films) < _ALONE_BELOW):
            found += answer
            step(len(answer))
    refuse([f"{f.image_id}: {x}" for f, x in zip(films, found, strict=True) if isinstance(x, str)])
    seen = [x for x in found if not isinstance(x, str)]
    return Flagged(
        {f.image_id: own for f, (own, _) in zip(films, seen, strict=True) if own}, np.stack([shape for _, shape in seen])
    )  # fmt: skip


def _look(films: Sequence[_Film], shapes: bool) -> list[tuple[dict[str, float], NDArray[np.float16]] | str]:
    out: list[tuple[dict[str, float], NDArray[np.float16]] | str] = []
    for film in films:
        try:
            pixels = film_as_ingested(*film).pixels
            out.append((flags(pixels), shape_of(pixels) if shapes else np.zeros(0, np.float16)))
        except FilmError as e:
            out.append(e.reason)
    return out


def quality(manifest: Manifest, seen: Flagged) -> dict[str, Any]:
    """What the flags found, for audit.json: of each the films that have it, the highest score first."""
    flagged: dict[str, dict[str, float]] = {}
    for flag in FLAGS:
        films = {i: own[flag.code] for i, own in seen.flags.items() if flag.code in own}
        flagged[flag.code] = dict(sorted(films.items(), key=lambda x: (-x[1], x[0])))
    of_kinds = [f.code for f in FLAGS if f.score is None]
    wrong = {code: _share(rates()[code]["false_alarms"]) * len(manifest) for code in of_kinds}
    return {"flagged": flagged, "by_source": _by_source(manifest, flagged), "expected_false": wrong}


def _by_source(manifest: Manifest, flagged: dict[str, dict[str, float]]) -> dict[str, dict[str, int]]:
    source = {f.image_id: f.source for f in manifest.films}
    return {
        code: {s: sum(source[i] == s for i in films) for s in manifest.count_by("source")} for code, films in flagged.items()
    }  # fmt: skip


def _share(by: dict[str, tuple[int, int]]) -> float:
    """Share over all sources, each film alike."""
    wrong, n = (sum(v[k] for v in by.values()) for k in (0, 1))
    return wrong / n if n else 0.0
