"""What is kept of a film that was read: its scores, some properties of its pixels, and the shape of what is on it. No pixels, no patient.

All of it follows from a `hilum.inference.reader.Reading`, so service, node and the reference see films alike. Properties are of the
prepared film (the network's own size), but for the two of the file's size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from hilum.imaging.shape import shape_of
from hilum.imaging.shortcuts import border, reduced
from hilum.imaging.shortcuts import grain as grain_of

if TYPE_CHECKING:
    from hilum.inference.reader import Reading

PROPERTIES: Final = (
    "mean grey", "spread of greys", "1st percentile of greys", "99th percentile of greys", "entropy of greys", "grain", "coarse grain",
    "grey of the border", "dark share of the border", "shorter side, px", "width / height",
)  # fmt: skip
"""In order. Greys are 0 to 1 of full scale, entropy is in bits, grain the logarithm of the mean second difference from pixel to pixel
(coarse: of every second pixel)."""
SEEN_RULES: Final = 1
"""Raised when a film would have other properties."""
_DARK = 0.1


@dataclass(frozen=True, eq=False)
class Seen:
    """A film with scores, as it is kept.

    Attributes:
        logits: float64 (n_classes,).
        strangeness: Score of the bundle's gate; NaN where it has none.
        properties: float32 (n_properties,), in the order of `PROPERTIES`.
        shape: float16 (768,), `hilum.imaging.shape`.
    """

    logits: NDArray[np.float64]
    strangeness: float
    properties: NDArray[np.float32]
    shape: NDArray[np.float16]


def seen_of(reading: Reading) -> Seen | None:
    """What is kept of a film; None of one without scores."""
    scored = reading.scored
    if scored.logits is None or scored.prepared is None:
        return None
    strange = reading.answer.gate.score
    return Seen(
        np.asarray(scored.logits, np.float64),
        float("nan") if strange is None else float(strange),
        properties_of(scored.prepared, reading.opened.size_px),
        shape_of(scored.prepared) if reading.opened.shape is None else reading.opened.shape,
    )


def properties_of(prepared: NDArray[np.uint8], size_px: tuple[int, int]) -> NDArray[np.float32]:
    """Properties of a film, float32 (n_properties,).

    Args:
        prepared: As the network took it.
        size_px: (height, width) of the decoded film.

    >>> made = properties_of(np.full((64, 64), 51, np.uint8), (400, 200))
    >>> round(float(made[0]), 3), made[-2:].tolist()
    (0.2, [200.0, 0.5])
    """
    counts = np.bincount(prepared.ravel(), minlength=256)
    share = counts / prepared.size
    greys = np.arange(256) / 255
    mean = float(share @ greys)
    low, high = np.searchsorted(np.cumsum(share), (0.01, 0.99)) / 255
    there = share[share > 0]
    edge = border(reduced(prepared))
    rough = grain_of(prepared)
    height, width = size_px
    return np.array(
        [
            mean, float(share @ (greys - mean) ** 2) ** 0.5, low, high, float(-(there * np.log2(there)).sum()),
            float(rough[:2].mean()), float(rough[2:].mean()), float(edge.mean()), float((edge < _DARK).mean()),
            min(height, width), width / max(height, 1),
        ],
        np.float32,
    )  # fmt: skip


def log_odds(logits: NDArray[np.float64], positive: int) -> NDArray[np.float64]:
    """Logarithm of the odds of a class, (n_films,), of logits (n_films, n_classes); finite where a probability rounds to 0 or 1.

    >>> log_odds(np.array([[2.0, 0.0]]), 0).tolist()
    [2.0]
    """
    others = np.delete(logits, positive, axis=1)
    found: NDArray[np.float64] = logits[:, positive] - logsumexp(others, axis=1)
    return found
