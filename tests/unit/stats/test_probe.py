"""A probe's p is that of the rank test under chance, and an alarm is one that holds for all probes of an audit together."""

from math import erfc, sqrt

import numpy as np
import pytest
from scipy.stats import mannwhitneyu
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_info

from hilum.stats.label_suspects import out_of_fold
from hilum.stats.multiplicity import holm
from hilum.stats.probe import N_FOLDS, Asked, Probe, alarms, probe


def test_p_is_that_of_the_rank_test_with_the_groups_for_films() -> None:
    rng = np.random.default_rng(5)
    y = np.arange(200) % 4 == 0
    x = rng.normal(size=(200, 1)).astype(np.float32) + 0.8 * y[:, None].astype(np.float32)
    groups = np.array([str(k) for k in range(200)])
    found = probe(x, Asked(y, groups, 1))
    assert found.auc is not None
    assert found.p is not None
    rank = mannwhitneyu(x[y, 0], x[~y, 0], alternative="greater", method="asymptotic", use_continuity=False)
    z = (rank.statistic / (50 * 150) - 0.5) / sqrt(201 / (12 * 50 * 150))
    assert np.isclose(rank.pvalue, 0.5 * erfc(z / sqrt(2)), rtol=1e-6)
    assert abs(found.auc - rank.statistic / (50 * 150)) < 0.03  # folds against all at once
    assert np.isclose(found.p, 0.5 * erfc((found.auc - 0.5) / sqrt(201 / (12 * 50 * 150)) / sqrt(2)))
    pairs = np.array([str(k // 8) + "ab"[k % 4 == 0] for k in range(200)])  # fewer groups say less
    assert (probe(x, Asked(y, pairs, 1)).p or 0) > found.p


def test_an_alarm_is_high_enough_and_no_chance_over_all_probes() -> None:
    found = {
        "border": Probe(0.9, 0.02, 300, 60, p=1e-9),
        "weak": Probe(0.6, 0.02, 9000, 900, p=1e-9),
        "chance": Probe(0.68, 0.1, 40, 10, p=0.006),
        "none": Probe(None, None, 40, 10, "needs more"),
    }
    assert alarms(found) == {"border"}
    assert (holm([f.p for f in found.values()])[2] or 0) > 0.01 > 0.006
    assert alarms({"chance": found["chance"]}) == {"chance"}


def threads_of_blas() -> list[int]:
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


def test_models_are_fitted_on_one_thread_and_the_threads_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, fit = [], LogisticRegression.fit

    def looked_at(self: LogisticRegression, *given: object, **more: object) -> LogisticRegression:
        seen.extend(threads_of_blas())
        return fit(self, *given, **more)

    monkeypatch.setattr(LogisticRegression, "fit", looked_at)
    x, y = np.random.default_rng(5).normal(size=(80, 240)).astype(np.float32), np.arange(80) % 2 == 0
    before = threads_of_blas()
    names = np.array([f"p{k}" for k in range(80)])
    probe(x, Asked(y, names, 1))
    out_of_fold(x, y.astype(str), names, 1)
    assert len(seen) >= 2 * N_FOLDS
    assert set(seen) == {1}
    assert threads_of_blas()[: len(before)] == before
