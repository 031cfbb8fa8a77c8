"""A threshold sweep against scikit-learn's recall at each threshold, against the rows of an operating point there, and against a loop."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import recall_score

from hilum.artifacts.header import Header
from hilum.artifacts.sweep import Sweep
from hilum.stats.scored_films import ScoredFilms
from hilum.stats.summary import cell_statistics
from hilum.stats.sweep import EDGES, sweep

THRESHOLDS = [0.1, 0.2, 0.3, 0.4, 0.5]
CLASSES = ["covid", "normal", "viral"]
OPTIONS = {"thresholds": THRESHOLDS, "n_resamples": 200, "part": "test"}


def trials() -> list[ScoredFilms]:
    """Three trials of other films, two films a patient, covid's probabilities on the bins' edges among them."""
    found = []
    for trial in range(3):
        rng = np.random.default_rng(trial)
        true = rng.permutation(np.arange(240) % 4 % 3)
        covid = np.round(rng.beta(*np.where(true == 0, [[4.0], [3.0]], [[1.5], [6.0]])), 2)
        rest = rng.uniform(size=240)
        score = np.stack([covid, (1 - covid) * rest, (1 - covid) * (1 - rest)], axis=1)
        found.append(ScoredFilms(true, score, np.arange(240) // 2 + 20 * trial))
    return found


@pytest.fixture(scope="module")
def found() -> Sweep:
    return sweep({"cell": trials()}, CLASSES, "covid", "patient", Header("sweep", {}, OPTIONS, seed=3))


def test_rates_are_scikit_learns(found: Sweep) -> None:
    assert [(r.threshold, r.metric) for r in found.rows] == [
        (t, m) for t in THRESHOLDS for m in ("sensitivity", "specificity")
    ]
    for t in THRESHOLDS:
        said = [(s.y_true == 0, s.y_score[:, 0] >= t) for s in trials()]
        for metric, side in (("sensitivity", True), ("specificity", False)):
            row = found.row("cell", t, metric)
            assert row is not None
            wanted = np.mean([recall_score(true, called, pos_label=side) for true, called in said])
            assert row.estimate == pytest.approx(wanted, abs=1e-12)
            assert (row.n_trials, row.unit, row.class_) == (3, "patient", "covid")


def test_intervals_are_those_of_an_operating_point_there(found: Sweep) -> None:
    """The same films with that threshold as their operating point: the row of any other table, to the last bit."""
    for t in (0.1, 0.4):
        at = [ScoredFilms(s.y_true, s.y_score, s.clusters, threshold=t) for s in trials()]
        rows = cell_statistics(at, CLASSES, "covid", "patient", 3, 200)
        for metric in ("sensitivity", "specificity"):
            (wanted,) = (r for r in rows if r.metric == f"{metric}@operating_point")
            row = found.row("cell", t, metric)
            assert row is not None
            same = ("estimate", "low", "high", "n", "n_positive", "method", "film_error", "formula", "note")
            assert [getattr(row, k) for k in same] == [getattr(wanted, k) for k in same]


def test_bins_hold_the_films_that_a_loop_counts(found: Sweep) -> None:
    for side, counts in ((True, found.scores["cell"].positive), (False, found.scores["cell"].others)):
        wanted = np.zeros(20)
        for s in trials():
            for true, p in zip(s.y_true == 0, s.y_score[:, 0], strict=True):
                if true == side:
                    wanted[max(k for k in range(20) if p >= EDGES[k])] += 1 / 3
        assert counts == pytest.approx(wanted)


def test_films_of_one_side_only_are_rows_with_a_reason() -> None:
    (one, *_) = trials()
    rows = one.y_true == 0
    ill = ScoredFilms(one.y_true[rows], one.y_score[rows], one.clusters[rows])
    made = sweep({"cell": [ill]}, CLASSES, "covid", "film", Header("sweep", {}, OPTIONS, seed=0))
    row = made.row("cell", 0.2, "specificity")
    assert row is not None
    assert row.estimate is None
    assert "undefined" in row.note
    assert sum(made.scores["cell"].others) == 0
