"""From resamples and trials to one interval, with the variance of trials and of films told apart.

One trial: the percentile interval of the resampled films; it says nothing about training again, and its method says so.

Several trials: the figure is the mean over trials. With theta_t a trial's figure, s its standard deviation between trials (ddof 1) and
theta*_tb its value in resample b of the films,

    variance of the mean = s^2 / T  +  cov

where cov is the mean over pairs t != t' of the covariance over b of theta*_tb and theta*_t'b. That is Obuchowski & Rockette's (1995,
Commun. Stat. Simul. 24:285) with trials as readers: s^2 already holds the part of film chance that differs between trials, cov the part
common to them (all of it for Set 2's one test part; little where each trial has its own films). A resample is the films' draw, its
deviation scaled to variance cov, plus a draw of the trials: s / sqrt(T) times Student's t with T - 1 degrees of freedom. (The crossed
bootstrap, word for word, would draw T trials with replacement and rescale nothing. Three trials have ten distinct draws, none outside their
range: if trials vary it holds the truth in .86 (T = 2) and .91 (T = 3) of simulated cells, Student's t in .97 and .96;
tests/properties/test_statistics.py.)

The interval is the percentile interval of those sums, cut to 0 .. 1, and never narrower than the percentile interval of the resampled films
alone: trials that agree by chance (s near 0) do not make films certain.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from hilum.core.seeding import generator
from hilum.stats.limits import Limits
from hilum.stats.trials import film_variances, summarise_trials

MAX_UNDEFINED = 0.05  # share of resamples that may leave a figure undefined before there is no interval


@dataclass(frozen=True)
class Interval:
    """An interval and what it is made of.

    Attributes:
        low: None where there is no interval; `note` says why.
        high: Likewise.
        film_error: Standard error of the mean from the films common to the trials: sqrt(cov). None with `low`.
        trial_error: Standard error from the trials: s / sqrt(T). None for one trial.
        note: Warnings, or the reason why there is none.
    """

    low: float | None = None
    high: float | None = None
    film_error: float | None = None
    trial_error: float | None = None
    note: str = ""


def usable_resamples(draws: NDArray[np.float64], n_clusters: int) -> tuple[NDArray[np.bool_] | None, str]:
    """Which resamples leave a figure defined in every trial, and a note on the others; None and the reason where they cannot be used.

    Args:
        draws: (n_trials, n_resamples), NaN where a resample left the figure undefined.
        n_clusters: Clusters that were drawn from.
    """
    if n_clusters < 2:
        return None, "one cluster only"
    defined = np.asarray(np.isfinite(draws).all(axis=0), dtype=np.bool_)
    lost = int((~defined).sum())
    words = f"undefined in {lost} of {defined.size} resamples"
    if lost > MAX_UNDEFINED * defined.size:
        return None, words
    return defined, f"{words}, left out" if lost else ""


def bootstrap_interval(
    points: NDArray[np.float64],
    draws: NDArray[np.float64],
    n_clusters: int,
    seed: int,
    level: float = 0.95,
) -> Interval:
    """The interval of one figure, averaged over trials.

    Args:
        points: Finite, (n_trials,).
        draws: (n_trials, n_resamples), NaN where a resample left the figure undefined.
        n_clusters: Clusters that were drawn from.
        seed: Seed of the draws of trials.
        level: Nominal coverage.
    """
    defined, note = usable_resamples(draws, n_clusters)
    if defined is None:
        return Interval(note=f"no interval: {note}")
    kept = draws[:, defined]
    mean = kept.mean(axis=0)
    common, film_variance = film_variances(kept)
    trial_error = summarise_trials(points).standard_error
    if trial_error is None:
        total = mean
    else:
        common = max(0.0, common)
        scale = (common / film_variance) ** 0.5 if film_variance > 0 else 0.0
        t = _students(seed, draws.shape[1], len(points) - 1)[defined]
        total = mean.mean() + scale * (mean - mean.mean()) + trial_error * t
    ends = np.quantile(np.stack([total, mean]), [(1 - level) / 2, (1 + level) / 2], axis=1)
    low, high = float(np.clip(ends[0].min(), 0.0, 1.0)), float(np.clip(ends[1].max(), 0.0, 1.0))
    return Interval(low, high, common**0.5, trial_error, note)


@lru_cache(maxsize=8)
def _students(seed: int, n: int, df: int) -> NDArray[np.float64]:
    """Draws of Student's t, one from each of as many equal strata: its tails with few degrees are too wild for plain draws."""
    strata = (generator(seed, "bootstrap", "trials", "student").permutation(n) + 0.5) / n
    drawn: NDArray[np.float64] = stats.t.ppf(strata, df)
    return drawn


def few_events_interval(points: NDArray[np.float64], limits: Limits, level: float = 0.95) -> Interval:
    """The interval of a figure with too few events to resample.

    One trial: the limits that the films allow (`hilum.stats.limits`). Several: those of the mean and Student's over trials, their distances
    from the mean added in squares (Zou & Donner 2008, Statist. Med. 27:1693).

    Args:
        points: The figure of each trial, (n_trials,).
        limits: Of the mean over trials.
        level: Nominal coverage.
    """
    p = float(points.mean())
    low, high = limits(level)
    trials = summarise_trials(points, level)
    if trials.low is not None and trials.high is not None:
        low = max(0.0, p - float(np.hypot(p - low, p - trials.low)))
        high = min(1.0, p + float(np.hypot(high - p, trials.high - p)))
    return Interval(low, high, None, trials.standard_error)


def never_narrower(resampled: Interval, limits: Interval) -> Interval:
    """The resampled interval, never narrower than limits from a model; those alone where resamples give none."""
    if resampled.low is None or resampled.high is None or limits.low is None or limits.high is None:
        return replace(limits, note=resampled.note.replace("no interval", "none from resamples"))
    return replace(resampled, low=min(resampled.low, limits.low), high=max(resampled.high, limits.high))
