"""Type-I error of the primary test and coverage of its intervals, by simulation of studies of known truth (slow).

2 000 studies a case (standard error of a rate of .05: .005). Films differ in difficulty for both cells alike, in what each cell makes
of them, and by chance; trials shift a cell as a whole. Each test prints its rate.
"""

import runpy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

from hilum.stats.difference import FilmPart, TrialPart, farther
from hilum.stats.scored_films import ScoredFilms
from hilum.stats.summary import cell_statistics
from statistics_rows import find

pytestmark = pytest.mark.slow
SIMULATED = runpy.run_path(str(Path(__file__).parents[1] / "simulated_studies.py"))
study, compare = SIMULATED["study"], SIMULATED["compare"]
REPEATS = 2000
MOST = 0.067  # .05 and three and a half standard errors of 2 000 studies; one trial of 120 patients is at .062 (6 000 studies, three seeds)


CASES: dict[str, dict[str, object]] = {
    "one trial, 300 films": {"trials": 1, "n": 300},
    "one trial, 60 films at .985": {"trials": 1, "n": 60, "level": 7.0},
    "one trial, 300 films of patients": {"trials": 1, "n": 300, "patients": True},
    "two trials, sd .2": {"trials": 2, "n": 300, "trial_sd": 0.2},
    "three trials, sd 0": {"trials": 3, "n": 300},
    "three trials, sd .1": {"trials": 3, "n": 300, "trial_sd": 0.1},
    "three trials, sd .4": {"trials": 3, "n": 300, "trial_sd": 0.4},
    "three trials, cells of one taste": {"trials": 3, "n": 300, "trial_sd": 0.1, "cell_sd": 0.0},
    "three trials, 60 films at .985": {"trials": 3, "n": 60, "level": 7.0, "trial_sd": 0.3},
    "three trials, own films": {"trials": 3, "n": 300, "trial_sd": 0.2, "own_films": True},
    "three trials, patients": {"trials": 3, "n": 300, "trial_sd": 0.1, "patients": True},
}


@pytest.mark.parametrize("name", CASES)
def test_equal_cells_are_called_different_seldom(name: str) -> None:
    rng = np.random.default_rng(11)
    false, held, values = 0, 0, []
    for repeat in range(REPEATS):
        (row,) = compare(study(rng, 2, **CASES[name]), repeat)  # type: ignore[arg-type]
        assert row.p is not None
        assert row.low is not None
        assert row.high is not None
        false += row.p < 0.05
        held += row.low <= 0 <= row.high
        values.append(row.value)
    print(
        f"{name} (mean {np.mean(values):.3f}): p < .05 in {false / REPEATS:.4f}, interval holds 0 in {held / REPEATS:.4f} of {REPEATS}"
    )
    assert false / REPEATS <= MOST
    assert held / REPEATS >= 1 - MOST


@pytest.mark.parametrize("spread", SIMULATED["SPREADS"])
@pytest.mark.parametrize("trials", [1, 2, 3, 5])
def test_verdicts_at_every_spread_of_training(trials: int, spread: float) -> None:
    """Equal cells whose trainings differ by a spread: what hilum says, and how often p of films alone would err at one trial."""
    rng = np.random.default_rng([18, trials])
    false = small = 0
    for repeat in range(REPEATS):
        (row,) = compare(study(rng, 2, trials, 300, trial_sd=spread), repeat)
        false += row.verdict in ("better", "worse")
        small += row.p is not None and row.p < 0.05
    print(
        f"{trials} trials, spread {spread}: a verdict in {false / REPEATS:.4f}, p < .05 in {small / REPEATS:.4f} of {REPEATS}"
    )
    assert false / REPEATS <= (0 if trials == 1 else MOST)


@pytest.mark.parametrize(
    "options",
    [
        {"trials": 1, "n": 300},
        {"trials": 3, "n": 300, "trial_sd": 0.2},
        {"trials": 1, "n": 60, "level": 6.0},
        {"trials": 3, "n": 60, "level": 6.0, "trial_sd": 0.2},
    ],
    ids=["one trial", "three trials", "one trial, few errors", "three trials, few errors"],
)
def test_intervals_hold_a_difference(options: dict[str, object]) -> None:
    """The second cell has 1.5 more log-odds; the truth is an integral over films and trials."""
    rng = np.random.default_rng(12)
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    spread = np.hypot(5**0.5, float(options.get("trial_sd", 0.0)))  # type: ignore[arg-type]
    level = float(options.get("level", 2.2))  # type: ignore[arg-type]

    def mean(at: float) -> float:
        return float((weights * expit(at + spread * nodes)).sum() / weights.sum())

    truth = mean(level + 1.5) - mean(level)
    held = 0
    for repeat in range(REPEATS):
        (row,) = compare(study(rng, 2, gain=1.5, **options), repeat)  # type: ignore[arg-type]
        assert row.low_one is not None
        assert row.high_one is not None
        held += row.low_one <= truth <= row.high_one
    print(f"{options}: difference {truth:.4f} held in {held / REPEATS:.4f} of {REPEATS}")
    assert held / REPEATS >= 1 - MOST


@pytest.mark.parametrize("metric", ["pr_auc", "roc_auc"])
def test_equal_rankings_are_called_different_seldom(metric: str) -> None:
    """150 films a third of the class; two trials of normal scores, a part shared by the cells."""
    rng = np.random.default_rng(13)
    n, false = 150, 0
    true = (np.arange(n) % 3 == 0).astype(int)
    names = [str(i) for i in range(n)]
    for repeat in range(REPEATS):
        film = rng.normal(size=n)
        trials_of = {}
        for c in ("c0", "c1"):
            taste = 0.7 * rng.normal(size=n)
            trials_of[c] = []
            for _ in range(3):
                score = expit((1.8 + 0.1 * rng.normal()) * true + film + taste + 0.5 * rng.normal(size=n) - 1)
                trials_of[c].append(ScoredFilms(true, np.stack([1 - score, score], axis=1), names, names))
        (row,) = compare(trials_of, repeat, metric)
        assert row.p is not None
        false += row.p < 0.05
    print(f"{metric}, three trials, {n} films: p < .05 in {false / REPEATS:.4f} of {REPEATS}")
    assert false / REPEATS <= MOST


@pytest.mark.parametrize("trials", [2, 3])
def test_a_family_of_equal_cells_gives_a_false_verdict_seldom(trials: int) -> None:
    rng = np.random.default_rng(14)
    false = together = 0
    for repeat in range(REPEATS):
        rows = compare(study(rng, 4, trials, 200, trial_sd=0.1), repeat)
        false += any(r.verdict in ("better", "worse") for r in rows)
        together += all(r.low <= 0 <= r.high for r in rows)  # type: ignore[operator]
    print(
        f"three contrasts with one reference, {trials} trials: any verdict in {false / REPEATS:.4f}, "
        f"all intervals hold in {together / REPEATS:.4f} of {REPEATS}"
    )
    assert false / REPEATS <= MOST
    assert together / REPEATS >= 1 - MOST


def test_a_real_difference_is_found() -> None:
    """With the films that `n_needed` names, about .8 of studies find the difference: one training scored in two ways."""
    rng = np.random.default_rng(15)
    needed = []
    for repeat in range(200):
        (row,) = compare(study(rng, 2, 1, 300, gain=0.25, shared_weights=True), repeat)
        if row.n_needed:
            needed.append(row.n_needed * (row.estimate or 0.0) ** 2)
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    truth = float(
        (weights * (expit(2.45 + 5**0.5 * nodes) - expit(2.2 + 5**0.5 * nodes))).sum() / weights.sum()
    )
    n = round(float(np.median(needed)) / truth**2)
    again = (compare(study(rng, 2, 1, n, gain=0.25, shared_weights=True), r)[0] for r in range(200))
    power = np.mean([row.verdict == "better" for row in again])
    print(f"difference {truth:.4f}: {n} films, found in {power:.3f} of 200")
    assert 0.68 <= power <= 0.92


def _satterthwaite(x: float, a: float, b: float, df: float) -> float:
    from scipy import stats

    total = a * a + b * b
    return float(2 * stats.t.sf(x / total**0.5, total * total / (b**4 / df)))


def test_why_not_satterthwaite() -> None:
    """Films and trials of known variances: one Student's t with approximate degrees of freedom against the sum."""

    def rate(p: Callable[[float, float, float, float], float], trials: int, ratio: float) -> float:
        rng = np.random.default_rng(16)
        found = 0
        for _ in range(4 * REPEATS):
            s = (ratio * rng.chisquare(trials - 1) / (trials - 1)) ** 0.5
            found += p(abs(rng.normal()) * (1 + ratio) ** 0.5, 1.0, float(s), trials - 1) < 0.05
        return found / (4 * REPEATS)

    def sum_(x: float, a: float, b: float, df: float) -> float:
        return farther(x, FilmPart(a, a), TrialPart(b, df))

    for trials, ratio, worst in ((2, 10.0, 0.11), (3, 10.0, 0.07)):
        approximate, exact = rate(_satterthwaite, trials, ratio), rate(sum_, trials, ratio)
        print(f"{trials} trials, variance ratio {ratio}: Satterthwaite {approximate:.4f}, sum {exact:.4f}")
        assert approximate > worst
        assert exact <= 0.055


def test_coverage_of_a_cell_of_few_errors() -> None:
    """60 films at .985 in three trials (the films and their difficulty are shared): Clopper-Pearson joined with Student's t."""
    rng = np.random.default_rng(17)
    true = np.repeat([1, 0], [60, 10])
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    truth = float((weights * expit(5.6 + np.hypot(1.5, 0.3) * nodes)).sum() / weights.sum())
    held, few = 0, 0
    for repeat in range(REPEATS):
        hard, trials = 1.5 * rng.normal(size=60), []
        for _ in range(3):
            right = rng.random(60) < expit(5.6 + hard + 0.3 * rng.normal())
            score = np.append(np.where(right, 0.9, 0.1), np.full(10, 0.2))
            trials.append(ScoredFilms(true, np.stack([1 - score, score], axis=1), np.arange(70)))
        rows = cell_statistics(trials, ["normal", "covid"], "covid", seed=repeat, n_resamples=2)
        row = find(rows, "sensitivity", "covid")
        assert row.low is not None
        assert row.high is not None
        few += "Clopper" in row.method
        held += row.low <= truth <= row.high
    print(f"three trials, 60 films at {truth:.4f}: {held / REPEATS:.4f} of {REPEATS}")
    assert few == REPEATS
    assert held / REPEATS >= 0.95
