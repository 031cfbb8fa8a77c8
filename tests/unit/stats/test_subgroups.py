"""Differences between disjoint groups of films of the same models."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from hilum.artifacts.questions import Question
from hilum.stats.contrasts import Contrast
from hilum.stats.difference import SHARED_WEIGHTS
from hilum.stats.outside import apart, points_compared, sides_compared
from hilum.stats.scored_films import ScoredFilms
from hilum.stats.subgroups import subgroup_rows


def trials(
    seed: int, n: int, gain: float, n_trials: int = 3, threshold: float | None = None
) -> list[ScoredFilms]:
    """Trials on one set of films, every third of class 1; `gain` says how well they are told apart."""
    rng = np.random.default_rng(seed)
    true = (np.arange(n) % 3 == 0).astype(np.int64)
    base = gain * true + rng.normal(size=n)
    found = []
    for k in range(n_trials):
        p = 1 / (1 + np.exp(-(base + 0.3 * rng.normal(size=n) - gain / 2)))
        ids = [f"{seed}-{i}" for i in range(n)]
        score = np.stack([1 - p, p], axis=1)
        found.append(ScoredFilms(true, score, np.array(ids), ids, threshold, weights=f"weights {k}"))
    return found


def test_a_true_fall_is_found_and_none_is_not() -> None:
    sides = {
        "fell": (trials(1, 300, 0.5), trials(2, 300, 3.0)),
        "same": (trials(3, 300, 2.0), trials(4, 300, 2.0)),
    }
    rows = {
        r.cell: r
        for r in sides_compared(sides, "family", ("no", "yes"), "yes", {"roc_auc": sides}, "film", 0, 500)
    }
    assert rows["fell"].verdict == "worse"
    assert rows["fell"].low_one < rows["fell"].estimate < rows["fell"].high_one < 0
    assert rows["same"].verdict == "not distinguishable"
    assert rows["same"].p_adjusted == max(rows["same"].p, 2 * rows["fell"].p)
    assert not rows["fell"].paired
    assert SHARED_WEIGHTS not in rows["fell"].note


def test_the_error_is_that_of_two_independent_samples() -> None:
    """The interval of a difference of shares of films by themselves: Newcombe's and Wald's agree with it at these sizes."""
    a, b = trials(5, 900, 1.0, 1), trials(6, 600, 1.5, 1)
    (row,) = sides_compared(
        {"x": (a, b)}, "family", ("no", "yes"), "yes", {"specificity": ["x"]}, "film", 0, 4000
    )
    shares = [float((t.y_score[t.y_true == 0, 1] <= 0.5).mean()) for t in (a[0], b[0])]
    wald = np.sqrt(sum(p * (1 - p) / n for p, n in zip(shares, (600, 400), strict=True)))
    assert row.estimate == pytest.approx(shares[0] - shares[1])
    assert row.standard_error == pytest.approx(wald, rel=0.06)


def test_patients_who_are_on_both_sides_are_drawn_together() -> None:
    """Each film of one side has its twin on the other: the difference is certain, however uncertain each side is."""
    one = trials(7, 120, 1.0)
    twin = [
        ScoredFilms(t.y_true, t.y_score, t.clusters, [f"twin {i}" for i in t.image_ids], None, (), t.weights)
        for t in one
    ]
    (row,) = sides_compared(
        {"x": (one, twin)}, "family", ("no", "yes"), "yes", {"roc_auc": ["x"]}, "patient", 0, 300
    )
    assert (row.estimate, row.low_one, row.high_one) == (0, 0, 0)
    (far,) = sides_compared(
        {"x": (one, apart(twin, "far "))}, "f", ("no", "yes"), "yes", {"roc_auc": ["x"]}, "patient", 0, 300
    )
    assert far.low_one < -0.02
    assert far.high_one > 0.02


def test_at_the_operating_point_the_threshold_decides() -> None:
    a, b = trials(8, 300, 1.0, threshold=0.3), trials(9, 300, 1.0, threshold=0.3)
    rows = {r.metric: r for r in points_compared({"x": (a, b)}, "family", 1, "yes", "film", 0, 200)}
    for metric, sick in (("sensitivity", 1), ("specificity", 0)):
        shares = [
            np.mean([((t.y_score[t.y_true == sick, 1] >= 0.3) == sick).mean() for t in side])
            for side in (a, b)
        ]
        assert [rows[metric].value, rows[metric].reference_value] == pytest.approx(shares)
        assert rows[metric].class_ == "yes"
    assert points_compared({"x": (trials(8, 30, 1.0), b)}, "family", 1, "yes", "film", 0, 200) == []


def test_a_subgroup_without_films_to_ask_is_no_member_of_the_family() -> None:
    """Of 90 films every third is of the class: group b has none of those, and the second cell no film of a."""
    of_a = np.arange(90) < 60
    of_b = ~of_a & (np.arange(90) % 3 != 0)
    groups = {"a": of_a, "b": of_b, "c": np.arange(90) % 2 == 0}

    def asked(cell: list[ScoredFilms], kept: np.ndarray) -> list[ScoredFilms]:
        answers = [
            Contrast(n, rows[kept], rows[kept], rows[kept], np.zeros(kept.sum()))
            for n, rows in groups.items()
        ]
        return [replace(t.take(np.flatnonzero(kept)), contrasts=answers) for t in cell]

    questions = [Question(n, ("yes",), None, {}, subgroup=n) for n in groups]
    folder = SimpleNamespace(classes=("no", "yes"), positive="yes", questions=questions)
    scored = {
        "one": asked(trials(1, 90, 1.0), np.ones(90, np.bool_)),
        "two": asked(trials(2, 90, 1.0), ~of_a),
    }
    rows = subgroup_rows(folder, scored, "film", 0, 200)
    found = {m: [(r.cell, r.label) for r in rows if r.metric == m] for m in ("sensitivity", "specificity")}
    assert found["sensitivity"] == [("one", "a"), ("one", "c"), ("two", "c")]
    assert found["specificity"] == [
        ("one", "a"),
        ("one", "c"),
        ("two", "c"),
    ]  # b: all others that are not of a
    assert {(r.metric, r.n_family) for r in rows} == {
        (m, 3) for m in ("sensitivity", "specificity", "roc_auc")
    }
