"""A study's page opens with its figures in words, and folds what is looked up."""

import re
import runpy
from dataclasses import replace
from pathlib import Path

import pytest

from hilum.artifacts.run_folder import RunFolder
from hilum.report.evaluated import Evaluated
from hilum.report.headline import headline
from hilum.report.page import Page, Picture, Section, render
from hilum.report.table import plain_table
from hilum.stages.evaluate import evaluate_run
from page_tags import Tags

FAKE = runpy.run_path(str(Path(__file__).parents[2] / "fake_run.py"))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = FAKE["make_run"](
        tmp_path_factory.mktemp("h") / "run", pipelines=("crop",), trials=2, matrices={"all": FAKE["SMALL"]}
    )
    evaluate_run(path, n_resamples=20)
    return Evaluated(RunFolder(path))


def test_a_line_a_cell_with_the_tables_figures_and_intervals(run):
    ((name, words),) = headline(run)
    assert name == "resnet50, crop"
    row = run.row(run.folder.cells[0], "sensitivity")
    found = re.match(r"finds (\d+)\W% \((\d+) to (\d+)\) of the covid films, clears", words)
    assert [int(v) for v in found.groups()] == [round(100 * v) for v in (row.estimate, row.low, row.high)]
    auc = run.row(run.folder.cells[0], "roc_auc")
    assert f"a ROC-AUC of {auc.estimate:.2f} ({auc.low:.2f} to {auc.high:.2f}) (2 trials a model" in words


def test_of_many_cells_the_lowest_and_the_highest(run):
    many = RunFolder(run.folder.path)
    many.cells = many.cells * 7
    ((name, words),) = headline(Evaluated(many))
    value = 100 * run.estimate(run.folder.cells[0], "specificity")
    assert name == "resnet50"
    assert f"clears {value:.1f} to {value:.1f}\N{NO-BREAK SPACE}% of the others" in words
    assert words.endswith("(lowest to highest of 7 cells; intervals in the results).")


def test_a_backbone_with_one_cell_of_many_has_its_intervals(run):
    many = RunFolder(run.folder.path)
    many.cells = [
        *many.cells * 6,
        replace(many.cells[0], levels={**many.cells[0].levels, "backbone": "resnet18"}),
    ]
    lines = headline(Evaluated(many))
    assert [name for name, _ in lines] == ["resnet50", "resnet18"]
    row = run.row(run.folder.cells[0], "specificity")
    low, high = (f"{100 * v:.0f}" for v in (row.low, row.high))
    assert f"({low} to {high}) of the others" in lines[1][1]


def test_what_is_folded_keeps_its_title_and_its_sentence():
    table = plain_table("t", ["a", "b"], [[1, 2]], "Title", "Caption.")
    picture = Picture("p", "A figure.", "More curves", b"<svg/>")
    sections = [
        Section("open", "Open", items=[table], brief="Said at the top."),
        Section("shut", "Shut", closed=[picture], folded=True),
    ]
    html = render(Page("study", "T", "S.", sections, headline=[("net", "finds <all>")]))
    tags = Tags()
    tags.feed(html)
    assert {"short", "open", "shut", "t-t", "f-p"} <= set(tags.ids)
    assert "finds &lt;all&gt;" in html
    assert '<li><a href="#open">Open</a> Said at the top.</li>' in html
    assert '<details class="fold"><summary><h2>Shut</h2></summary>' in html
    assert "<details><summary>A figure</summary>" in html
    assert "no proof" in html  # no caution was found
