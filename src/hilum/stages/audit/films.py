"""Every film of a manifest opened for its quality flags and for its shape, which its label is judged by; in tasks for an engine."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.manifest import Manifest
from hilum.core.engine import Engine
from hilum.imaging.as_ingested import each_film
from hilum.imaging.quality import FLAGS, flags, pooled, rates
from hilum.imaging.shape import shape_of

_HERE_BELOW = 512  # films; a process takes longer to begin than so few take


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
    seen = each_film(
        partial(_look, shapes=shapes), manifest.films, engine, "audit: quality", here_below=_HERE_BELOW
    )
    return Flagged(
        {f.image_id: own for f, (own, _) in zip(manifest.films, seen, strict=True) if own},
        np.stack([shape for _, shape in seen]),
    )


def _look(film: NDArray[np.uint8], shapes: bool) -> tuple[dict[str, float], NDArray[np.float16]]:
    return flags(film), shape_of(film) if shapes else np.zeros(0, np.float16)


def quality(manifest: Manifest, seen: Flagged) -> dict[str, Any]:
    """What the flags found, for audit.json: of each the films that have it, the highest score first."""
    flagged: dict[str, dict[str, float]] = {}
    for flag in FLAGS:
        films = {i: own[flag.code] for i, own in seen.flags.items() if flag.code in own}
        flagged[flag.code] = dict(sorted(films.items(), key=lambda x: (-x[1], x[0])))
    of_kinds = [f.code for f in FLAGS if f.score is None]
    wrong = {}
    for code in of_kinds:
        alarms, of = pooled(rates()[code]["false_alarms"])
        wrong[code] = alarms / of * len(manifest)
    return {"flagged": flagged, "by_source": _by_source(manifest, flagged), "expected_false": wrong}


def _by_source(manifest: Manifest, flagged: dict[str, dict[str, float]]) -> dict[str, dict[str, int]]:
    source = {f.image_id: f.source for f in manifest.films}
    return {
        code: {s: sum(source[i] == s for i in films) for s in manifest.count_by("source")} for code, films in flagged.items()
    }  # fmt: skip
