"""Simulated studies of known truth: films differ in difficulty, trainings of a cell by a spread. Load with ``runpy.run_path``."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from hilum.artifacts.comparisons import ComparisonRow, Pair
from hilum.stats.comparison import Cells
from hilum.stats.scored_films import ScoredFilms

RESAMPLES = 400
SPREADS = (0.0, 0.1, 0.2, 0.4)
"""Log-odds between trainings of one cell."""


def study(
    rng: np.random.Generator,
    cells: int,
    trials: int,
    n: int,
    level: float = 2.2,
    gain: float = 0.0,
    trial_sd: float = 0.0,
    cell_sd: float = 1.0,
    patients: bool = False,
    own_films: bool = False,
    shared_weights: bool = False,
) -> dict[str, list[ScoredFilms]]:
    """Cells c0, c1, ... of `n` films of the class and ten others; c1 and so on have `gain` more log-odds of being right.

    `trial_sd` is the spread of trainings in log-odds; `shared_weights` says that trial t of every cell has the same trained weights.
    """
    unit = np.repeat(np.arange(n), rng.integers(1, 5, n))[:n] if patients else np.arange(n)
    sets = trials if own_films else 1
    hard = [2.0 * rng.normal(size=n)[unit] for _ in range(sets)]
    taste = [[cell_sd * rng.normal(size=n)[unit] for _ in range(sets)] for _ in range(cells)]
    true = np.repeat([1, 0], [n, 10])
    found: dict[str, list[ScoredFilms]] = {}
    for c in range(cells):
        for t in range(trials):
            k = t if own_films else 0
            shift = level + (gain if c else 0.0) + trial_sd * rng.normal()
            right = rng.random(n) < expit(shift + hard[k] + taste[c][k])
            score = np.append(np.where(right, 0.9, 0.1), np.full(10, 0.2))
            names = [f"{k}-{i}" for i in range(n + 10)]
            units = [f"{k}-{u}" for u in unit] + names[n:]
            found.setdefault(f"c{c}", []).append(
                ScoredFilms(
                    true,
                    np.stack([1 - score, score], axis=1),
                    units,
                    names,
                    weights=f"trial {t}" if shared_weights else "",
                )
            )
    return found


def compare(
    trials_of: dict[str, list[ScoredFilms]], seed: int, metric: str = "sensitivity"
) -> list[ComparisonRow]:
    cells = Cells(trials_of, ["normal", "covid"], "covid", [metric], seed=seed, n_resamples=RESAMPLES)
    pairs = [Pair(c, "c0", f"{c} against c0") for c in trials_of if c != "c0"]
    return cells.compare("f", pairs, [metric])
