"""A film's bytes, opened: decoded, looked at and prepared, which needs no network. A process of its own can do it (it needs no torch).

Training, predict, serve and node have no other way from bytes to the pixels that a network sees.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hilum.augment.pipeline import Pipeline
from hilum.core.digests import sha256_bytes
from hilum.core.errors import FilmError, InputError
from hilum.imaging import quality
from hilum.imaging.decode import decode

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Opened:
    """A film that was opened, or why it could not be.

    Attributes:
        name: What the caller calls it.
        sha256: Of the file's bytes; empty where they could not be had, or where nobody asks for answers.
        pixels: Decoded, (height, width); None where it has none, or where `prepared` is all that is needed.
        prepared: As the network takes it; None where that is still to be done (its preparation reads lungs), or cannot be.
        shape: Of the prepared film (`hilum.imaging.shape`), which gates read; None where that is still to be seen.
        size_px: (height, width) of the decoded film.
        format: As `DecodedFilm.format`.
        facts: As `DecodedFilm.facts`: about a patient, never logged.
        flags: Quality flag (`hilum.imaging.quality`) -> score, of the flags that it has; None where it was not looked at.
        error: Empty, or the reason why it has no pixels, one of `hilum.imaging.decode.REASONS` for a film that cannot be read.
        words: The reason as a sentence, without the film's name.
    """

    name: str
    sha256: str = ""
    pixels: Pixels | None = None
    prepared: Pixels | None = None
    shape: NDArray[np.float16] | None = None
    size_px: tuple[int, int] = (0, 0)
    format: str = ""
    facts: Mapping[str, str] = field(default_factory=dict, repr=False)
    flags: Mapping[str, float] | None = None
    error: str = ""
    words: str = ""


def open_film(name: str, data: bytes | FilmError, *, flags: bool = False) -> Opened:
    """Decode a film; whatever the bytes, the answer is an `Opened`.

    Args:
        name: What the caller calls it.
        data: Its file's bytes, or why they could not be had.
        flags: Look for quality flags too, and take the digest of the bytes.
    """
    sha = sha256_bytes(data) if flags and isinstance(data, bytes) else ""
    try:
        if not isinstance(data, bytes):
            raise data
        film = decode(data)
    except FilmError as e:
        return Opened(name, sha, error=e.reason, words=str(e))
    found = quality.flags(film.pixels) if flags else None
    size = (film.height_px, film.width_px)
    return Opened(name, sha, film.pixels, size_px=size, format=film.format, facts=film.facts, flags=found)


def prepare(pixels: Pixels, pipeline: Pipeline, lungs: Pixels | None = None) -> Pixels | str:
    """A decoded film as the network takes it: the certain steps of the pipeline; or the reason why there is none.

    Args:
        pixels: uint8 (height, width).
        pipeline: The bundle's.
        lungs: A usable mask of it, where the steps read one.
    """
    try:
        return pipeline.deterministic(pixels, lungs)
    except FilmError as e:
        return e.reason
    except InputError as e:
        return str(e)
