"""How far the regions that two readers drew on a film cover the same places: intersection over union.

Convention: the regions of a reader on a film are taken together, whatever their number; an outline that crosses itself covers what it goes
round. Areas are counted on a grid of `GRID` x `GRID` places, so that the ratio of two rectangles is off by no more than the places along
their edges. It does not depend on the film's shape. The mean's interval resamples patients (`hilum.stats.unit_means`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hilum.serve.review.records import Answer, Region
from hilum.stats.unit_means import unit_mean

GRID: Final = 512


@dataclass(frozen=True)
class Overlap:
    """Of two readers.

    Attributes:
        first: Who.
        second: Who.
        mean: Intersection over union, mean over the films on which both drew; None where there is none.
        low: Lower end of its 95 % interval; None of films of a single patient.
        high: Upper end.
        n_both: These films.
        n_one: Films that both answered and on which one of them drew.
    """

    first: str
    second: str
    mean: float | None
    low: float | None
    high: float | None
    n_both: int
    n_one: int


def overlaps(counted: Mapping[str, Mapping[int, Answer]], units: Mapping[int, str]) -> list[Overlap]:
    """Of every two readers of whom one drew anything on a film that both answered.

    Args:
        counted: Reader -> place of a film -> the answer that counts.
        units: Place of a film -> its patient, or what else its interval resamples.
    """
    drawn = {
        (reader, n): covered(a.regions)
        for reader, mine in counted.items()
        for n, a in mine.items()
        if a.regions
    }
    found = []
    for a, b in combinations(counted, 2):
        both = sorted(counted[a].keys() & counted[b].keys())
        shared = [n for n in both if (a, n) in drawn and (b, n) in drawn]
        either = [n for n in both if (a, n) in drawn or (b, n) in drawn]
        if either:
            shares = [intersection_over_union(drawn[a, n], drawn[b, n]) for n in shared]
            mean = unit_mean(shares, [units[n] for n in shared], seed=0) if shares else None
            value, low, high = mean[:3] if mean else (None, None, None)
            found.append(Overlap(a, b, value, low, high, len(shared), len(either) - len(shared)))
    return found


def intersection_over_union(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    """Of two sets of places of which one holds some; 0 where both are too small for the grid."""
    union = int((first | second).sum())
    return int((first & second).sum()) / union if union else 0.0


def covered(regions: Sequence[Region]) -> NDArray[np.bool_]:
    """The places of the grid whose middle lies in a region, bool (`GRID`, `GRID`)."""
    found = np.zeros((GRID, GRID), dtype=np.bool_)
    for region in regions:
        found |= _inside(_corners(region))
    return found


def _corners(region: Region) -> NDArray[np.float64]:
    """(n, 2), x and y."""
    if region.kind == "polygon":
        return np.array(region.points, dtype=np.float64)
    (x0, y0), (x1, y1) = region.points
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], dtype=np.float64)


def _inside(corners: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where an outline winds round the middle of a place: along a row of places each edge that is crossed winds once, down or up."""
    turns = np.zeros((GRID, GRID + 1), dtype=np.int32)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        first, end = (int(np.ceil(v * GRID - 0.5)) for v in sorted((y0, y1)))
        rows = np.arange(first, end)
        if not len(rows):
            continue
        x = x0 + (x1 - x0) * ((rows + 0.5) / GRID - y0) / (y1 - y0)
        turns[rows, np.clip(np.ceil(x * GRID - 0.5).astype(np.intp), 0, GRID)] += 1 if y1 > y0 else -1
    return np.asarray(np.cumsum(turns, axis=1)[:, :GRID] != 0)
