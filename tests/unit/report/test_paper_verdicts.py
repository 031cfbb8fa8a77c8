"""From differences to verdicts: a difference that was not found never makes a claim hold."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilum.report.losses import LossCurve
from hilum.report.paper.claim_rules import large_cycle_is_better, loss_stops_after_ten_epochs
from hilum.report.paper.differences import Difference, by_thumb, words
from hilum.report.paper.verdicts import all_worse, goes, no_gain, together
from hilum.report.run_folder import RunCell
from hilum.report.study_rows import StudyRow

CELL = RunCell("a", "squeezenet1_0", "crop", "constant", "imagenet", True)
BASE = RunCell("b", "squeezenet1_0", "baseline", "constant", "imagenet", True)
VERDICTS = ("better", "worse", "not distinguishable", "undefined")
CLAIM = ("holds", "fails", "not distinguishable", "not tested here")


def difference(verdict, estimate=0.0, low=-0.05, high=0.05, adjusted=True):
    return Difference("sensitivity", CELL, BASE, estimate, low, high, verdict, adjusted)


@pytest.mark.parametrize(
    ("verdicts", "better", "gain", "worst"),
    [
        ((), "not tested here", "not tested here", "not tested here"),
        (("undefined",), "not tested here", "not tested here", "not tested here"),
        (("better",), "holds", "fails", "fails"),
        (("worse",), "fails", "holds", "holds"),
        (("better", "not distinguishable"), "holds", "fails", "fails"),
        (("worse", "not distinguishable"), "fails", "holds", "not distinguishable"),
        (("not distinguishable",), "not distinguishable", "not distinguishable", "not distinguishable"),
        (("better", "worse"), "fails", "fails", "fails"),
        (("worse", "undefined"), "fails", "holds", "holds"),
    ],
)
def test_the_rules(verdicts, better, gain, worst):
    found = [difference(v) for v in verdicts]
    assert (goes(found, "better"), no_gain(found), all_worse(found)) == (better, gain, worst)


def test_no_gain_holds_without_a_finding_only_where_the_intervals_exclude_a_gain_of_a_hundredth():
    tight = [difference("not distinguishable", high=0.0099), difference("not distinguishable", high=0.002)]
    assert no_gain(tight) == "holds"
    assert no_gain([*tight, difference("not distinguishable", high=0.0101)]) == "not distinguishable"
    # the rule of thumb has no interval of the difference, so it excludes nothing
    assert (
        no_gain([difference("not distinguishable", low=None, high=None, adjusted=False)])
        == "not distinguishable"
    )


@given(st.lists(st.sampled_from(VERDICTS)))
def test_undistinguished_differences_alone_prove_nothing(verdicts):
    found = [difference(v) for v in verdicts]
    for rule in (lambda d: goes(d, "better"), lambda d: goes(d, "worse"), no_gain, all_worse):
        if not {"better", "worse"} & set(verdicts):
            assert rule(found) in ("not distinguishable", "not tested here")
        # the order does not matter, and an undefined one changes nothing
        assert rule(found[::-1]) == rule(found) == rule([*found, difference("undefined")])


@given(st.lists(st.sampled_from(CLAIM), min_size=1))
def test_a_claim_of_parts_holds_only_if_all_do_and_fails_if_any_does(parts):
    found = together(parts)
    assert (found == "holds") == (set(parts) == {"holds"})
    assert (found == "fails") == ("fails" in parts)


def row(estimate, low, high):
    return StudyRow(
        metric="sensitivity", class_="covid", part="test", estimate=estimate, low=low, high=high, n=10, n_positive=5, method="m",
        note="x", cell="a",
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


def paper_of(valid, cell=CELL, phases=()):
    """A paper of one study with one cell and one trial of these validation losses."""
    folder = SimpleNamespace(cells=[cell], trials=range(1, 2), losses=lambda *_: LossCurve(valid, valid))
    study = {"policy": {"constant": {"phases": [{"epochs": e, "max_rate": 1e-3} for e in phases]}}}
    member = SimpleNamespace(title="Experiment 1", folder=folder, study=study)
    return SimpleNamespace(experiment=lambda _: member)


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
    (part,) = loss_stops_after_ten_epochs(paper_of([1.0] * 9 + [0.5, *after]))
    assert part.verdict == expected


def test_random_weights_decide_nothing_about_losses():
    random = RunCell("a", "resnet50", "crop", "constant", "none", False)
    (part,) = loss_stops_after_ten_epochs(paper_of([1.0] * 25, random))
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
    (part,) = large_cycle_is_better(paper_of(valid, phases=(1, 5, 10)))
    assert part.verdict == expected
