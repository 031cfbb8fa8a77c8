"""The paper's numbers agree with each other wherever the paper prints one twice."""

import pytest

from hilum.report import published
from hilum.report.paper import printed
from hilum.report.paper.claims import _CLAIMS


def test_set_sizes_add_up_to_the_totals_that_the_paper_prints():
    totals = {"covid": 3616, "bacterial": 1437, "viral": 1345, "normal": 10192}
    assert {c: sum(n) for c, n in printed.TABLE_1.items()} == totals
    # the bottom line of Table 2 is the same, and is the sum of its parts
    assert {c: sum(n) for c, n in printed.TABLE_2.items()} == totals
    assert printed.TABLE_2["covid"][1:] == (371, 1808)
    assert sum(n[2] for n in printed.TABLE_2.values()) == 8296
    assert 3000 + 371 + 1808 == 5179  # "augmented to 5179"


def test_table_11_repeats_the_best_rows_of_the_tables_before_it():
    for metric in ("sensitivity", "specificity", "seconds"):
        assert printed.TABLE_11[2][metric] == published.table_4("densenet121", "crop", metric)
        assert printed.TABLE_11[3][metric] == printed.TABLE_8["schedule-4"][metric]
        assert printed.TABLE_11[4][metric] == printed.TABLE_9["schedule-2"][metric]
        assert printed.TABLE_11[5][metric] == printed.TABLE_10["constant-2e-4"][metric]


def test_the_paper_calls_schedule_4_best_although_schedule_1_is():
    best = max(printed.TABLE_8, key=lambda s: printed.TABLE_8[s]["sensitivity"])
    assert (best, printed.TABLE_8[best]["sensitivity"]) == ("schedule-1", 0.9519)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ((1, "resnet50", "rotation", "constant", "strict_rate"), 0.9507),
        ((2, "densenet121", "crop", "constant", "pr_auc"), 0.9956),
        ((2, "densenet121", "crop", "schedule-1", "pr_auc"), None),
        ((3, "resnet50", "crop", "schedule-2", "specificity"), 0.9861),
        ((3, "resnet50", "crop", "constant", "specificity"), None),
        ((4, "squeezenet1_0", "crop", "schedule-2", "sensitivity"), 0.9544),
        ((5, "cnn", "crop", "constant-5e-4", "seconds"), 1921),
        ((5, "resnet50", "crop", "constant-5e-4", "seconds"), None),
        ((0, "resnet50", "crop", "constant", "sensitivity"), None),
    ],
)
def test_a_cell_finds_its_number_by_experiment_pipeline_and_schedule(key, expected):
    assert printed.value(*key) == expected


def test_the_evidence_that_the_claims_quote_follows_from_the_tables():
    quoted = {letter: paper for letter, _, paper, _, _ in _CLAIMS}
    lower = {
        metric: sum(
            published.table_4(b, p, metric) < published.table_4(b, "baseline", metric)
            for b in printed.BACKBONES[2]
            for p in published.PIPELINES[1:]
        )
        for metric in ("specificity", "pr_auc")
    }
    assert lower == {"specificity": 8, "pr_auc": 8}
    assert "eight lower in specificity and eight lower in PR-AUC" in quoted["b"]
    seconds = {
        b: sum(published.table_4(b, p, "seconds") for p in published.PIPELINES) / 4
        for b in printed.BACKBONES[2]
    }
    assert {b: round(s) for b, s in seconds.items()} == {
        "resnet50": 2069,
        "squeezenet1_0": 1721,
        "densenet121": 3583,
    }
    assert "1721 s over 3583 s, .48" in quoted["d"]
    assert round(seconds["squeezenet1_0"] / seconds["densenet121"], 2) == 0.48
    one_cycle = [printed.TABLE_8[s] for s in ("schedule-3", "schedule-4")]
    assert round(sum(r["sensitivity"] for r in one_cycle) / 2, 4) == 0.9496
    assert round(0.9496 - 0.9019, 3) == 0.048
    assert sum(r["seconds"] for r in one_cycle) / 2 == 2903
