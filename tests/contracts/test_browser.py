"""The check of pages sees what it is there to see."""

from pathlib import Path

from browser import opened
from hilum.report.page import Page, Section, render
from hilum.report.table import plain_table

BAD = """<title>t</title><p id="x">before</p><img src="http://films.invalid/a.png">
<link rel="stylesheet" href="https://fonts.googleapis.com/css?family=Any">
<script>document.getElementById("x").textContent = "after"; console.error("went wrong"); notThere()</script>
"""


def test_errors_of_the_console_and_requests_elsewhere_are_seen(tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text(BAD)
    found = opened(page, tmp_path)
    assert '<p id="x">after</p>' in found.dom
    assert len(found.console) == 2
    assert "went wrong" in found.console[0]
    assert "notThere is not defined" in found.console[1]
    assert sorted(found.requests) == [
        "http://films.invalid/a.png",
        "https://fonts.googleapis.com/css?family=Any",
    ]


def test_a_link_into_a_folded_section_opens_it_and_no_other(tmp_path: Path) -> None:
    tables = [plain_table(name, ["a"], [[1]], name, "Caption.") for name in ("one", "two", "three")]
    sections = [
        Section("first", "First", items=[tables[0]], folded=True),
        Section("second", "Second", closed=tables[1:], folded=True),
    ]
    page = tmp_path / "page.html"
    page.write_text(render(Page("study", "T", "S.", sections)))
    folds = '<details class="fold"', '<details class="fold" open=""'
    shut = opened(page, tmp_path).dom
    assert (shut.count(folds[0]), shut.count(folds[1])) == (2, 0)
    found = opened(page, tmp_path, "#second")
    assert found.console == []
    assert found.dom.count(folds[1]) == 1
    assert found.dom.index(folds[1]) > found.dom.index('id="second"')
    # a table that is folded within a folded section: both open, its neighbour stays shut
    inner = opened(page, tmp_path, "#t-three").dom
    assert (inner.count(folds[1]), inner.count("<details open"), inner.count("<details>")) == (1, 1, 1)
