"""All figures of one file of predictions, or of the trials of one cell, as rows of `statistics.json`.

`film_statistics` is one trial; `cell_statistics` several. Both give, for every class against the rest, the
figures of `confusion.FORMULAS` for the class of the highest probability and the areas of
`curves.AREA_FORMULAS`; accuracy over all classes; the study's contrasts and subgroups; and, where a threshold is given, the
figures of the positive class at that operating point under names ending in "@operating_point". The estimate
is the mean over trials. It reads no file and draws nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilum.artifacts.statistics import ALL_CLASSES, StatisticsRow
from hilum.core.errors import InputError
from hilum.stats.confusion import FORMULAS, Ratio, class_numbers, exact_accuracy, predicted_class, ratios
from hilum.stats.contrasts import Sides, contrasts
from hilum.stats.curves import AREA_FORMULAS, NO_NEGATIVE, NO_POSITIVE
from hilum.stats.intervals import Interval, TrialDraw, bootstrap_interval, few_events_interval
from hilum.stats.proportions import FEW_EVENTS
from hilum.stats.resampling import DecisionTable, Ranking, Resamples, TrialFigures, resample
from hilum.stats.trials import summarise_trials
from hilum.stats.walks import AREAS

AT_POINT = "@operating_point"
N_RESAMPLES = 2000
_BINARY = (
    "sensitivity",
    "specificity",
    "ppv",
    "npv",
    "f1",
    "accuracy",
)  # two classes have no strict rate of their own


@dataclass(frozen=True)
class TrialScores:
    """What one trial predicted for its films.

    Attributes:
        y_true: Class numbers, (n_films,).
        y_score: Probabilities, finite, (n_films, n_classes).
        clusters: Label of the unit that each film belongs to, (n_films,); equal labels are one unit, across
            trials too.
        threshold: The trial's operating point for the positive class, chosen on validation; None for none.
        sides: Contrasts and subgroups, with the films of either side.
    """

    y_true: ArrayLike
    y_score: ArrayLike
    clusters: ArrayLike
    threshold: float | None = None
    sides: Sequence[Sides] = ()


@dataclass(frozen=True)
class _Figure:
    """One column of `Resamples`, and what a row needs besides."""

    metric: str
    class_: str
    formula: str
    ratio: Ratio | None  # None for an area
    n: int
    n_positive: int
    note: str


def film_statistics(
    y_true: ArrayLike,
    y_score: ArrayLike,
    classes: Sequence[str],
    positive: str = "covid",
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
    positive: str = "covid",
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
    if not trials or len({(t.threshold is None, tuple(s.name for s in t.sides)) for t in trials}) > 1:
        raise InputError(
            f"expected trials that all have an operating point, or none, and the same contrasts; "
            f"got {[(t.threshold, [s.name for s in t.sides]) for t in trials]!r}"
        )
    checked = [_check(trial, len(names), number) for number, trial in enumerate(trials)]
    asked = [_ask(trial, names, positive) for trial in checked]
    counted = resample([figures for figures, _ in asked], n_resamples, seed)
    columns = _merge([described for _, described in asked])
    return [_row(figure, column, counted, unit, part, trial_draw) for column, figure in enumerate(columns)]


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


def _ask(trial: TrialScores, names: list[str], positive: str) -> tuple[TrialFigures, list[_Figure]]:
    """What to count in one trial, and what each column of `resample` will mean."""
    true, score = np.asarray(trial.y_true), np.asarray(trial.y_score)
    n_classes, k = len(names), names.index(positive)
    everyone = np.ones(len(true), dtype=np.bool_)
    tables: list[DecisionTable] = []
    rankings: list[Ranking] = []
    of_tables: list[_Figure] = []
    of_rankings: list[_Figure] = []

    def decide(
        name: str,
        rows: NDArray[np.bool_],
        is_positive: NDArray[np.bool_],
        said: NDArray[np.bool_],
        suffix: str = "",
        only: Sequence[str] = _BINARY,
        note: str = "",
    ) -> None:
        wanted = [r for r in ratios(2, 1) if r.name in only]
        tables.append(DecisionTable(np.where(rows, is_positive * 2 + said, -1), 2, wanted))
        n, n_positive = int(rows.sum()), int((rows & is_positive).sum())
        of_tables.extend(
            _Figure(r.name + suffix, name, FORMULAS[r.name], r, n, n_positive, note) for r in wanted
        )

    def rank(
        name: str,
        rows: NDArray[np.bool_],
        is_positive: NDArray[np.bool_],
        s: NDArray[np.float64],
        note: str = "",
    ) -> None:
        rankings.append(Ranking(is_positive, s, rows))
        n, n_positive = int(rows.sum()), int((rows & is_positive).sum())
        of_rankings.extend(_Figure(a, name, AREA_FORMULAS[a], None, n, n_positive, note) for a in AREAS)

    by_class = [(name, ratio) for c, name in enumerate(names) for ratio in ratios(n_classes, c)]
    overall = exact_accuracy(n_classes)
    cells = true * n_classes + predicted_class(score)
    tables.append(DecisionTable(cells, n_classes, [ratio for _, ratio in by_class] + [overall]))
    of_tables += [
        _Figure(r.name, name, FORMULAS[r.name], r, len(true), int((true == names.index(name)).sum()), "")
        for name, r in by_class
    ]
    of_tables.append(
        _Figure("accuracy", ALL_CLASSES, FORMULAS[overall.name], overall, len(true), len(true), "")
    )
    for c, name in enumerate(names):
        rank(name, everyone, true == c, score[:, c])
    if trial.threshold is not None:
        note = f"threshold {trial.threshold:.6g}"
        decide(positive, everyone, true == k, score[:, k] >= trial.threshold, AT_POINT, note=note)
    for contrast in contrasts(trial.sides, score):
        only = contrast.only or ("sensitivity", "specificity", "accuracy")
        decide(contrast.name, contrast.rows, contrast.positive, contrast.said, only=only, note=contrast.note)
        if contrast.only is None:
            rank(contrast.name, contrast.rows, contrast.positive, contrast.score, contrast.note)
    return TrialFigures(trial.clusters, tables, rankings), of_tables + of_rankings


def _merge(of_trials: list[list[_Figure]]) -> Iterator[_Figure]:
    """One description a column; where trials have other numbers of films, their mean and a note."""
    for same in zip(*of_trials, strict=True):
        notes = list(dict.fromkeys(f.note for f in same if f.note))
        if len({(f.n, f.n_positive) for f in same}) > 1:
            notes.append("films differ between trials; n is their mean: " + ", ".join(str(f.n) for f in same))
        n, n_positive = (
            round(float(np.mean(v))) for v in ([f.n for f in same], [f.n_positive for f in same])
        )
        first = same[0]
        yield _Figure(first.metric, first.class_, first.formula, first.ratio, n, n_positive, "; ".join(notes))


def _row(
    figure: _Figure, column: int, counted: Resamples, unit: str, part: str, trial_draw: TrialDraw
) -> StatisticsRow:
    points = counted.points[:, column]
    n_trials, n_resamples = counted.draws.shape[:2]
    notes = [figure.note] if figure.note else []

    def row(estimate: float | None, interval: Interval, method: str) -> StatisticsRow:
        summary = summarise_trials(points) if estimate is not None else None
        if interval.note:
            notes.append(interval.note)
        if n_trials == 1 and estimate is not None:
            notes.append("one trial: chance in training is not in the interval")
        return StatisticsRow(
            metric=figure.metric,
            class_=figure.class_,
            part=part,
            estimate=estimate,
            low=interval.low,
            high=interval.high,
            n=figure.n,
            n_positive=figure.n_positive,
            method=method,
            seed=counted.seed,
            unit=unit,
            n_clusters=counted.n_clusters,
            n_trials=n_trials,
            standard_error=summary.standard_error if summary else None,
            t_low=summary.low if summary else None,
            t_high=summary.high if summary else None,
            film_error=interval.film_error,
            formula=figure.formula,
            note="; ".join(notes),
        )

    undefined = np.flatnonzero(~np.isfinite(points))
    if undefined.size:
        where = (
            "" if n_trials == 1 else f" (in trial {', '.join(str(t + 1) for t in undefined)} of {n_trials})"
        )
        reason = figure.ratio.reason if figure.ratio else (NO_NEGATIVE if figure.n_positive else NO_POSITIVE)
        return row(None, Interval(None, None, None, None, f"undefined: {reason}{where}"), "none")
    estimate = float(points.mean())
    if figure.ratio is not None:
        events = float(
            np.minimum(counted.above[:, column], (counted.below - counted.above)[:, column]).mean()
        )
        if events < FEW_EVENTS:
            notes.append(f"few events ({events:.3g} {'errors' if estimate >= 0.5 else 'successes'})")
        if events < FEW_EVENTS and figure.ratio.is_proportion:
            effective = float(counted.effective[:, column].mean())
            method = f"Clopper-Pearson on effective n = {effective:.6g} {unit}s"
            if n_trials > 1:
                method += f", joined with Student's t over trials ({n_trials - 1} df) in squares"
            return row(estimate, few_events_interval(points, effective), method)
    elif min(figure.n_positive, figure.n - figure.n_positive) < FEW_EVENTS:
        notes.append(
            f"few events ({figure.n_positive} films of the class, {figure.n - figure.n_positive} others)"
        )
    draws = counted.draws[:, :, column]
    interval = bootstrap_interval(points, draws, counted.n_clusters, counted.seed, trial_draw=trial_draw)
    method = f"percentile bootstrap, {n_resamples} resamples of {counted.n_clusters} {unit}s"
    if n_trials == 1:
        method += "; trials not resampled (one trial)"
    elif trial_draw == "student":
        method += f" and of {n_trials} trials (Student's t, {n_trials - 1} df)"
    else:
        method += f" and of {n_trials} trials (with replacement)"
    return row(estimate, interval, method if interval.low is not None else "none")
