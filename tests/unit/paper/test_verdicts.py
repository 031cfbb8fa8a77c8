"""From differences to verdicts: a difference that was not found never makes a claim hold."""

from dataclasses import replace
from types import SimpleNamespace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilum.artifacts.comparisons import ONE_TRIAL, Verdict
from hilum.artifacts.history import LossCurve
from hilum.artifacts.run import RunCell
from hilum.artifacts.statistics import StudyRow
from hilum.paper.differences import Difference, by_thumb, judged, words
from hilum.paper.loss_rules import large_cycle_is_better, loss_stops_after_ten_epochs
from hilum.paper.verdicts import ClaimVerdict, Ruling, goes, no_gain, together

CELL = RunCell("a", {"backbone": "squeezenet1_0", "pipeline": "crop", "schedule": "constant"}, "imagenet")
BASE = RunCell("b", {"backbone": "squeezenet1_0", "pipeline": "baseline", "schedule": "constant"}, "imagenet")
VERDICTS = get_args(Verdict)
CLAIM = get_args(ClaimVerdict)


def difference(verdict, estimate=0.0, low=-0.05, high=0.05, adjusted=True):
    return Difference("sensitivity", CELL, BASE, estimate, verdict, low, high, adjusted=adjusted)


def way(verdicts, claimed="better", **options):
    return goes([difference(v) for v in verdicts], claimed, **options)


@pytest.mark.parametrize(
    ("verdicts", "verdict", "tally"),
    [
        ((), "not tested here", ""),
        (("undefined",), "not tested here", ""),
        ((ONE_TRIAL, ONE_TRIAL), "not tested here", ""),
        (("better",), "holds", "in one of one"),
        (("better", "better"), "holds", "in two of two"),
        (("better", "not distinguishable"), "holds in part", "in one of two"),
        (("better", ONE_TRIAL), "holds in part", "in one of two"),
        (("better", "undefined"), "holds in part", "in one of two"),
        (("worse",), "fails", "in none of one"),
        (("better", "better", "worse"), "fails", "in two of three"),
        (("not distinguishable", "not distinguishable"), "not distinguishable", "in none of two"),
    ],
)
def test_a_claim_needs_every_comparison_or_says_in_how_many(verdicts, verdict, tally):
    assert way(verdicts) == Ruling(verdict, tally)
    turned = tuple({"better": "worse", "worse": "better"}.get(v, v) for v in verdicts)
    assert way(turned, "worse") == way(verdicts)


def test_what_was_not_run_keeps_a_claim_from_holding_altogether():
    assert way(("better", "better"), missing=1) == Ruling("holds in part", "in two of three")
    assert way(("worse", "better"), missing=1).verdict == "fails"


def test_no_gain_holds_without_a_finding_only_where_the_intervals_exclude_a_gain_of_a_hundredth():
    tight = [difference("not distinguishable", high=0.0099), difference("worse", high=-0.002)]
    assert no_gain(tight) == Ruling("holds", "in two of two")
    wide = difference("not distinguishable", high=0.0101)
    assert no_gain([*tight, wide]) == Ruling("holds in part", "in two of three")
    assert no_gain([wide]).verdict == "not distinguishable"
    assert no_gain([*tight, difference("better", high=0.009)]).verdict == "fails"
    # the rule of thumb has no interval of the difference, so it excludes nothing; nor does one trial
    assert (
        no_gain([difference("not distinguishable", high=None, adjusted=False)]).verdict
        == "not distinguishable"
    )
    assert no_gain([difference(ONE_TRIAL, high=0.001)]).verdict == "not tested here"


@given(st.lists(st.sampled_from(VERDICTS)))
def test_undistinguished_differences_alone_prove_nothing(verdicts):
    found = [difference(v) for v in verdicts]
    for rule in (lambda d: goes(d, "better"), lambda d: goes(d, "worse"), no_gain):
        if not {"better", "worse"} & set(verdicts):
            assert rule(found).verdict in ("not distinguishable", "not tested here")
        assert rule(found[::-1]) == rule(found)  # the order does not matter


def test_holm_runs_over_all_that_a_claim_reads():
    """One contrast of four better at p = .049 and three the other way: nothing follows."""
    found = [
        replace(difference("better", 0.02), p=0.049),
        *(replace(difference("not distinguishable", -0.01), p=p) for p in (0.3, 0.4, 0.5)),
    ]
    judgement = judged(found)
    assert {d.verdict for d in judgement} == {"not distinguishable"}
    assert goes(judgement, "better") == Ruling("not distinguishable", "in none of four")
    sure = judged([replace(found[0], p=0.012), *found[1:]])
    assert goes(sure, "better") == Ruling("holds in part", "in one of four")
    # what the study's own, larger family did not call better stays so, and of one trial nothing is said
    quiet = judged([replace(difference(v, 0.02), p=1e-6) for v in ("not distinguishable", ONE_TRIAL)])
    assert [d.verdict for d in quiet] == ["not distinguishable", ONE_TRIAL]


@given(st.lists(st.sampled_from(CLAIM), min_size=1))
def test_a_claim_of_parts_holds_only_if_all_do_and_fails_if_any_does(parts):
    found = together(parts)
    assert (found == "holds") == (set(parts) == {"holds"})
    assert (found == "fails") == ("fails" in parts)


def row(estimate, low, high, n_trials=3):
    return StudyRow(
        metric="sensitivity", class_="covid", part="test", estimate=estimate, low=low, high=high, n=10, n_positive=5, method="m",
        note="x", cell="a", n_trials=n_trials,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("here", "there", "expected"),
    [
        ((0.9, 0.85, 0.95), (0.8, 0.75, 0.84), "better"),
        ((0.8, 0.75, 0.84), (0.9, 0.85, 0.95), "worse"),
        ((0.9, 0.85, 0.95), (0.8, 0.7, 0.85), "not distinguishable"),  # they touch
        ((0.9, None, None), (0.8, 0.7, 0.85), "not distinguishable"),
        ((None, None, None), (0.8, 0.7, 0.85), "undefined"),
    ],
)
def test_the_rule_of_thumb_is_that_intervals_do_not_meet(here, there, expected):
    found = by_thumb("sensitivity", CELL, BASE, row(*here), row(*there))
    assert (found.verdict, found.adjusted) == (expected, False)
    once = by_thumb("sensitivity", CELL, BASE, row(*here, n_trials=1), row(*there))
    assert once.verdict == ("undefined" if expected == "undefined" else ONE_TRIAL)


def test_few_differences_are_told_one_by_one_and_many_are_counted():
    few = [difference("better", 0.02, 0.015, 0.025)]
    assert (
        words(few) == "Sensitivity: squeezenet1_0, crop against baseline +0.0200 (+0.015 to +0.025), better"
    )
    many = [difference("worse", -0.01), *(difference("not distinguishable", 0.001) for _ in range(4))]
    assert (
        words(many)
        == "Sensitivity: of 5 comparisons 0 better, 1 worse, 4 not distinguishable (differences −0.0100 to +0.0010)"
    )


def study_of(valid, cell=CELL, phases=(), trials=2):
    """A study with one cell and trials of these validation losses."""
    policies = {"constant": {"phases": [{"epochs": e, "max_rate": 1e-3} for e in phases]}}
    folder = SimpleNamespace(
        cells=[cell], trials=range(1, trials + 1), n_trials=trials, losses=lambda *_: LossCurve(valid, valid),
        record=SimpleNamespace(table={"policy": policies}.get),
    )  # fmt: skip
    return SimpleNamespace(title="Experiment 1", folder=folder)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ([0.51, 0.6], "holds"),  # never below the 0.5 of epoch 10
        ([0.495, 0.491], "holds"),  # 1.8 %
        ([0.48], "not distinguishable"),  # 4 %
        ([0.6, 0.47], "fails"),  # 6 %
        ([], "not tested here"),
    ],
)
def test_whether_the_validation_loss_stops_after_ten_epochs(after, expected):
    (part,) = loss_stops_after_ten_epochs(study_of([1.0] * 9 + [0.5, *after]), None)
    assert part.verdict == expected


def test_losses_of_one_trial_decide_nothing():
    (part,) = loss_stops_after_ten_epochs(study_of([1.0] * 25, trials=1), None)
    assert (part.verdict, part.evidence[:9]) == ("not tested here", "one trial")
    (part,) = large_cycle_is_better(
        study_of([1.0, *[0.9] * 5, *[0.45] * 10], phases=(1, 5, 10), trials=1), None
    )
    assert part.verdict == "not tested here"


def test_random_weights_decide_nothing_about_losses():
    random = RunCell("a", {**CELL.levels, "backbone": "resnet50"}, "none", False)
    (part,) = loss_stops_after_ten_epochs(study_of([1.0] * 25, random), None)
    assert part.verdict == "not tested here"


@pytest.mark.parametrize(
    ("valid", "expected"),
    [
        ([1.0, *[0.9] * 5, *[0.45] * 10], "holds"),  # 10 % in five epochs, 50 % in ten
        ([1.0, *[0.5] * 5, *[0.49] * 10], "fails"),
        ([1.0, *[0.9] * 5], "not tested here"),  # it ended before the large cycle
    ],
)
def test_large_cycles_against_small_ones_after_the_first(valid, expected):
    (part,) = large_cycle_is_better(study_of(valid, phases=(1, 5, 10)), None)
    assert part.verdict == expected
