"""Tables of comparisons: what is printed, and that nothing is called better that is not."""

import csv
import io

from hilum.artifacts.comparisons import ComparisonRow, Secondary
from hilum.report.comparison_tables import comparison_tables, p_cell, secondary_table, short_labels
from hilum.report.latex import latex

CLASSES = ("bacterial", "covid", "normal", "viral")


def row(**values):
    base = {
        "family": "pipelines", "metric": "sensitivity", "class": "covid", "cell": "r--crop", "reference": "r--baseline",
        "label": "crop against baseline", "value": 0.95, "reference_value": 0.93, "estimate": 0.02, "low": -0.01, "high": 0.05,
        "low_one": 0.001, "high_one": 0.039, "p": 0.04, "p_adjusted": 0.12, "verdict": "not distinguishable", "n_needed": 12345,
        "method": "m", "n_family": 3, "n_trials": 3,
    }  # fmt: skip
    return ComparisonRow.model_validate({**base, **values})


ROWS = [
    row(),
    row(cell="r--zoom", label="zoom against baseline", p=0.0001, p_adjusted=0.0003, verdict="better", n_needed=None),
    row(
        cell="r--dist",
        label="dist against baseline",
        verdict="not distinguishable",
        n_needed=None,
        trials_needed=17,
        note="few discordant units (effectively 4)",
    ),
    row(
        metric="pr_auc", estimate=None, value=None, low=None, high=None, low_one=None, high_one=None, p=None, p_adjusted=None,
        verdict="undefined", n_needed=None, note="undefined: no film of the class",
    ),
]  # fmt: skip


def test_each_row_says_what_may_be_concluded():
    (table,) = comparison_tables(ROWS, CLASSES)
    texts = [[c.text for c in r] for r in table.rows]
    assert texts[0] == [
        "Sensitivity", "crop", "0.9500", "+0.0200", "+0.001 to +0.039", "−0.010 to +0.050", ".120", "not distinguishable",
        "12\N{NARROW NO-BREAK SPACE}345",
    ]  # fmt: skip
    assert texts[1][6:] == ["< .001", "better", "–"]
    assert texts[2][8] == "≥ 17 trials"
    assert texts[3][2:8] == ["–", "–", "–", "–", "–", "undefined"]
    assert [r[7].strong for r in table.rows] == [False, True, False, False]
    assert "each against baseline" in table.caption
    assert (
        table.notes[-1] == "Few discordant units: 1 of 4 rows. Undefined: no film of the class: 1 of 4 rows."
    )
    assert "few discordant units (effectively 4)" in table.rows[2][3].title
    assert table.breaks == {3}


def test_the_csv_has_the_numbers_and_latex_compiles_its_signs():
    (table,) = comparison_tables(ROWS, CLASSES)
    found = list(csv.DictReader(io.StringIO(table.to_csv())))
    assert list(found[0]) == [
        "metric", "comparison", "value", "reference_value", "difference_estimate", "alone_low", "alone_high", "together_low",
        "together_high", "p_holm", "verdict", "needed_units", "needed_trials",
    ]  # fmt: skip
    assert list(found[0].values())[2:] == [
        "0.95", "0.93", "0.02", "0.001", "0.039", "-0.01", "0.05", "0.12", "not distinguishable", "12345", "",
    ]  # fmt: skip
    assert found[1]["p_holm"] == "0.0003"
    assert (found[2]["needed_units"], found[2]["needed_trials"]) == ("", "17")
    assert {found[3][k] for k in ("value", "together_low", "p_holm")} == {""}
    text = latex(table)
    assert "$-$0.010 to +0.050" in text
    assert "−" not in text


def test_families_have_a_table_each():
    tables = comparison_tables([*ROWS, row(family="backbones")], CLASSES)
    assert [t.name for t in tables] == ["comparisons-1", "comparisons-2"]


def test_labels_keep_their_reference_where_it_differs():
    found, against = short_labels([row(), row(label="crop against zoom")])
    assert against == ""
    assert found["crop against zoom"] == "crop against zoom"


def test_secondary_tests_have_a_row_each():
    assert secondary_table(ROWS) is None
    tests = [Secondary(test="McNemar (exact)", trial=t, p=0.5, note="2 films gained, 1 lost") for t in (1, 2)]
    table = secondary_table([row(secondary=tests)])
    assert [[c.text for c in r][2:5] for r in table.rows] == [
        ["1", "McNemar (exact)", ".500"],
        ["2", "McNemar (exact)", ".500"],
    ]


def test_decimals_follow_the_number_of_units():
    (few,), (many,) = (comparison_tables([row(n_clusters=n)], CLASSES) for n in (50, 720))
    assert [c.text for c in few.rows[0]][2:6] == ["0.95", "+0.02", "0.00 to +0.04", "−0.01 to +0.05"]
    assert [c.text for c in many.rows[0]][2:6] == ["0.950", "+0.020", "+0.001 to +0.039", "−0.010 to +0.050"]


def test_a_p_value_is_printed_with_three_decimals_and_below_that_as_less():
    printed = {
        0.0496: ".050",
        0.0042: ".004",
        0.001: ".001",
        0.00099: "< .001",
        0.0: "< .001",
        0.9996: "1",
        1.0: "1",
    }
    assert {p: p_cell(p).text for p in printed} == printed
