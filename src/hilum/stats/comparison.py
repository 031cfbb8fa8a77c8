"""Families of comparisons between cells: every row of `comparisons.json`, from the predictions of the test films.

Convention: a difference is cell minus reference of the mean over trials, the positive class against the rest, for the class of the
highest probability or the ranking by its probability; the metric says whether a higher figure is the better one. The resamples of the
films are drawn once, from the union of the clusters of all cells and trials (Set 1 redraws its test part), so every difference is paired
film by film where films are shared. The test is `difference`'s, or `discordance`'s where fewer than ten clusters are discordant;
`multiplicity` adjusts it over the family, and both sides' trainings (`scored_films`) decide whether there is a verdict. McNemar and
DeLong (`secondary`) stand beside it and decide nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from hilum.artifacts.comparisons import ALPHA, ComparisonRow, Pair, Secondary, Verdict, verdict_of
from hilum.core.errors import InputError, nearest, require_known
from hilum.stats.confusion import Ratio, predicted_class, ratios
from hilum.stats.curves import why_undefined
from hilum.stats.difference import (
    ONE_TRIAL,
    SHARED_WEIGHTS,
    DifferenceTest,
    ResampledTest,
    TrialPart,
    correlation,
    film_part,
    trial_part,
)
from hilum.stats.discordance import (
    JoinedTest,
    WidestTest,
    discordant_distances,
    separate_distances,
)
from hilum.stats.intervals import usable_resamples
from hilum.stats.limits import events_behind
from hilum.stats.multiplicity import holm, simultaneous_level
from hilum.stats.proportions import FEW_EVENTS, effective_n
from hilum.stats.resampling import DecisionTable, Ranking, Resamples, TrialFigures, resample
from hilum.stats.sample_size import Needed, needed
from hilum.stats.scored_films import ScoredFilms, share_weights, trainings
from hilum.stats.secondary import secondary_tests, tipped_clusters
from hilum.study.metrics import AREAS, METRIC

LEVEL = 1 - ALPHA
NOT_PAIRED = "trials not paired: their numbers differ"
OTHER_FILMS = "test films differ: units of the union resampled, films not paired where only one has them"


class Cells:
    """Cells whose films were counted together, ready to be compared in any number of families.

    Args:
        trials_of: Name of a cell -> its trials, at least one.
        classes: Names, in the order of the columns.
        positive: The positive class.
        metrics: What will be asked for.
        unit: What the cluster labels are; it is written into the rows.
        seed: Seed of the resamples.
        n_resamples: Number of resamples.

    Raises:
        InputError: No cell or trial; an unknown class or metric; films, scores and clusters disagree.
    """

    def __init__(
        self,
        trials_of: Mapping[str, Sequence[ScoredFilms]],
        classes: Sequence[str],
        positive: str,
        metrics: Iterable[str],
        unit: str = "film",
        seed: int = 0,
        n_resamples: int = 2000,
    ) -> None:
        names = list(classes)
        if positive not in names:
            raise InputError(f"the positive class {positive!r} is not one of {names!r}")
        self.positive, self.unit, self.seed, self.n_resamples = positive, unit, seed, n_resamples
        self._k = names.index(positive)
        known = {r.name: r for r in ratios(len(names), self._k)}
        wanted = list(dict.fromkeys(metrics))
        for metric in wanted:
            if metric not in known and metric not in AREAS:
                raise InputError(f"no comparison of metric {metric!r}; {nearest(metric, [*known, *AREAS])}")
        self._ratios: list[Ratio] = [known[m] for m in wanted if m in known]
        self._ranked = any(m in AREAS for m in wanted)
        self._columns = [*(r.name for r in self._ratios), *(AREAS if self._ranked else ())]
        self._trials: dict[str, list[ScoredFilms]] = {}
        self._rows: dict[str, slice] = {}
        asked: list[TrialFigures] = []
        for cell, trials in trials_of.items():
            numbered = enumerate(trials, start=1)
            checked = [t.in_order_of_ids(len(names), f"{cell}, trial {n}") for n, t in numbered]
            if not checked:
                raise InputError(f"cell {cell!r}: expected one trial or more, got none")
            self._trials[cell] = checked
            self._rows[cell] = slice(len(asked), len(asked) + len(checked))
            asked += [self._figures(t, len(names)) for t in checked]
        self._counted: Resamples = resample(asked, n_resamples, seed)

    def _figures(self, trial: ScoredFilms, n_classes: int) -> TrialFigures:
        true, score = trial.y_true, trial.y_score
        decided = true * n_classes + predicted_class(score)
        tables = [DecisionTable(decided, n_classes, self._ratios)] if self._ratios else []
        everyone = np.ones(len(true), dtype=np.bool_)
        rankings = [Ranking(true == self._k, score[:, self._k], everyone)] if self._ranked else []
        return TrialFigures(trial.clusters, tables, rankings)

    def compare(
        self, family: str, pairs: Sequence[Pair], metrics: Sequence[str], beside: Sequence[Cells] = ()
    ) -> list[ComparisonRow]:
        """The rows of a family by its name: every pair under every metric, each metric adjusted for itself.

        Args:
            beside: The same cells, asked of something else: their comparisons are of the family too.

        Raises:
            InputError: A cell that was not counted.
        """
        for name in {n for p in pairs for n in (p.cell, p.reference)}:
            require_known(name, self._trials, f"family {family!r}: no cell")
        rows = list[ComparisonRow]()
        for metric in metrics:
            found = [cells.compared(pair, metric) for cells in (self, *beside) for pair in pairs]
            adjusted = holm([c.p for c in found])
            rows += [c.row(family, p, len(found)) for c, p in zip(found, adjusted, strict=True)]
        return rows

    def compared(self, pair: Pair, metric: str) -> Comparison:
        """One pair under one metric."""
        return Comparison(self, pair, metric)


class Comparison:
    """One pair under one metric, before the p-values of its family are adjusted."""

    def __init__(self, cells: Cells, pair: Pair, metric: str) -> None:
        self.cells, self.pair, self.metric = cells, pair, metric
        self._a, self._b = cells._trials[pair.cell], cells._trials[pair.reference]
        self._column = cells._columns.index(metric)
        self._ratio = next((r for r in cells._ratios if r.name == metric), None)
        counted, at = cells._counted, (cells._rows[pair.cell], cells._rows[pair.reference])
        self._points, self._reference = (counted.points[rows, self._column] for rows in at)
        self.paired = len(self._a) == len(self._b) and all(
            np.array_equal(a.image_ids, b.image_ids) for a, b in zip(self._a, self._b, strict=True)
        )
        self._shared = share_weights(self._a, self._b)
        self._one_training = not self._shared and min(trainings(self._a), trainings(self._b)) == 1
        self.notes: list[str] = []
        self._trial_part: TrialPart | None = None
        self.test: DifferenceTest | None = None
        self.method = "none"
        self._draws, self._of_reference = (counted.draws[rows, :, self._column] for rows in at)
        if self._is_defined():
            self._trial_part = trial_part(self._points, self._reference)
            self._films()
        self.p = self.test.p() if self.test else None

    def _is_defined(self) -> bool:
        for name, points in ((self.pair.cell, self._points), (self.pair.reference, self._reference)):
            undefined = np.flatnonzero(~np.isfinite(points))
            if undefined.size:
                n_positive = min(int((t.y_true == self.cells._k).sum()) for t in (*self._a, *self._b))
                why = f"{why_undefined(self._ratio, n_positive)} ({name}, trial {undefined[0] + 1})"
                self.notes.append(f"undefined: {why}")
                return False
        return True

    def _films(self) -> None:
        """Choose the test and note what a reader must know."""
        draws, reference = self._draws, self._of_reference
        both = np.concatenate([draws, reference])
        defined, note = usable_resamples(both, self.cells._counted.n_clusters)
        if defined is None:
            self.notes.append(f"no test: {note}")
            return
        if note:
            self.notes.append(note)
        self._film_part = film_part(draws[:, defined], reference[:, defined])
        self.test, self.method = self._choose()
        if self._shared:
            self.notes.append(SHARED_WEIGHTS)
        elif self._one_training:
            self.notes.append(ONE_TRIAL)
        if self._trial_part is not None:
            by = "paired by trial" if len(self._a) == len(self._b) else NOT_PAIRED
            self.method += f", and Student’s t over trials ({self._trial_part.df:.3g} df, {by})"
        if not self.paired:
            self.notes.append(OTHER_FILMS)

    def _choose(self) -> tuple[DifferenceTest, str]:
        """The test that films and trials allow, and how it was made; few events are noted."""
        counted, ratio = self.cells._counted, self._ratio
        resampled = ResampledTest(self.estimate, self._film_part, self._trial_part)
        how = f"{'paired ' if self.paired else ''}bootstrap, {self.cells.n_resamples} resamples of "
        how += f"{counted.n_clusters} {self.cells.unit}s, normal"
        at = self.cells._rows[self.pair.cell], self.cells._rows[self.pair.reference]
        fixed = METRIC[self.metric].share_of != "predicted"
        if self.paired and ratio is not None and fixed:
            tipped = tipped_clusters(self._a, self._b, ratio)
            n = effective_n(np.abs(tipped))
            if n >= FEW_EVENTS:
                return resampled, how
            self.notes.append("few discordant units: films gained and lost are counted, not resampled")
            one_film = 1 / float(counted.below[at[0], self._column].mean())
            test = JoinedTest(self.estimate, discordant_distances(tipped, one_film), self._trial_part)
            how = f"films gained and lost as rare counts (Fay & Feuer; effectively {n:.3g} discordant units)"
            return test, f"{how}, joined in squares"
        unit, column = self.cells.unit, self._column
        one, other = (events_behind(counted, column, self.metric, ratio, unit, rows) for rows in at)
        if not (one.few or other.few):
            return resampled, how
        self.notes.append(f"few events ({min(one, other, key=lambda e: e.n).words})")
        together = 0.0 if fixed else correlation(self._draws, self._of_reference)
        distances = separate_distances(self.value, one.limits, self.reference_value, other.limits, together)
        joined = JoinedTest(self.estimate, distances, self._trial_part)
        if fixed:
            return joined, "Clopper-Pearson of each cell, films not paired, joined in squares"
        kind = one.method if ratio is None else "Clopper-Pearson"
        return WidestTest((resampled, joined)), f"{how}, never surer than {kind} of each cell joined (Zou)"

    def _secondary(self) -> list[Secondary]:
        return secondary_tests(self.metric, self._ratio, self.cells._k, self._a, self._b)

    @property
    def value(self) -> float:
        """Mean over the cell's trials."""
        return float(self._points.mean())

    @property
    def reference_value(self) -> float:
        """Mean over the reference's trials."""
        return float(self._reference.mean())

    @property
    def estimate(self) -> float:
        """The difference; equal means differ by 0, whatever rounding says."""
        found = self.value - self.reference_value
        return 0.0 if abs(found) < 1e-12 else found

    def row(self, family: str, p_adjusted: float | None, n_family: int) -> ComparisonRow:
        """The row, once the family's p-values are adjusted."""
        counted, n_trials = self.cells._counted, min(len(self._a), len(self._b))
        low = high = low_one = high_one = error = None
        verdict: Verdict = "undefined"
        need = Needed(None)
        method, secondary = self.method, self._secondary() if self.paired else []
        if self.test is not None and p_adjusted is not None:
            low_one, high_one = self.test.interval(LEVEL)
            low, high = self.test.interval(simultaneous_level(LEVEL, n_family))
            of_trials = self._trial_part.error if self._trial_part else 0.0
            error = max(float(np.hypot(self._film_part.common, of_trials)), self._film_part.alone)
            speaks_for = self.estimate if METRIC[self.metric].higher_is_better else -self.estimate
            verdict = verdict_of(speaks_for, p_adjusted, self._one_training)
            if verdict == "not distinguishable":
                parts = self._film_part, self._trial_part
                need = needed(self.estimate, *parts, counted.n_clusters, n_trials, ALPHA / n_family)
            method += f"; Holm and Bonferroni over {n_family}"
        return ComparisonRow(
            family=family,
            metric=self.metric,
            class_=self.cells.positive,
            cell=self.pair.cell,
            reference=self.pair.reference,
            label=self.pair.label,
            value=_known(self.value),
            reference_value=_known(self.reference_value),
            estimate=_known(self.estimate),
            low=low,
            high=high,
            low_one=low_one,
            high_one=high_one,
            p=self.p,
            p_adjusted=p_adjusted,
            verdict=verdict,
            n_needed=need.units,
            trials_needed=need.trials,
            standard_error=error,
            film_error=self._film_part.common if self.test else None,
            trial_error=self._trial_part.error if self._trial_part else None,
            paired=self.paired,
            method=method,
            level=LEVEL,
            seed=self.cells.seed,
            unit=self.cells.unit,
            n_clusters=counted.n_clusters,
            n_trials=n_trials,
            shared_weights=self._shared,
            n_family=n_family,
            note="; ".join(self.notes),
            secondary=secondary,
        )


def _known(value: float) -> float | None:
    """None where a trial leaves it undefined."""
    return None if np.isnan(value) else value
