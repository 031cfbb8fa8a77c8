"""All figures of one file of predictions, or of the trials of one cell, as rows of `statistics.json`.

`film_statistics` is one trial; `cell_statistics` several. Both give what `asked` asks for: the figures of each class against the rest and
their macro averages, accuracy over all classes, the study's contrasts and subgroups, and, where a threshold is given, the figures of the
positive class at that operating point under names ending in "@operating_point". The estimate is the mean over trials. Resamples make the
interval unless few events stand behind the figure (`few_events`). It reads no file and draws nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilum.artifacts.statistics import RESERVED, StatisticsRow
from hilum.core.errors import InputError
from hilum.stats.asked import Figure, TrialScores, ask, macro_averages, merge
from hilum.stats.confusion import class_numbers
from hilum.stats.contrasts import Sides
from hilum.stats.few_events import Events, events_behind
from hilum.stats.intervals import (
    Interval,
    TrialDraw,
    bootstrap_interval,
    few_events_interval,
    never_narrower,
)
from hilum.stats.limits import Limits, mean_limits
from hilum.stats.resampling import Resamples, resample
from hilum.stats.trials import summarise_trials

N_RESAMPLES = 2000


def film_statistics(
    y_true: ArrayLike,
    y_score: ArrayLike,
    classes: Sequence[str],
    positive: str,
    clusters: ArrayLike | None = None,
    unit: str = "film",
    seed: int = 0,
    n_resamples: int = N_RESAMPLES,
    part: str = "test",
    threshold: float | None = None,
    sides: Sequence[Sides] = (),
) -> list[StatisticsRow]:
    """Every figure of one set of predictions, with intervals that resample the films only.

    Args:
        y_true: Class numbers, (n_films,).
        y_score: Probabilities, (n_films, n_classes).
        classes: Names, in the order of the columns.
        positive: The class of the headline and the operating point.
        clusters: Label of each film's unit, (n_films,); each film its own where None.
        unit: What the labels are: ``"patient"``, ``"duplicate group"`` or ``"film"``; it is written into the
            rows.
        seed: Seed of the resamples.
        n_resamples: Number of resamples.
        part: Written into the rows.
        threshold: Operating point for the positive class; None for none.
        sides: See `TrialScores`.

    Raises:
        InputError: Lengths or shapes disagree, a score is not finite, or `positive` is not a class.
    """
    own = np.arange(len(np.asarray(y_true))) if clusters is None else clusters
    trial = TrialScores(y_true, y_score, own, threshold, sides)
    return cell_statistics([trial], classes, positive, unit, seed, n_resamples, part)


def cell_statistics(
    trials: Sequence[TrialScores],
    classes: Sequence[str],
    positive: str,
    unit: str = "film",
    seed: int = 0,
    n_resamples: int = N_RESAMPLES,
    part: str = "test",
    trial_draw: TrialDraw = "student",
) -> list[StatisticsRow]:
    """Every figure of a cell: mean over trials, standard error, and intervals that resample trials and films.

    Args:
        trials: At least one. Operating points are given for all trials or for none; contrasts are the same in all.
        classes: Names, in the order of the columns.
        positive: The class of the headline and the operating point.
        unit: What the cluster labels are; it is written into the rows.
        seed: Seed of the resamples; equal seeds and clusters give equal draws, so cells can be compared.
        n_resamples: Number of resamples.
        part: Written into the rows.
        trial_draw: How trials are drawn (`intervals`).

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
    if not trials or len({(t.threshold is None, tuple(s.name for s in t.sides)) for t in trials}) > 1:
        raise InputError(
            f"expected trials that all have an operating point, or none, and the same contrasts; "
            f"got {[(t.threshold, [s.name for s in t.sides]) for t in trials]!r}"
        )
    checked = [_check(trial, len(names), number) for number, trial in enumerate(trials)]
    asked = [ask(trial, names, positive) for trial in checked]
    counted = resample([figures for figures, _ in asked], n_resamples, seed)
    figures = list(merge([described for _, described in asked]))
    rows = _Rows(figures, counted, unit, part, trial_draw)
    return [rows.row(f) for f in (*(f for f in figures if f.shown), *macro_averages(figures, names))]


def _check(trial: TrialScores, n_classes: int, number: int) -> TrialScores:
    true = class_numbers(trial.y_true, n_classes, f"trial {number}, y_true")
    score = np.asarray(trial.y_score, dtype=np.float64)
    if score.shape != (len(true), n_classes) or len(np.asarray(trial.clusters)) != len(true) or not len(true):
        raise InputError(
            f"trial {number}: expected {n_classes} scores and a cluster a film; got {len(true)} films, "
            f"scores of shape {score.shape}, {len(np.asarray(trial.clusters))} clusters"
        )
    bad = np.flatnonzero(~np.isfinite(score).all(axis=1))
    if bad.size:
        raise InputError(
            f"trial {number}: film at position {bad[0]} has a score that is not finite ({bad.size} such)"
        )
    return TrialScores(true, score, trial.clusters, trial.threshold, trial.sides)


@dataclass(frozen=True)
class _Rows:
    """What all rows of a cell share, and how a figure becomes one."""

    figures: Sequence[Figure]  # a column each
    counted: Resamples
    unit: str
    part: str
    trial_draw: TrialDraw

    def row(self, figure: Figure) -> StatisticsRow:
        """The row of a figure."""
        columns = list(figure.columns)
        points = self.counted.points[:, columns].mean(axis=1)
        notes = [figure.note] if figure.note else []
        undefined = np.flatnonzero(~np.isfinite(points))
        if undefined.size:
            return self._undefined(figure, undefined, notes)
        events = [self._events(k) for k in columns]
        few = [e for e in events if e.few]
        draws = self.counted.draws[:, :, columns].mean(axis=2)
        if not few:
            interval, method = self._resampled(points, draws)
        elif len(columns) > 1:
            notes.append(
                f"few events in {', '.join(self.figures[k].class_ for k in columns if self._events(k).few)}"
            )
            each = [e.limits if e.few else self._percentiles(k) for k, e in zip(columns, events, strict=True)]
            mean = mean_limits(each, self.counted.points[:, columns], apart=figure.metric == "sensitivity")
            interval, method = self._resampled(points, draws)
            interval = never_narrower(interval, few_events_interval(points, mean))
            method += f", never narrower than the classes’ own intervals joined{self._joined()}"
        else:
            notes.append(f"few events ({few[0].words})")
            limited = few_events_interval(points, few[0].limits)
            if figure.ratio is not None:
                interval, method = limited, f"{few[0].method}{self._joined()}"
            else:
                interval, method = self._resampled(points, draws)
                interval = never_narrower(interval, limited)
                method += f", never narrower than {few[0].method}{self._joined()}"
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
        interval = bootstrap_interval(
            points, draws, counted.n_clusters, counted.seed, trial_draw=self.trial_draw
        )
        method = f"percentile bootstrap, {n_resamples} resamples of {counted.n_clusters} {self.unit}s"
        if n_trials == 1:
            return interval, f"{method}; trials not resampled (one trial)"
        how = f"Student's t, {n_trials - 1} df" if self.trial_draw == "student" else "with replacement"
        return interval, f"{method} and of {n_trials} trials ({how})"

    def _joined(self) -> str:
        n = len(self.counted.points)
        return f", joined with Student's t over trials ({n - 1} df) in squares" if n > 1 else ""

    def _undefined(self, figure: Figure, trials: NDArray[np.intp], notes: list[str]) -> StatisticsRow:
        points = self.counted.points[:, list(figure.columns)]
        first = next(
            k for k, column in zip(figure.columns, points.T, strict=True) if not np.isfinite(column).all()
        )
        reason, n_trials = self.figures[first].undefined, len(points)
        of = f" ({self.figures[first].class_})" if len(figure.columns) > 1 else ""
        numbers = ", ".join(str(t + 1) for t in trials)
        where = "" if n_trials == 1 else f" (in trial {numbers} of {n_trials})"
        notes.append(f"undefined: {reason}{of}{where}")
        return self._made(figure, None, Interval(None, None, None, None), "none", notes)

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
