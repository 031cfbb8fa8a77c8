"""Coverage of sets by patient, refusals by source, risk over coverage, spread over trials: each against figures worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from hilum.artifacts.header import Header
from hilum.artifacts.predictions import Predictions
from hilum.stats.judged_films import covered, refused, selective, share_interval, spread
from hilum.stats.proportions import wilson
from hilum.stats.scored_films import ScoredFilms

PATIENTS = ("a", "a", "a", "b", "c")
SOURCES = ("here", "here", "here", "here", "there")


def films(**judged: tuple[str, ...]) -> Predictions:
    n = len(PATIENTS)
    return Predictions(
        tuple("vwxyz"), PATIENTS, ("test",) * n, ("covid", "covid", "covid", "covid", "normal"), np.full((n, 2), 0.5),
        ("covid", "normal"), ("",) * n, ("",) * n, ("",) * n, Header("predictions"), judged=judged,
    )  # fmt: skip


def test_coverage_weighs_patients_and_is_told_by_class_and_source() -> None:
    sets = ("covid", "covid|normal", "normal", "covid", "(none)")
    rows = {(c.by, c.group): c for c in covered(films(set_90=sets), PATIENTS, SOURCES)}
    # patient a: 2 of 3; b: 1; c: 0
    assert rows["all", ""].coverage == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert rows["all", ""].size == pytest.approx((4 / 3 + 1 + 0) / 3)
    assert rows["class", "covid"].coverage == pytest.approx((2 / 3 + 1) / 2)
    assert (rows["class", "normal"].coverage, rows["source", "there"].n) == (0, 1)
    assert (rows["source", "here"].n, rows["source", "here"].patients) == (4, 2)
    assert {c.level for c in rows.values()} == {90}
    assert covered(films(), PATIENTS, SOURCES) == ()


def test_refusals_by_source() -> None:
    here, there = refused(films(stranger=("1", "0", "0", "0", "1")), PATIENTS, SOURCES)
    assert (here.source, here.n, here.patients, here.share) == ("here", 4, 2, pytest.approx((1 / 3 + 0) / 2))
    assert (there.source, there.share) == ("there", 1)
    assert refused(films(), PATIENTS, SOURCES) == ()


def test_risk_over_coverage_against_a_plain_loop() -> None:
    rng = np.random.default_rng(5)
    score = rng.dirichlet(np.ones(3), 200).round(2)
    score /= score.sum(axis=1, keepdims=True)
    true = rng.integers(0, 3, 200)
    confidence, wrong = score.max(axis=1), score.argmax(axis=1) != true
    risks = []
    for c in sorted(confidence, reverse=True):
        kept = confidence >= c
        risks.append(wrong[kept].mean())
    strange = ["1" if k < 50 else "0" for k in range(200)]
    found = selective(true, score, strange)
    assert found.aurc == pytest.approx(np.mean(risks))
    assert found.risk.y[-1] == pytest.approx(wrong.mean())
    assert (found.kept, found.kept_risk) == (0.75, pytest.approx(wrong[50:].mean()))
    assert selective(true, score, ["1"] * 200).kept_risk is None
    assert selective(true, score).kept is None


def test_a_perfect_order_has_no_risk_until_the_errors_come() -> None:
    score = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4]])
    found = selective([0, 0, 0, 1], score)
    assert found.aurc == pytest.approx(0.25 / 4)


def trial(ids: str, p: list[float], true: list[int]) -> ScoredFilms:
    score = np.stack([1 - np.array(p), np.array(p)], axis=1)
    return ScoredFilms(np.array(true), score, np.array(list(ids)), list(ids))


def test_the_spread_is_of_films_that_trials_share() -> None:
    found = spread([trial("ab", [0.2, 0.9], [0, 0]), trial("bc", [0.7, 0.1], [0, 0])], 1)
    assert found is not None
    assert (found.n, found.median, found.right) == (1, pytest.approx(np.std([0.9, 0.7], ddof=1)), None)
    assert found.wrong == pytest.approx(found.median)
    assert spread([trial("a", [0.2], [0]), trial("b", [0.2], [0])], 1) is None


def test_the_interval_of_one_trial_is_wilsons_and_of_several_wider() -> None:
    one = share_interval([0.9], [60])
    assert (one.low, one.high) == pytest.approx(wilson(54, 60))
    several = share_interval([0.85, 0.95], [60, 60])
    assert several.low is not None
    assert one.low is not None
    assert several.low < one.low
