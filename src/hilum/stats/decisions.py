"""What acting on a model is worth: decision curves, and predictive values where the disease is rarer than among the test films.

Net benefit at a threshold t on the positive class's probability is TP / n - FP / n * t / (1 - t) (Vickers & Elkin 2006, Med. Decis. Making
26:565); acting on every film has it with all films called positive, acting on none has 0. At a prevalence q

    PPV = sens q / (sens q + (1 - spec) (1 - q)),    NPV = spec (1 - q) / (spec (1 - q) + (1 - sens) q)

(Altman & Bland 1994, BMJ 309:102). Figures are means over trials; intervals resample the units of the test films, and the trials as
Student's t, as those of every figure do. Where few events stand behind a sensitivity or specificity, a predictive value is never surer than
its two limits joined in squares (Zou & Donner 2008, Statist. Med. 27:1693).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.decisions import Decisions, NetBenefit, Predictive
from hilum.artifacts.header import Header
from hilum.stats.confusion import Ratio, predicted_class, ratios
from hilum.stats.difference import ResampledTest, film_part, trial_part
from hilum.stats.intervals import Interval, bootstrap_interval, few_events_interval, never_narrower
from hilum.stats.limits import events_behind
from hilum.stats.outside import at_operating_point
from hilum.stats.resampling import DecisionTable, Resamples, TrialFigures, resample
from hilum.stats.scored_films import ScoredFilms
from hilum.study.metrics import METRIC

THRESHOLDS = tuple(round(k / 100, 2) for k in range(1, 100))
_RATES = ("sensitivity", "specificity")


def decisions(
    scored: Mapping[str, Sequence[ScoredFilms]],
    k: int,
    prevalences: Sequence[float],
    unit: str,
    header: Header,
) -> Decisions:
    """Decision curves and predictive values of every cell.

    Args:
        scored: Cell -> its trials.
        k: Number of the positive class.
        prevalences: At which predictive values are asked for.
        unit: What the clusters are.
        header: Of the artefact; its seed and ``n_resamples`` are those of the resamples.
    """
    seed, n = header.seed or 0, int(header.options["n_resamples"])
    two_sided = {cell: trials for cell, trials in scored.items() if all(_both(t, k) for t in trials)}
    curves = {cell: net_benefit(trials, k, seed, n) for cell, trials in two_sided.items()}
    rows = [
        r
        for cell, trials in scored.items()
        if prevalences
        for r in predictive(cell, trials, k, prevalences, unit, seed, n)
    ]
    return Decisions(header, THRESHOLDS, curves, rows)


def _both(trial: ScoredFilms, k: int) -> bool:
    of_class = np.asarray(trial.y_true) == k
    return bool(of_class.any() and not of_class.all())


def treat_all(prevalence: float, thresholds: Sequence[float] = THRESHOLDS) -> list[float]:
    """Net benefit of acting on every film.

    >>> treat_all(0.3, [0.1, 0.5])
    [0.222222, -0.4]
    """
    return [round(prevalence - (1 - prevalence) * t / (1 - t), 6) for t in thresholds]


def net_benefit(
    trials: Sequence[ScoredFilms],
    k: int,
    seed: int,
    n_resamples: int,
    thresholds: Sequence[float] = THRESHOLDS,
) -> NetBenefit:
    """The decision curve of a cell.

    Args:
        trials: Of the cell.
        k: Number of the positive class.
        seed: Of the resamples.
        n_resamples: Number of resamples.
        thresholds: Within 0 .. 1, without the ends.
    """
    worth = [
        Ratio(METRIC["accuracy"], np.array([[0.0, -t / (1 - t)], [0.0, 1.0]]), np.ones((2, 2)))
        for t in thresholds
    ]
    asked = []
    for trial in trials:
        true, score = np.asarray(trial.y_true) == k, np.asarray(trial.y_score)[:, k]
        tables = [
            DecisionTable(true * 2 + (score >= t), 2, [w]) for t, w in zip(thresholds, worth, strict=True)
        ]
        asked.append(TrialFigures(trial.clusters, tables))
    counted = resample(asked, n_resamples, seed)
    found = []
    for column in range(len(thresholds)):
        points, draws = counted.points[:, column], counted.draws[:, :, column]
        test = ResampledTest(
            float(points.mean()),
            film_part(draws, np.zeros_like(draws)),
            trial_part(points, np.zeros_like(points)),
        )
        found.append((test.estimate, *test.interval(0.95)))
    estimate, low, high = ([round(v, 6) for v in column] for column in zip(*found, strict=True))
    share = float(np.mean([(np.asarray(t.y_true) == k).mean() for t in trials]))
    return NetBenefit(share, treat_all(share, thresholds), estimate, low, high)


def predictive(
    cell: str,
    trials: Sequence[ScoredFilms],
    k: int,
    prevalences: Sequence[float],
    unit: str,
    seed: int,
    n_resamples: int,
) -> list[Predictive]:
    """PPV and NPV of a cell at each prevalence, at the trials' operating points.

    Args:
        cell: Its name.
        trials: Of the cell.
        k: Number of the positive class.
        prevalences: Within 0 .. 1, without the ends.
        unit: What the clusters are.
        seed: Of the resamples.
        n_resamples: Number of resamples.
    """
    nothing = [Predictive(cell, q, m, None, None, None) for q in prevalences for m in ("ppv", "npv")]
    decided = at_operating_point(trials, k)
    if decided is None:
        return [replace(r, note="no operating point") for r in nothing]
    wanted = [r for r in ratios(2, 1) if r.name in _RATES]
    asked = []
    for t in decided:
        cells = t.y_true * 2 + predicted_class(t.y_score)
        asked.append(TrialFigures(t.clusters, [DecisionTable(cells, 2, wanted)]))
    counted = resample(asked, n_resamples, seed)
    if not np.isfinite(counted.points).all():
        why = "the test films are all of one side, so sensitivity or specificity is undefined"
        return [replace(r, note=why) for r in nothing]
    alone = [_rate(counted, column, r, unit) for column, r in enumerate(wanted)]
    few = [r.name for r, (_, is_few) in zip(wanted, alone, strict=True) if is_few]
    note = f"few events behind {' and '.join(few)}" if few else ""
    found = []
    for r in nothing:
        interval = _interval(counted, alone, r.metric, r.prevalence, bool(few))
        value = float(predictive_value(counted.points.T, r.metric, r.prevalence).mean())
        notes = "; ".join(n for n in (note, interval.note) if n)
        found.append(Predictive(cell, r.prevalence, r.metric, value, interval.low, interval.high, notes))
    return found


def predictive_value(rates: NDArray[np.float64], metric: str, prevalence: float) -> NDArray[np.float64]:
    """PPV or NPV of (sensitivity, specificity), shape (2, ...); NaN where nothing is called that way.

    >>> round(float(predictive_value(np.array([0.9, 0.9]), "ppv", 0.1)), 4)
    0.5
    """
    right, wrong = (rates[0], 1 - rates[1]) if metric == "ppv" else (rates[1], 1 - rates[0])
    share = prevalence if metric == "ppv" else 1 - prevalence
    above, below = right * share, right * share + wrong * (1 - share)
    return np.asarray(
        np.divide(above, below, out=np.full_like(np.asarray(above, np.float64), np.nan), where=below > 0)
    )


def _rate(counted: Resamples, column: int, ratio: Ratio, unit: str) -> tuple[Interval, bool]:
    """The interval of a rate by itself, and whether few events stand behind it."""
    points = counted.points[:, column]
    events = events_behind(counted, column, ratio.name, ratio, unit)
    if events.few:
        return few_events_interval(points, events.limits), True
    return bootstrap_interval(points, counted.draws[:, :, column], counted.n_clusters, counted.seed), False


def _interval(
    counted: Resamples, alone: Sequence[tuple[Interval, bool]], metric: str, prevalence: float, few: bool
) -> Interval:
    def value(rates: NDArray[np.float64]) -> NDArray[np.float64]:
        return predictive_value(rates, metric, prevalence)

    points, draws = value(counted.points.T), value(np.moveaxis(counted.draws, 2, 0))
    if not np.isfinite(points).all():
        return Interval(note="undefined: no film is called that way in some trial")
    resampled = bootstrap_interval(points, draws, counted.n_clusters, counted.seed)
    if not few:
        return resampled
    at = counted.points.mean(axis=0)
    middle, ends = float(value(at)), list[float]()
    for side, sign in (("low", -1), ("high", 1)):
        reach = 0.0
        for column, (interval, _) in enumerate(alone):
            end = getattr(interval, side)
            if end is not None:  # both predictive values rise with both rates
                reach = float(np.hypot(reach, value(np.where(np.arange(2) == column, end, at)) - middle))
        ends.append(float(np.clip(middle + sign * reach, 0, 1)))
    return never_narrower(resampled, Interval(ends[0], ends[1]))
