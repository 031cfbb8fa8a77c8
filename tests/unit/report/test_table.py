"""Tables as csv and LaTeX: read back by the csv module, and checked as LaTeX would read them."""

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilum.report.latex import latex, latex_escape
from hilum.report.table import Cell, Column, Table, plain_table, rate_cell, text_cell


def _table(rows, **options):
    columns = [Column("Name", numeric=False), Column("here", group="A & B"), Column("paper", group="A & B")]
    return Table("t", "Table 9", "Caption with 50 % of_it.", columns, rows, **options)


def test_csv_has_the_values_and_not_the_texts():
    table = _table([[text_cell('a, "b"'), Cell("0.9635", 1742 / 1808), Cell("–", None)]])
    assert list(csv.reader(io.StringIO(table.to_csv()))) == [
        ["name", "a_b_here", "a_b_paper"],
        ['a, "b"', "0.963496", ""],
    ]


def test_latex_by_hand():
    table = _table(
        [
            [text_cell("resnet50_a"), rate_cell(0.5), Cell("–", None)],
            [text_cell("b"), rate_cell(1.0), Cell("≥ 3", 3)],
        ],
        notes=("a < b",),
        breaks=frozenset({1}),
    )
    lines = latex(table).splitlines()
    assert r"\caption{Caption with 50 \% of\_it.}" in lines
    assert r"\begin{tabular}{lrr}" in lines
    assert r" & \multicolumn{2}{c}{A \& B} \\" in lines or r"& \multicolumn{2}{c}{A \& B} \\" in [
        line.strip() for line in lines
    ]
    assert r"\cmidrule(lr){2-3}" in lines
    assert r"resnet50\_a & 0.5000 & -- \\" in lines
    assert r"b & 1.0000 & $\geq$ 3 \\" in lines
    assert r"\addlinespace" in lines
    assert lines[-2:] == [r"\par\smallskip\footnotesize a \textless{} b", r"\end{table}"]


def test_numbers_have_columns_of_their_own_in_the_csv_and_one_text_on_the_page():
    columns = [
        Column("Cell", numeric=False),
        Column("95 % interval", group="PR-AUC", parts=("low", "high", "n")),
    ]
    rows = [
        [text_cell("a"), Cell("0.860 to 0.890", (0.86, 0.8899999, 720))],
        [text_cell("b"), Cell("–", None)],
        [text_cell("c"), Cell("–", (None, None, 3))],
    ]
    table = Table("t", "T", "C.", columns, rows)
    assert list(csv.reader(io.StringIO(table.to_csv()))) == [
        ["cell", "pr_auc_low", "pr_auc_high", "pr_auc_n"],
        ["a", "0.86", "0.89", "720"],
        ["b", "", "", ""],
        ["c", "", "", "3"],
    ]
    assert "a & 0.860 to 0.890" in latex(table)
    assert [r[1].sorts_by for r in rows] == [0.86, None, None]


def test_words_in_a_numeric_column_and_names_that_are_there_twice_are_refused():
    with pytest.raises(ValueError, match="row 0, 'here': expected a number or none, got 'not estimable'"):
        _table([[text_cell("a"), Cell("not estimable", "not estimable"), Cell("", 1)]])
    with pytest.raises(ValueError, match="two columns of its csv are named 'low'; give one a key"):
        Table("t", "T", "C.", [Column("a", parts=("low",)), Column("b", parts=("low",))], [])
    with pytest.raises(ValueError, match=r"expected 2 values, got \(1, 2, 3\)"):
        Table("t", "T", "C.", [Column("a", parts=("low", "high"))], [[Cell("x", (1, 2, 3))]])


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r\n\0")))
def test_csv_round_trip(text):
    table = _table([[Cell("x", text), Cell("", 1), Cell("", 2)]])
    assert list(csv.reader(io.StringIO(table.to_csv())))[1][0] == text


@given(st.text(alphabet="ab &%$#_{}~^\\<>–×≥"))
def test_escaped_text_holds_no_bare_special(text):
    escaped = latex_escape(text)
    bare = re.sub(r"\\(textbackslash|textasciitilde|textasciicircum|textless|textgreater)\{\}", "", escaped)
    bare = re.sub(r"\$\\(times|geq)\$", "", bare)
    bare = re.sub(r"\\[&%$#_{}]", "", bare)
    assert not set(bare) & set("&%$#_{}~^\\<>–×≥")


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="row 0: expected 3 cells, got 1"):
        _table([[text_cell("a")]])


def test_plain_text_is_a_line_a_row_neither_cut_nor_coloured(monkeypatch):
    for name, value in (("COLUMNS", "40"), ("FORCE_COLOR", "1"), ("TERM", "xterm-256color")):
        monkeypatch.setenv(name, value)
    long = "words " * 200
    rows = [[text_cell("[bold]a[/bold]\nb"), rate_cell(0.5), Cell("10\N{NARROW NO-BREAK SPACE}200", 10200)],
            [text_cell(long), Cell("–", None), Cell("7", 7)]]  # fmt: skip
    head, rule, first, second, empty, note = _table(rows, notes=("Beneath.",)).to_text().splitlines()
    assert head.split() == ["Name", "A", "&", "B", "here", "A", "&", "B", "paper"]
    assert set(rule) == {"-", " "}
    assert first.split() == ["[bold]a[/bold]", "b", "0.5000", "10200"]
    assert second.startswith(long.strip())
    assert second.endswith(" 7")
    assert (empty, note) == ("", "Beneath.")
    assert len(first) == len(second) == len(head)  # numbers stand flush right


def test_values_as_they_are_become_a_table_whatever_its_columns_are_called():
    table = plain_table("t", ("part", "正常", "結核", "n", "n"), [("train", 3, None, 0.25, Cell("none"))])
    assert table.to_csv() == "part,2,3,n_4,n_5\ntrain,3,,0.25,\n"
    assert table.to_text().splitlines()[2].split() == ["train", "3", "–", "0.2500", "none"]
    assert [c.numeric for c in table.columns] == [False, True, True, True, True]
