"""Decision curves against their authors’ package, predictive values against the worked example of the formulas’ paper."""

import numpy as np
import pandas as pd
import pytest
from dcurves import dca

from hilum.stats.decisions import THRESHOLDS, net_benefit, predictive, predictive_value, treat_all
from hilum.stats.scored_films import ScoredFilms


def trial(seed: int, n: int = 240, threshold: float | None = None) -> ScoredFilms:
    """Films of which a fifth is of class 1, their probabilities tied to the hundredth."""
    rng = np.random.default_rng(seed)
    true = (rng.random(n) < 0.2).astype(np.int64)
    p = np.round(np.clip(0.3 * true + rng.beta(1.5, 4, n), 0, 1), 2) + 0.001
    score = np.stack([1 - p, p], axis=1)
    return ScoredFilms(true, score, np.arange(n).astype(str), np.arange(n).astype(str), threshold)


def test_net_benefit_is_that_of_dcurves() -> None:
    t = trial(1)
    ours = net_benefit([t], 1, 0, 100)
    table = pd.DataFrame({"sick": t.y_true, "p": t.y_score[:, 1]})
    theirs = dca(data=table, outcome="sick", modelnames=["p"], thresholds=np.array(THRESHOLDS))
    for model, values in (("p", ours.estimate), ("all", treat_all(float(t.y_true.mean())))):
        of_model = theirs[theirs["model"] == model].sort_values("threshold")["net_benefit"].to_numpy()
        np.testing.assert_allclose(values, of_model, atol=6e-5)
    assert all(low <= v <= high for low, v, high in zip(ours.low, ours.estimate, ours.high, strict=True))


def test_a_curve_of_several_trials_is_their_mean_and_its_interval_has_their_spread() -> None:
    one, two = (net_benefit([trial(s)], 1, 0, 200) for s in (1, 2))
    both = net_benefit([trial(1), trial(2)], 1, 0, 200)
    np.testing.assert_allclose(both.estimate, (np.array(one.estimate) + two.estimate) / 2, atol=1e-5)
    at = THRESHOLDS.index(0.2)
    apart = abs(one.estimate[at] - two.estimate[at]) / 2
    assert both.high[at] - both.low[at] > 2 * 12.7 * 0.9 * apart  # Student's t of one degree of freedom


def test_predictive_values_are_those_of_altman_and_bland() -> None:
    """BMJ 1994; 309:102, liver scans: 231 of 258 abnormal and 54 of 86 normal livers were called so."""
    rates = np.array([231 / 258, 54 / 86])
    here, rare = 258 / 344, 0.25
    assert [round(float(predictive_value(rates, m, here)), 2) for m in ("ppv", "npv")] == [0.88, 0.67]
    assert [round(float(predictive_value(rates, m, rare)), 2) for m in ("ppv", "npv")] == [0.45, 0.95]


def test_at_the_films_own_prevalence_ppv_is_the_films_own() -> None:
    t = trial(3, threshold=0.4)
    said, sick = t.y_score[:, 1] >= 0.4, t.y_true == 1
    q = float(sick.mean())
    ppv, npv, rare, _ = predictive("cell", [t], 1, [q, 0.01], "film", 0, 400)
    assert (ppv.metric, npv.metric, rare.prevalence) == ("ppv", "npv", 0.01)
    assert ppv.estimate == pytest.approx(sick[said].mean())
    assert npv.estimate == pytest.approx(1 - sick[~said].mean())
    assert ppv.low < ppv.estimate < ppv.high
    assert rare.high < ppv.low


def test_where_nothing_was_missed_an_interval_is_not_a_point() -> None:
    """Nobody sick below the threshold: NPV is 1 in every resample, and few events say how far it may fall."""
    t = trial(3, threshold=0.0)
    clear = ScoredFilms(
        t.y_true, np.stack([1.0 - t.y_true, t.y_true.astype(float)], axis=1), t.clusters, threshold=0.5
    )
    _, npv = predictive("cell", [clear], 1, [0.1], "film", 0, 100)
    assert npv.estimate == 1.0
    assert 0.9 < npv.low < 0.999
    assert npv.high == 1.0
    assert "few events behind sensitivity and specificity" in npv.note


def test_without_an_operating_point_or_the_sick_the_reason_is_said() -> None:
    assert {r.note for r in predictive("cell", [trial(1)], 1, [0.1], "film", 0, 100)} == {
        "no operating point"
    }
    t = trial(1, threshold=0.4)
    well = ScoredFilms(np.zeros_like(t.y_true), t.y_score, t.clusters, threshold=0.4)
    rows = predictive("cell", [well], 1, [0.1], "film", 0, 100)
    assert all(r.estimate is None and "all of one side" in r.note for r in rows)
