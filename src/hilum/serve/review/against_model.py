"""Whether a reader decides better than the model on the same films.

Convention: sensitivity, specificity and accuracy of the run's positive class, reader minus model, are compared as two cells of a study are
(`hilum.stats.comparison`), one family over all readers for each figure. Beside that test stands McNemar's exact one of the films that one
gets right and the other wrong; where a patient has several films its p is the larger of that and of Obuchowski's for clusters. Both are
adjusted by Holm over the readers, and "better" or "worse" is said only where both p are below .05: else it is "not distinguishable". The
model is the one that was trained: chance in training is not in these tests, nor is another reader of the same skill.

Only a queue at random is tested. Other films were chosen by what the model said, which tips the comparison: of its errors it is never
right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from hilum.artifacts.comparisons import ComparisonRow, Pair, Verdict, verdict_of
from hilum.stats.comparison import Cells
from hilum.stats.confusion import Ratio, ratios
from hilum.stats.difference import ONE_TRIAL
from hilum.stats.mcnemar import clustered_mcnemar, mcnemar
from hilum.stats.multiplicity import holm
from hilum.stats.scored_films import ScoredFilms
from hilum.stats.secondary import decisions

TESTED: Final = ("sensitivity", "specificity", "accuracy")
"""Figures whose films below the line are the same for reader and model."""
N_RESAMPLES: Final = 1000


@dataclass(frozen=True)
class ReaderTest:
    """One figure of a reader against the model's.

    Attributes:
        reader: Who.
        metric: Of `TESTED`.
        n: Films below the line.
        estimate: Reader minus model; None with the reason in `note`.
        low: Lower end of the 95 % interval that holds for all readers together.
        high: Upper end.
        low_one: Lower end of the 95 % interval of this reader alone.
        high_one: Upper end.
        method: How both were made.
        gained: Films that the reader gets right and the model wrong.
        lost: The other way round.
        p_exact: McNemar's, exact, not adjusted; None where there is no test.
        p_clusters: Obuchowski's, where units have several films; else None.
        p_adjusted: The larger of both, by Holm over the readers.
        verdict: For the reader.
        note: Warnings, or why there is no test.
    """

    reader: str
    metric: str
    n: int
    estimate: float | None
    low: float | None
    high: float | None
    low_one: float | None
    high_one: float | None
    method: str
    gained: int
    lost: int
    p_exact: float | None
    p_clusters: float | None
    p_adjusted: float | None
    verdict: Verdict
    note: str


@dataclass(frozen=True)
class _Paired:
    """McNemar's test of one figure of one reader."""

    n: int
    gained: int = 0
    lost: int = 0
    exact: float | None = None
    clusters: float | None = None

    @property
    def p(self) -> float | None:
        """The one that decides."""
        return None if self.exact is None else max(self.exact, self.clusters or 0.0)


def reader_tests(
    pairs: Mapping[str, tuple[ScoredFilms, ScoredFilms]], classes: Sequence[str], positive: str, unit: str
) -> list[ReaderTest]:
    """Every reader under every figure, figure by figure.

    Args:
        pairs: Reader -> the reader's decisions and the model's on the same films, one film at least, with their ids.
        classes: Names, in the order of the columns.
        positive: The positive class.
        unit: What the cluster labels are.
    """
    if not pairs:
        return []
    of_cell = {
        name: [films]
        for reader, both in pairs.items()
        for name, films in zip((f"reader {reader}", f"model beside {reader}"), both, strict=True)
    }
    cells = Cells(of_cell, classes, positive, TESTED, unit, 0, N_RESAMPLES)
    asked = [Pair(f"reader {r}", f"model beside {r}", r) for r in pairs]
    ratio = {r.name: r for r in ratios(len(classes), list(classes).index(positive))}
    found = []
    for metric in TESTED:
        rows = cells.compare("readers", asked, [metric])
        paired = [_paired(*pairs[row.label], ratio[metric]) for row in rows]
        adjusted = holm([p.p for p in paired])
        found += [_test(row, p, q) for row, p, q in zip(rows, paired, adjusted, strict=True)]
    return found


def _paired(mine: ScoredFilms, model: ScoredFilms, ratio: Ratio) -> _Paired:
    one, other, clusters = decisions(mine, model, ratio)
    n_units = len(np.unique(clusters))
    if n_units < 2:
        return _Paired(len(one))
    exact = mcnemar(one, other)
    of_clusters = clustered_mcnemar(one, other, clusters) if n_units < len(clusters) else None
    return _Paired(len(one), exact.gained, exact.lost, exact.p_exact, of_clusters)


def _test(row: ComparisonRow, paired: _Paired, p_adjusted: float | None) -> ReaderTest:
    verdict: Verdict = "undefined"
    notes = [part for part in row.note.split("; ") if part and part != ONE_TRIAL]
    if row.estimate is not None and row.p_adjusted is not None and p_adjusted is not None:
        verdict = verdict_of(row.estimate, max(row.p_adjusted, p_adjusted), one_training=False)
    elif row.p_adjusted is not None:
        notes.append("no test: films of fewer than two units")
    return ReaderTest(
        row.label, row.metric, paired.n, row.estimate, row.low, row.high, row.low_one, row.high_one, row.method, paired.gained, paired.lost,
        paired.exact, paired.clusters, p_adjusted, verdict, "; ".join(notes),
    )  # fmt: skip
