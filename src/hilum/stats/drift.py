"""Which statistics of the films moved between two sets: the standardised mean difference, and Kolmogorov and Smirnov's distance.

Convention: films are taken as independent, so one a patient. The standardised difference of a number is (mean outside - mean in source)
over the root of the mean of both variances, its interval Hedges & Olkin's (1985, Statistical Methods for Meta-Analysis, p. 86); of a
share it is Austin's (2009, Commun. Stat. Simul. 38:1228), with the variances p (1 - p). The distance is sorted by, since it is never
infinite: a share's is the difference of the shares. p is of the distance, exact or asymptotic as scipy chooses; of a share Fisher's. Holm
adjusts it over all statistics.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from hilum.artifacts.outside import DriftRow
from hilum.stats.multiplicity import holm

Columns = Mapping[str, Sequence[float] | Sequence[str]]
"""Statistic -> its value of each film of which it is known: numbers, or words."""
FEWEST = 5
"""Films of each side of which a statistic must be known."""
_MOST_WORDS = 12


def drift(source: Columns, outside: Columns) -> list[DriftRow]:
    """A row a number, and a row a word of a column of words; the largest distance first.

    Columns that one side lacks, that are known of fewer than `FEWEST` films of a side, or that have more than a dozen words are left out.

    >>> rows = drift({"sex": ["F"] * 9 + ["M"]}, {"sex": ["F"] * 5 + ["M"] * 5})
    >>> rows[0].statistic, round(rows[0].shift, 3), round(rows[0].distance, 3)
    ('sex = F', -0.97, 0.4)
    """
    rows: list[DriftRow] = []
    for name, ours in source.items():
        theirs = outside.get(name, ())
        if min(len(ours), len(theirs)) < FEWEST:
            continue
        words = sorted({v for v in (*ours, *theirs) if isinstance(v, str)})
        if not words:
            rows.append(_row(name, np.array(ours, np.float64), np.array(theirs, np.float64), False))
        elif len(words) <= _MOST_WORDS:
            kept = words[:1] if len(words) == 2 else words  # of two shares each is the other's rest
            for word in kept:
                one, other = (np.array([v == word for v in side], np.float64) for side in (ours, theirs))
                rows.append(_row(f"{name} = {word}", one, other, True))
    adjusted = holm([r.p for r in rows])
    found = [replace(r, p_adjusted=float(p or 0.0)) for r, p in zip(rows, adjusted, strict=True)]
    return sorted(found, key=lambda r: (-r.distance, r.statistic))


def _row(name: str, ours: NDArray[np.float64], theirs: NDArray[np.float64], share: bool) -> DriftRow:
    n, m = len(ours), len(theirs)
    a, b = float(ours.mean()), float(theirs.mean())
    ddof = 0 if share else 1
    spread = float(np.sqrt((ours.var(ddof=ddof) + theirs.var(ddof=ddof)) / 2))
    shift = low = high = None
    if spread > 0:
        shift = (b - a) / spread
        reach = 1.959964 * float(np.sqrt((n + m) / (n * m) + shift**2 / (2 * (n + m))))
        low, high = shift - reach, shift + reach
    if share:
        table = [[ours.sum(), n - ours.sum()], [theirs.sum(), m - theirs.sum()]]
        distance, p = abs(b - a), float(stats.fisher_exact(np.array(table, np.int64))[1])
    else:
        tested = stats.ks_2samp(ours, theirs)
        distance, p = float(tested.statistic), float(tested.pvalue)
    return DriftRow(name, n, m, a, b, shift, low, high, distance, min(p, 1.0), 1.0)
