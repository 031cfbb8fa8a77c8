"""How far a mask is the one that a person drew: Dice of each film, its mean and 5th percentile by source, with intervals over patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.masks import LUNG
from hilum.core.seeding import generator

RESAMPLES: Final = 2000
_FIFTH: Final = 0.05


def dice(found: NDArray[np.uint8], known: NDArray[np.uint8]) -> float:
    """Twice the common lung by the lung of both (Dice 1945), which is F1 of the pixels; 1 where neither has any.

    Args:
        found: A mask, above `LUNG` is lung.
        known: Another of its shape.

    >>> dice(np.array([[255, 255, 0]], np.uint8), np.array([[255, 0, 0]], np.uint8))
    0.6666666666666666
    """
    a, b = found > LUNG, known > LUNG
    both = int(a.sum()) + int(b.sum())
    return 2 * int((a & b).sum()) / both if both else 1.0


@dataclass(frozen=True)
class SourceDice:
    """Dice of a source's films, with percentile intervals of 95 % over its patients drawn with replacement.

    Attributes:
        n_patients: Patients, or what stands for one.
        mean: Of the films, with its interval.
        fifth: Their 5th percentile, with its interval.
    """

    source: str
    n_films: int
    n_patients: int
    mean: float
    mean_interval: tuple[float, float]
    fifth: float
    fifth_interval: tuple[float, float]


def dice_by_source(
    scores: Sequence[float], sources: Sequence[str], groups: Sequence[str], seed: int = 0
) -> list[SourceDice]:
    """How the films of each source do.

    Args:
        scores: Dice of each film.
        sources: Of each film.
        groups: Its patient, else what stands for one.
        seed: Of the resamples.
    """
    out = []
    for source in sorted(set(sources)):
        here = [k for k, s in enumerate(sources) if s == source]
        values = np.array([scores[k] for k in here])
        names, group = np.unique([groups[k] for k in here], return_inverse=True)
        rng = generator(seed, "dice", source)
        drawn = []
        for _ in range(RESAMPLES):
            times = np.bincount(rng.integers(0, len(names), len(names)), minlength=len(names))
            some = np.repeat(values, times[group])
            drawn.append((some.mean(), np.quantile(some, _FIFTH)))
        (low, low_5), (high, high_5) = np.quantile(drawn, [0.025, 0.975], axis=0).round(4).tolist()
        mean, fifth = round(float(values.mean()), 4), round(float(np.quantile(values, _FIFTH)), 4)
        out.append(SourceDice(source, len(here), len(names), mean, (low, high), fifth, (low_5, high_5)))
    return out
