"""How long do the statistics of a whole table take: 12 cells of 8 296 test films in three trials, 2 000 resamples of every figure?

    python benchmarks/comparison.py --json comparison.json

Predictions are drawn, with films that are hard for every cell and the class sizes of Set 2's test part; clusters are films (the most
there can be). Timed apart: the figures of every cell and of every trial by itself, as the evaluation of a run makes them (all classes,
contrasts by age, an operating point), and the nine contrasts of Experiment 2 under four metrics with their secondary tests. numba compiles
before the clock starts.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from machine import name_machine
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score
from turns import Pair as Rivals

from hilum.artifacts.comparisons import Pair
from hilum.stats.comparison import Cells
from hilum.stats.contrasts import contrast
from hilum.stats.scored_films import ScoredFilms
from hilum.stats.summary import cell_statistics

CLASSES = ("bacterial", "covid", "normal", "viral")
TEST = (719, 1808, 5096, 673)
BACKBONES, PIPELINES = (
    ("resnet50", "squeezenet1_0", "densenet121"),
    ("baseline", "crop", "crop-distortion", "crop-zoom"),
)
METRICS = ("sensitivity", "specificity", "pr_auc", "roc_auc")


def predictions(
    n_trials: int, test: Sequence[int]
) -> tuple[NDArray[np.int64], dict[str, list[NDArray[np.float64]]]]:
    """Truth, and for each cell its trials' probabilities."""
    rng = np.random.default_rng(0)
    true = np.repeat(np.arange(4), test)
    hard = 1.2 * rng.normal(size=(len(true), 4))
    found = {}
    for b in BACKBONES:
        for p in PIPELINES:
            scores = []
            for _ in range(n_trials):
                z = hard + rng.normal(size=hard.shape)
                z[np.arange(len(true)), true] += 4 + 0.1 * rng.normal()
                e = np.exp(z)
                scores.append(e / e.sum(axis=1, keepdims=True))
            found[f"{b}--{p}"] = scores
    return true, found


def run(n_trials: int, n_resamples: int, test: Sequence[int] = TEST) -> dict[str, float]:
    """Seconds of each part."""
    true, cells = predictions(n_trials, test)
    ids = [f"film-{k}" for k in range(len(true))]
    clusters = np.array(ids)
    adult = np.arange(len(true)) % 8 != 0

    def films(score: NDArray[np.float64]) -> ScoredFilms:
        asked = contrast(score, "covid vs adult normal", true == 1, (true == 2) & adult, (1,))
        return ScoredFilms(true, score, clusters, threshold=0.5, contrasts=[asked])

    start = time.perf_counter()
    for scores in cells.values():
        trials = [films(s) for s in scores]
        cell_statistics(trials, CLASSES, "covid", n_resamples=n_resamples)
    of_cells = time.perf_counter()
    for scores in cells.values():
        for s in scores:
            cell_statistics(
                [films(s)],
                CLASSES,
                "covid",
                n_resamples=n_resamples,
            )
    of_trials = time.perf_counter()
    scored = {c: [ScoredFilms(true, s, ids, ids) for s in scores] for c, scores in cells.items()}
    counted = Cells(scored, CLASSES, "covid", METRICS, n_resamples=n_resamples)
    pairs = [Pair(f"{b}--{p}", f"{b}--{PIPELINES[0]}", p) for b in BACKBONES for p in PIPELINES[1:]]
    rows = counted.compare("pipelines against baseline", pairs, METRICS)
    end = time.perf_counter()
    assert len(rows) == 9 * len(METRICS)
    return {"cells_s": of_cells - start, "trials_s": of_trials - of_cells, "comparisons_s": end - of_trials}


def pairs(n_films: int, n_resamples: int) -> Iterator[Rivals]:
    """Intervals of one cell's figures beside a loop of scikit-learn's metrics over resampled films."""
    true, cells = predictions(1, [n_films // 4] * 4)
    score = next(iter(cells.values()))[0]
    films = ScoredFilms(true, score, np.arange(len(true)).astype(str), threshold=0.5)

    def ours() -> None:
        cell_statistics([films], CLASSES, "covid", n_resamples=n_resamples)

    def theirs() -> None:
        rng = np.random.default_rng(0)
        for _ in range(n_resamples):
            k = rng.integers(0, len(true), len(true))
            roc_auc_score(true[k] == 1, score[k, 1]), average_precision_score(true[k] == 1, score[k, 1])

    words = "hilum: every figure of every class; the loop: ROC-AUC and average precision of one class"
    yield Rivals(
        f"intervals, {len(true)} films, {n_resamples} resamples",
        "scikit-learn in a loop",
        ours,
        theirs,
        words,
        3,
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=3)
    parser.add_argument("--resamples", type=int, default=2000)
    parser.add_argument("--test", type=int, nargs=4, default=list(TEST), help="test films of each class")
    parser.add_argument("--json", type=Path)
    a = parser.parse_args()
    run(1, 64, a.test)
    found = {k: round(v, 2) for k, v in run(a.trials, a.resamples, a.test).items()}
    table = round(found["cells_s"] + found["comparisons_s"], 2)
    print(name_machine())
    print(f"12 cells x {sum(a.test)} films, {a.trials} trials, {a.resamples} resamples of films")
    print(
        f"every figure of the cells {found['cells_s']:.1f} s, nine contrasts under {len(METRICS)} metrics {found['comparisons_s']:.1f} s: "
        f"{table:.1f} s (asked: under 60 on 2 cores); every trial by itself besides {found['trials_s']:.1f} s"
    )
    if a.json:
        row = {
            "cells": 12,
            "films": sum(a.test),
            "trials": a.trials,
            "resamples": a.resamples,
            **found,
            "table_s": table,
        }
        a.json.write_text(json.dumps({"machine": name_machine(), "rows": [row]}, indent=1) + "\n")


if __name__ == "__main__":
    main()
