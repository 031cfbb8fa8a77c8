"""All figures of the trials of one cell, or of one file of predictions, as rows of `statistics.json`.

They are those of `cell_figures`: of each class against the rest and their macro averages, accuracy over all classes, the study's contrasts
and subgroups, and, where a threshold is given, of the positive class at that operating point under names ending in "@operating_point".
The estimate is the mean over trials. Resamples make the interval unless few events stand behind the figure (`limits`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.statistics import RESERVED, StatisticsRow
from hilum.core.errors import InputError
from hilum.stats.cell_figures import Figure, figures_of, macro_averages, merge
from hilum.stats.intervals import Interval, bootstrap_interval, few_events_interval, never_narrower
from hilum.stats.limits import Events, Limits, events_behind, mean_limits
from hilum.stats.resampling import Resamples, TrialFigures, resample
from hilum.stats.scored_films import ScoredFilms
from hilum.stats.trials import summarise_trials

N_RESAMPLES = 2000


def cell_statistics(
    trials: Sequence[ScoredFilms],
    classes: Sequence[str],
    positive: str,
    unit: str = "film",
    seed: int = 0,
    n_resamples: int = N_RESAMPLES,
    part: str = "test",
) -> list[StatisticsRow]:
    """Every figure of a cell: mean over trials, standard error, and intervals that resample trials and films.

    Args:
        trials: At least one; of one alone intervals resample the films only. Operating points are given for all trials or for none;
            contrasts are the same in all.
        classes: Names, in the order of the columns.
        positive: The class of the headline and the operating point.
        unit: What the cluster labels are: ``"patient"``, ``"duplicate group"`` or ``"film"``; it is written into the rows.
        seed: Seed of the resamples; equal seeds and clusters give equal draws, so cells can be compared.
        n_resamples: Number of resamples.
        part: Written into the rows.

    Raises:
        InputError: No trial; lengths or shapes disagree; a score is not finite (says which trial and film).
    """
    names = list(classes)
    if positive not in names:
        raise InputError(f"the positive class {positive!r} is not one of {names!r}")
    if set(names) & set(RESERVED):
        taken = next(n for n in names if n in RESERVED)
        raise InputError(
            f"a class is called {taken!r}, which names the rows of all classes; rename the class"
        )
    if not trials or len({(t.threshold is None, tuple(s.name for s in t.contrasts)) for t in trials}) > 1:
        raise InputError(
            f"expected trials that all have an operating point, or none, and the same contrasts; "
            f"got {[(t.threshold, [s.name for s in t.contrasts]) for t in trials]!r}"
        )
    checked = [trial.checked(len(names), f"trial {number}") for number, trial in enumerate(trials)]
    figures = [figures_of(trial, names, positive) for trial in checked]
    return figure_rows(figures, unit, seed, n_resamples, part, names)


def figure_rows(
    of_trials: Sequence[tuple[TrialFigures, list[Figure]]],
    unit: str,
    seed: int,
    n_resamples: int,
    part: str,
    averaged: Sequence[str] = (),
    wanted: Sequence[str] = (),
) -> list[StatisticsRow]:
    """A row a figure that is shown, and the macro averages over the classes that are `averaged`.

    Args:
        of_trials: For each trial what to count, and what each column of it means; the same figures in all.
        unit: As for `cell_statistics`, like the rest.
        seed: Of the resamples.
        n_resamples: Their number.
        part: Written into the rows.
        averaged: Names of the classes, or findings; empty for no macro average.
        wanted: Of findings, the figures that are averaged.
    """
    to_count, described = zip(*of_trials, strict=True)
    counted = resample(to_count, n_resamples, seed)
    figures = list(merge(described))
    rows = _Rows(figures, counted, unit, part)
    macro = macro_averages(figures, averaged, wanted) if averaged else []
    return [rows.row(f) for f in (*(f for f in figures if f.shown), *macro)]


@dataclass(frozen=True)
class _Rows:
    """What all rows of a cell share, and how a figure becomes one."""

    figures: Sequence[Figure]  # a column each
    counted: Resamples
    unit: str
    part: str

    def row(self, figure: Figure) -> StatisticsRow:
        """The row of a figure."""
        columns = list(figure.columns)
        points = self.counted.points[:, columns].mean(axis=1)
        notes = [figure.note] if figure.note else []
        undefined = np.flatnonzero(~np.isfinite(points))
        if undefined.size:
            notes.append(self._undefined(figure, undefined))
            return self._made(figure, None, Interval(), "none", notes)
        events = [self._events(k) for k in columns]
        few = [k for k, e in zip(columns, events, strict=True) if e.few]
        draws = self.counted.draws[:, :, columns].mean(axis=2)
        interval, method = self._resampled(points, draws)
        if few and len(columns) > 1:
            notes.append(f"few events in {', '.join(self.figures[k].class_ for k in few)}")
            each = [e.limits if e.few else self._percentiles(k) for k, e in zip(columns, events, strict=True)]
            mean = mean_limits(each, self.counted.points[:, columns], apart=figure.metric == "sensitivity")
            interval = never_narrower(interval, few_events_interval(points, mean))
            method += f", never narrower than the classes’ own intervals joined{self._joined()}"
        elif few:
            (behind,) = events
            notes.append(f"few events ({behind.words})")
            limited, how = few_events_interval(points, behind.limits), f"{behind.method}{self._joined()}"
            if figure.ratio is not None:
                interval, method = limited, how
            else:
                interval, method = never_narrower(interval, limited), f"{method}, never narrower than {how}"
        if interval.note:
            notes.append(interval.note)
        if len(points) == 1:
            notes.append("one trial: chance in training is not in the interval")
        return self._made(figure, points, interval, method if interval.low is not None else "none", notes)

    def _events(self, column: int) -> Events:
        figure = self.figures[column]
        return events_behind(self.counted, column, figure.metric, figure.ratio, self.unit)

    def _percentiles(self, column: int) -> Limits:
        draws = self.counted.draws[:, :, column].mean(axis=0)
        kept = draws[np.isfinite(draws)]
        return lambda level: (
            float(np.quantile(kept, (1 - level) / 2)),
            float(np.quantile(kept, (1 + level) / 2)),
        )

    def _resampled(self, points: NDArray[np.float64], draws: NDArray[np.float64]) -> tuple[Interval, str]:
        n_trials, n_resamples = draws.shape
        counted = self.counted
        interval = bootstrap_interval(points, draws, counted.n_clusters, counted.seed)
        method = f"percentile bootstrap, {n_resamples} resamples of {counted.n_clusters} {self.unit}s"
        if n_trials == 1:
            return interval, f"{method}; trials not resampled (one trial)"
        return interval, f"{method} and of {n_trials} trials (Student's t, {n_trials - 1} df)"

    def _joined(self) -> str:
        n = len(self.counted.points)
        return f", joined with Student's t over trials ({n - 1} df) in squares" if n > 1 else ""

    def _undefined(self, figure: Figure, trials: NDArray[np.intp]) -> str:
        points = self.counted.points
        first = self.figures[next(k for k in figure.columns if not np.isfinite(points[:, k]).all())]
        of = f" ({first.class_})" if len(figure.columns) > 1 else ""
        numbers = ", ".join(str(t + 1) for t in trials)
        where = "" if len(points) == 1 else f" (in trial {numbers} of {len(points)})"
        return f"undefined: {first.undefined}{of}{where}"

    def _made(
        self,
        figure: Figure,
        points: NDArray[np.float64] | None,
        interval: Interval,
        method: str,
        notes: Sequence[str],
    ) -> StatisticsRow:
        summary = summarise_trials(points) if points is not None else None
        return StatisticsRow(
            metric=figure.metric,
            class_=figure.class_,
            part=self.part,
            estimate=summary.mean if summary else None,
            low=interval.low,
            high=interval.high,
            n=figure.n,
            n_positive=figure.n_positive,
            method=method,
            seed=self.counted.seed,
            unit=self.unit,
            n_clusters=self.counted.n_clusters,
            n_trials=len(self.counted.points),
            standard_error=summary.standard_error if summary else None,
            t_low=summary.low if summary else None,
            t_high=summary.high if summary else None,
            film_error=interval.film_error,
            formula=figure.formula,
            note="; ".join(notes),
        )
