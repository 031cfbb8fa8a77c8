"""A probe's p is that of the rank test under chance, and an alarm is one that holds for all probes of an audit together."""

from math import erfc, sqrt

import numpy as np
from scipy.stats import mannwhitneyu

from hilum.stats.multiplicity import holm
from hilum.stats.probe import Probe, alarms, probe


def test_p_is_that_of_the_rank_test_with_the_groups_for_films() -> None:
    rng = np.random.default_rng(5)
    y = np.arange(200) % 4 == 0
    x = rng.normal(size=(200, 1)).astype(np.float32) + 0.8 * y[:, None].astype(np.float32)
    groups = np.array([str(k) for k in range(200)])
    found = probe(x, y, groups, 1)
    assert found.auc is not None
    assert found.p is not None
    rank = mannwhitneyu(x[y, 0], x[~y, 0], alternative="greater", method="asymptotic", use_continuity=False)
    z = (rank.statistic / (50 * 150) - 0.5) / sqrt(201 / (12 * 50 * 150))
    assert np.isclose(rank.pvalue, 0.5 * erfc(z / sqrt(2)), rtol=1e-6)
    assert abs(found.auc - rank.statistic / (50 * 150)) < 0.03  # folds against all at once
    assert np.isclose(found.p, 0.5 * erfc((found.auc - 0.5) / sqrt(201 / (12 * 50 * 150)) / sqrt(2)))
    pairs = np.array([str(k // 8) + "ab"[k % 4 == 0] for k in range(200)])  # fewer groups say less
    assert (probe(x, y, pairs, 1).p or 0) > found.p


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
