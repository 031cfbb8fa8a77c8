"""The paper stands beside its own films only: a study of other films with the same classes has a page that does not name it."""

from __future__ import annotations

from pathlib import Path

from fake_run import SMALL, make_run
from hilum.artifacts.run_folder import RunFolder
from hilum.paper.side_by_side import papers_numbers
from hilum.report.beside import Beside
from hilum.report.evaluated import Evaluated
from hilum.stages.evaluate import evaluate_run


def beside(run: Path) -> Beside:
    evaluate_run(run, n_resamples=20)
    return Evaluated(RunFolder(run), papers_numbers).checked().beside


def test_the_papers_films_have_its_figures_marks_and_tables(tmp_path: Path) -> None:
    found = beside(make_run(tmp_path / "run", pipelines=("crop",), matrices={"all": SMALL}))
    assert found.place("loss-curves") == " (the paper’s Figure 8)"
    assert found.marks["resnet50--crop--constant", "sensitivity"] == 0.9274
    assert [t.name for t in found.tables] == ["table-4", "table-5"]


def test_other_films_of_the_same_classes_have_nothing_of_the_paper(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", pipelines=("crop",), matrices={"all": SMALL}, patients="all")
    manifest = run / "manifest.csv"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text.replace(",radiography,", ",own,"), encoding="utf-8")
    found = beside(run)
    assert found.place("loss-curves") == ""
    assert (dict(found.marks), list(found.tables), list(found.matrices)) == ({}, [], [])
