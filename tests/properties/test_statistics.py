"""What must hold for any films (order, repetition, ties, symmetry); and coverage of the intervals (slow).

The coverage tests simulate studies of known truth, 2 000 a case (standard error of a rate of .95: .005).
"""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import norm

from film_statistics import film_statistics
from hilum.stats.calibration import choose_threshold
from hilum.stats.confusion import Undefined, confusion, rates, ratios
from hilum.stats.curves import average_precision, pr_auc, pr_curve, roc_auc, thin
from hilum.stats.intervals import bootstrap_interval
from hilum.stats.proportions import clopper_pearson, wilson
from hilum.stats.resampling import DecisionTable, Ranking, TrialFigures, resample
from hilum.stats.walks import SortedRanking, areas_of_resamples
from statistics_rows import find

SEEDS = st.integers(0, 2**32 - 1)
quick = settings(max_examples=60, deadline=None)
few = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def films(seed: int, n: int, decimals: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    true = rng.random(n) < 0.4
    return true, np.clip(rng.normal(0.4 + 0.2 * true, 0.2), 0, 1).round(decimals)


@quick
@given(SEEDS, st.integers(1, 80), st.integers(1, 3))
def test_counts_are_repeated_rows(seed: int, n: int, decimals: int) -> None:
    true, score = films(seed, n, decimals)
    weight = np.random.default_rng(seed + 1).integers(0, 4, n)
    rows = np.repeat(np.arange(n), weight)
    walked = areas_of_resamples(
        SortedRanking.of(true, score, np.arange(n, dtype=np.int32)), weight.astype(np.uint16)[:, None]
    )[0]
    for area, fast in zip((pr_auc, average_precision, roc_auc), walked, strict=True):
        repeated = area(true[rows], score[rows])
        if isinstance(repeated, Undefined):
            assert np.isnan(fast)
        else:
            assert fast == pytest.approx(repeated, abs=1e-12)


@quick
@given(SEEDS, st.integers(2, 80))
def test_areas_depend_on_the_ranking_only(seed: int, n: int) -> None:
    true, score = films(seed, n)
    assume(0 < true.sum() < n)
    order = np.random.default_rng(seed).permutation(n)
    for area in (pr_auc, average_precision, roc_auc):
        assert area(true[order], score[order]) == area(true, score)
        assert area(true, np.exp(3 * score)) == area(true, score)
    assert roc_auc(~true, -score) == pytest.approx(roc_auc(true, score))
    assert roc_auc(true, -score) == pytest.approx(1 - roc_auc(true, score))


@quick
@given(SEEDS, st.integers(1, 60))
def test_the_rest_as_the_class_swaps_the_figures(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    matrix = confusion(rng.integers(0, 2, n), rng.integers(0, 2, n), 2)
    one, other = rates(matrix, 1), rates(matrix, 0)
    for a, b in (("sensitivity", "specificity"), ("ppv", "npv"), ("accuracy", "accuracy")):
        assert isinstance(one[a], Undefined) == isinstance(other[b], Undefined)
        assert isinstance(one[a], Undefined) or one[a] == other[b]


@quick
@given(SEEDS, st.integers(2, 60), st.sampled_from(["youden", "sensitivity>=0.8", "specificity>=0.8"]))
def test_no_threshold_is_better_than_the_chosen_one(seed: int, n: int, rule: str) -> None:
    true, score = films(seed, n)
    assume(0 < true.sum() < n)
    point = choose_threshold(true, score, rule)
    found = []
    for threshold in [*np.unique(score), 2.0]:
        said = score >= threshold
        found.append((float(said[true].mean()), float((~said[~true]).mean())))
    if rule == "youden":
        assert point.sensitivity + point.specificity == pytest.approx(max(map(sum, found)))
    elif rule.startswith("sensitivity"):
        assert (point.specificity, point.sensitivity) == pytest.approx(
            max((b, a) for a, b in found if a >= 0.8)
        )
    else:
        assert (point.sensitivity, point.specificity) == pytest.approx(
            max((a, b) for a, b in found if b >= 0.8)
        )


@quick
@given(SEEDS, st.integers(2, 300), st.integers(2, 40))
def test_a_thinned_curve_is_a_part_of_the_curve(seed: int, n: int, most: int) -> None:
    true, score = films(seed, n, 3)
    assume(true.any())
    whole = pr_curve(true, score)
    assert not isinstance(whole, Undefined)
    thinned = thin(whole, most)
    assert 2 <= len(thinned.x) <= max(most, 2)
    assert set(zip(thinned.x, thinned.y, strict=True)) <= set(zip(whole.x, whole.y, strict=True))
    assert (thinned.x[0], thinned.x[-1], thinned.y[-1]) == (0.0, whole.x[-1], whole.y[-1])


@quick
@given(st.integers(1, 3000), st.floats(0, 1))
def test_proportions_lie_in_their_intervals_and_wider_levels_hold_narrower(n: int, share: float) -> None:
    k = share * n
    for interval in (wilson, clopper_pearson):
        low, high = interval(k, n)
        assert 0 <= low <= k / n + 1e-9
        assert k / n - 1e-9 <= high <= 1
        wide = interval(k, n, 0.99)
        assert wide[0] <= low + 1e-9
        assert wide[1] >= high - 1e-9


@few
@given(SEEDS)
def test_rows_and_names_may_come_in_any_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, classes = 90, ["covid", "normal", "viral"]
    true, clusters = rng.integers(0, 3, n), np.array([f"p{c}" for c in rng.integers(0, 30, n)])
    score = rng.dirichlet(np.ones(3), n)
    rows = film_statistics(true, score, classes, "covid", clusters=clusters, unit="patient", n_resamples=60)
    order = rng.permutation(n)
    assert rows == film_statistics(
        true[order], score[order], classes, "covid", clusters=clusters[order], unit="patient", n_resamples=60
    )
    columns = rng.permutation(3)
    renamed = film_statistics(
        np.argsort(columns)[true], score[:, columns], [classes[c] for c in columns], "covid",
        clusters=clusters, unit="patient", n_resamples=60,
    )  # fmt: skip
    assert {r.key: r for r in renamed} == {r.key: r for r in rows}


@few
@given(SEEDS)
def test_intervals_hold_the_estimate_and_stay_within_bounds(seed: int) -> None:
    true, score = films(seed, 250, 2)
    rows = film_statistics(
        true.astype(int), np.stack([1 - score, score], axis=1), ["normal", "covid"], "covid", n_resamples=200
    )
    for row in rows:
        if row.estimate is not None and row.low is not None and row.high is not None:
            assert 0 <= row.low <= row.high <= 1
            assert row.low <= row.estimate <= row.high


# ---- coverage ----

REPEATS = 2000


def right_or_wrong(right: np.ndarray) -> DecisionTable:
    """Films of the class only: the sensitivity is the share of `right`."""
    return DecisionTable(2 + right.astype(np.int64), 2, ratios(2, 1)[:1])


def holds(trials: list[TrialFigures], truth: float, seed: int) -> bool:
    found = resample(trials, 400, seed)
    interval = bootstrap_interval(found.points[:, 0], found.draws[:, :, 0], found.n_clusters, seed)
    assert interval.low is not None
    assert interval.high is not None
    return interval.low - 1e-12 <= truth <= interval.high + 1e-12


def crossed_bootstrap_holds(trials: list[TrialFigures], truth: float, seed: int) -> bool:
    """The crossed bootstrap, word for word: trials drawn with replacement; never narrower than the films alone, as ours."""
    draws = resample(trials, 400, seed).draws[:, :, 0]
    drawn = np.random.default_rng(seed).integers(0, len(trials), (draws.shape[1], len(trials)))
    both = np.stack([np.take_along_axis(draws.T, drawn, axis=1).mean(axis=1), draws.mean(axis=0)])
    low, high = np.quantile(both, [0.025, 0.975], axis=1)
    return bool(low.min() - 1e-12 <= truth <= high.max() + 1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "truth", "least", "most"),
    [(60, 0.985, 0.95, 1.0), (60, 0.9, 0.945, 0.99), (200, 0.9, 0.925, 0.975)],
)
def test_coverage_of_a_sensitivity(n: int, truth: float, least: float, most: float) -> None:
    rng = np.random.default_rng(1)
    true = np.repeat([0, 1], [10, n])
    held = 0
    for repeat in range(REPEATS):
        right = np.append(np.ones(10, np.bool_), rng.random(n) < truth)
        rows = film_statistics(
            true,
            np.eye(2)[np.where(right, true, 1 - true)],
            ["normal", "covid"],
            "covid",
            seed=repeat,
            n_resamples=400,
        )
        row = find(rows, "sensitivity", "covid")
        assert row.low is not None
        assert row.high is not None
        held += row.low <= truth <= row.high
    print(f"sensitivity, n = {n}, truth {truth}: {held / REPEATS:.4f} of {REPEATS}")
    assert least <= held / REPEATS <= most


@pytest.mark.slow
def test_coverage_needs_patients_not_films() -> None:
    """150 patients of 1 to 5 films that share their patient's chance of being right: beta(4, 1)."""
    rng = np.random.default_rng(2)
    by_patient = by_film = 0
    for repeat in range(REPEATS):
        patient = np.repeat(np.arange(150), rng.integers(1, 6, 150))
        table = right_or_wrong(rng.random(len(patient)) < rng.beta(4, 1, 150)[patient])
        by_patient += holds([TrialFigures(patient, [table])], 0.8, repeat)
        by_film += holds([TrialFigures(np.arange(len(patient)), [table])], 0.8, repeat)
    print(f"by patient {by_patient / REPEATS:.4f}, by film {by_film / REPEATS:.4f} of {REPEATS}")
    assert 0.925 <= by_patient / REPEATS <= 0.965
    assert by_film < by_patient - 0.02 * REPEATS


@pytest.mark.slow
def test_coverage_of_roc_auc() -> None:
    """200 films, a quarter of the class, normal scores 1.5 apart: the area is known in closed form."""
    rng = np.random.default_rng(3)
    true = np.arange(200) % 4 == 0
    truth, held = float(norm.cdf(1.5 / 2**0.5)), 0
    for repeat in range(REPEATS):
        score = rng.normal(size=200) + 1.5 * true
        found = resample(
            [TrialFigures(np.arange(200), rankings=[Ranking(true, score, np.ones(200, np.bool_))])],
            400,
            repeat,
        )
        interval = bootstrap_interval(found.points[:, 2], found.draws[:, :, 2], 200, repeat)
        assert interval.low is not None
        assert interval.high is not None
        held += interval.low <= truth <= interval.high
    print(f"ROC-AUC, n = 200: {held / REPEATS:.4f} of {REPEATS}")
    assert 0.925 <= held / REPEATS <= 0.97


def cells(n_trials: int, trial_sd: float, film_sd: float, own_films: bool) -> Iterator[list[TrialFigures]]:
    """Cells of 300 films of the class; the log-odds of being right vary with trial, film, and both."""
    rng = np.random.default_rng(4)
    n = 300
    for _ in range(REPEATS):
        film = rng.normal(size=n * n_trials) * film_sd
        trials = []
        for t in range(n_trials):
            ids = np.arange(n) + (n * t if own_films else 0)
            chance = expit(2.2 + rng.normal() * trial_sd + film[ids] + 0.5 * rng.normal(size=n))
            trials.append(TrialFigures(ids, [right_or_wrong(rng.random(n) < chance)]))
        yield trials


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n_trials", "trial_sd", "film_sd", "own_films"),
    [
        (3, 0.4, 2.0, False),
        (3, 0.1, 2.0, False),
        (2, 0.4, 2.0, False),
        (5, 0.4, 2.0, False),
        (3, 0.4, 2.0, True),
    ],
)
def test_coverage_of_a_cell(n_trials: int, trial_sd: float, film_sd: float, own_films: bool) -> None:
    spread = np.hypot(np.hypot(trial_sd, film_sd), 0.5)
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    truth = float((weights * expit(2.2 + spread * nodes)).sum() / weights.sum())
    student = crossed = 0
    for repeat, trials in enumerate(cells(n_trials, trial_sd, film_sd, own_films)):
        student += holds(trials, truth, repeat)
        crossed += crossed_bootstrap_holds(trials, truth, repeat)
    print(
        f"{n_trials} trials, sd {trial_sd}, films {'of their own' if own_films else 'shared'}: "
        f"student {student / REPEATS:.4f}, crossed bootstrap {crossed / REPEATS:.4f} of {REPEATS}"
    )
    assert 0.93 <= student / REPEATS <= 0.985
