"""Statistics of several findings a film: each finding is a problem of two classes by itself, over the films of which it is known.

Convention: a finding's own figures are those of its run of two classes (`hilum.artifacts.finding_runs`). Here is what needs all findings at
once: macro averages, the mean over findings with equal weight, whose resamples are drawn once for all of them; and comparisons, whose
family has a finding as one more dimension, the macro average as one more finding. Decisions are at each trial's own thresholds, chosen on
validation: so what stands against a finding's probability is the largest number below its threshold, and the higher of the two decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.comparisons import Pair, Secondary
from hilum.artifacts.finding_labels import UNKNOWN, without
from hilum.artifacts.statistics import AT_OPERATING_POINT, MACRO, StatisticsRow
from hilum.stats.cell_figures import Figure
from hilum.stats.comparison import Cells, Comparison
from hilum.stats.confusion import ratios
from hilum.stats.difference import DifferenceTest, ResampledTest
from hilum.stats.resampling import DecisionTable, Ranking, TrialFigures, resample
from hilum.stats.scored_films import ScoredFilms
from hilum.stats.summary import figure_rows
from hilum.study.metrics import AREAS, METRIC, with_rows


@dataclass(frozen=True)
class FoundFilms:
    """What one trial of a cell said of the findings of its films.

    Attributes:
        known: 1, 0 or `UNKNOWN`, (n_films, n_findings).
        probabilities: (n_films, n_findings).
        thresholds: Of the findings, chosen on validation, (n_findings,).
        clusters: Label of each film's unit.
        image_ids: Of the films.
        weights: Digest of the trained weights.
    """

    known: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    thresholds: Sequence[float]
    clusters: NDArray[np.str_]
    image_ids: Sequence[str]
    weights: str = ""

    def alone(self, k: int) -> ScoredFilms:
        """The films of which a finding is known, as films of two classes: without it and with it."""
        rows = np.flatnonzero(self.known[:, k] != UNKNOWN)
        p = self.probabilities[rows, k]
        below = np.full(len(p), np.nextafter(self.thresholds[k], -np.inf))
        ids = [self.image_ids[int(i)] for i in rows]
        scores = np.stack([below, p], axis=1)
        return ScoredFilms(self.known[rows, k], scores, self.clusters[rows], ids, weights=self.weights)

    def as_films(self) -> ScoredFilms:
        """Its films without what was said of them: their ids, units and the weights."""
        n = len(self.known)
        return ScoredFilms(
            np.zeros(n, np.int64), np.zeros((n, 2)), self.clusters, self.image_ids, weights=self.weights
        )


_RATIOS = [r for r in ratios(2, 1) if not r.metric.needs_exact_class]
"""The figures that count films, of a finding and its absence."""


def macro_rows(
    trials: Sequence[FoundFilms], findings: Sequence[str], unit: str, seed: int, n_resamples: int, part: str
) -> list[StatisticsRow]:
    """The macro averages of a cell: its trials' mean over findings, with intervals that resample the units of all films at once.

    Args:
        trials: At least one.
        findings: Names, in the order of the columns.
        unit: What the cluster labels are.
        seed: Of the resamples.
        n_resamples: Their number.
        part: Written into the rows.
    """
    wanted = [m if METRIC[m].is_area else m + AT_OPERATING_POINT for m in with_rows("macro")]
    of_trials = [(_counts(t), _described(t, findings)) for t in trials]
    return figure_rows(of_trials, unit, seed, n_resamples, part, findings, wanted)


def _counts(trial: FoundFilms) -> TrialFigures:
    """What to count of a trial: of each finding every ratio, at its threshold, then of each finding the areas."""
    tables, rankings = [], []
    for k, threshold in enumerate(trial.thresholds):
        rows, there, score = trial.known[:, k] != UNKNOWN, trial.known[:, k] == 1, trial.probabilities[:, k]
        cells = np.where(rows, there * 2 + (score >= threshold), -1)
        tables.append(DecisionTable(cells, 2, _RATIOS))
        rankings.append(Ranking(there, score, rows))
    return TrialFigures(trial.clusters, tables, rankings)


def _described(trial: FoundFilms, findings: Sequence[str]) -> list[Figure]:
    """What each column of `_counts` means; none is a row of its own."""
    decided, ranked = list[Figure](), list[Figure]()
    for k, finding in enumerate(findings):
        n, n_positive = (int(np.count_nonzero(trial.known[:, k] >= least)) for least in (0, 1))
        decided += [
            Figure(r.name + AT_OPERATING_POINT, finding, r.metric.formula, r, n, n_positive, shown=False)
            for r in _RATIOS
        ]
        ranked += [Figure(a, finding, METRIC[a].formula, None, n, n_positive, shown=False) for a in AREAS]
    return [*decided, *ranked]


def finding_cells(
    trials_of: Mapping[str, Sequence[FoundFilms]],
    findings: Sequence[str],
    metrics: Sequence[str],
    unit: str,
    seed: int,
    n_resamples: int,
) -> list[Cells]:
    """Cells asked of each finding, and of the macro average, ready to be compared as one family.

    Args:
        trials_of: Name of a cell -> its trials.
        findings: Names, in the order of the columns.
        metrics: What will be asked for.
        unit: What the cluster labels are, and so on as `Cells`.
        seed: Of the resamples.
        n_resamples: Their number.
    """
    made: list[Cells] = []
    for k, finding in enumerate(findings):
        alone = {cell: [t.alone(k) for t in trials] for cell, trials in trials_of.items()}
        made.append(Cells(alone, [without(finding), finding], finding, metrics, unit, seed, n_resamples))
    return [*made, MacroCells(trials_of, findings, metrics, unit, seed, n_resamples)]


class MacroCells(Cells):
    """Cells asked for the mean over findings. Arguments are those of `finding_cells`."""

    def __init__(
        self,
        trials_of: Mapping[str, Sequence[FoundFilms]],
        findings: Sequence[str],
        metrics: Sequence[str],
        unit: str,
        seed: int,
        n_resamples: int,
    ) -> None:
        # what `Cells` counts of films of one class each is counted of all findings here
        self.positive, self.unit, self.seed, self.n_resamples, self._k = MACRO, unit, seed, n_resamples, 1
        self._ratios, self._columns = [], list(dict.fromkeys(metrics))
        self._trials, self._rows, asked = {}, {}, list[TrialFigures]()
        for cell, trials in trials_of.items():
            self._rows[cell] = slice(len(asked), len(asked) + len(trials))
            asked += [_counts(t) for t in trials]
            self._trials[cell] = [
                t.as_films().in_order_of_ids(2, f"{cell}, trial {n}") for n, t in enumerate(trials, 1)
            ]
        counted, n, names = resample(asked, n_resamples, seed), len(findings), [r.name for r in _RATIOS]
        at = [
            n * len(names) + AREAS.index(m) + len(AREAS) * np.arange(n)
            if m in AREAS
            else names.index(m) + len(names) * np.arange(n)
            for m in self._columns
        ]
        points, draws = (
            np.stack([v[..., k].mean(axis=-1) for k in at], axis=-1) for v in (counted.points, counted.draws)
        )
        self._counted = replace(counted, points=points, draws=draws)

    def compared(self, pair: Pair, metric: str) -> Comparison:
        """One pair under one metric."""
        return _MacroComparison(self, pair, metric)


class _MacroComparison(Comparison):
    """One pair under the mean of a metric over findings: resamples of all films are its test, and no test of single films stands beside."""

    def _is_defined(self) -> bool:
        lost = sum(int((~np.isfinite(p)).sum()) for p in (self._points, self._reference))
        if lost:
            self.notes.append("undefined: a finding's figure is undefined in a trial")
        return not lost

    def _choose(self) -> tuple[DifferenceTest, str]:
        how = f"{'paired ' if self.paired else ''}bootstrap of all findings together, {self.cells.n_resamples} resamples of "
        how += f"{self.cells._counted.n_clusters} {self.cells.unit}s, normal"
        return ResampledTest(self.estimate, self._film_part, self._trial_part), how

    def _secondary(self) -> list[Secondary]:
        return []
