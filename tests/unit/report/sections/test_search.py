"""The section of a search: every number is of its file, the best is marked, and what failed is counted."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

from hilum.artifacts.header import Header
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.search import Search, Tried, search_path
from hilum.report import study_facts
from hilum.report.cautions import cautions
from hilum.report.evaluated import Evaluated
from hilum.report.page import Picture
from hilum.report.sections import search
from hilum.report.table import Table
from hilum.stages.evaluate import evaluate_run

FAKE = runpy.run_path(str(Path(__file__).parents[3] / "fake_run.py"))
CELL = "resnet50--crop--searched"
RANGES = {"learning_rate": {"low": 1e-4, "high": 1.0, "log": True}, "head": ["linear", "mlp"]}


def tried(number: int, rate: float, score: float | None) -> Tried:
    state = "failed" if score is None else "complete"
    reason = "the loss is not finite after epoch 2" if score is None else ""
    scores = [] if score is None else [score]
    return Tried(
        number, {"learning_rate": rate, "head": "mlp"}, state, score, scores, 2.0 * number, reason, ["t"]
    )  # type: ignore[arg-type]


TRIED = [
    tried(1, 5e-4, 0.5),
    tried(2, 0.9, None),
    tried(3, 2e-3, 0.375),
    tried(4, 0.4, 90.0),
    tried(5, 1e-4, 0.625),
]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("search") / "run"
    study = {
        "statistics": {"resamples": 100},
        "contrast": [],
        "search": {"trials": 5, "chosen_on": "valid", **RANGES},
    }
    FAKE["make_run"](
        folder, trials=2, pipelines=("crop",), schedules=("plain", "searched"), matrices={"all": FAKE["SMALL"]}, study=study
    )  # fmt: skip
    found = Search(
        Header("search", {"split": "s"}), "loss", False, "valid", 1, RANGES, TRIED[2].values, 30.0, TRIED
    )
    found.write(search_path(folder, CELL))
    assert Search.read(search_path(folder, CELL)) == found
    (folder / "stages.json").write_text(
        json.dumps([{"stage": "search", "done": 5, "found": 0, "seconds": 40.0}])
    )
    (folder / "run_facts.json").write_text(json.dumps({"seconds": 160.0}))
    evaluate_run(folder)
    return folder


def test_the_search_in_words_tables_and_figures(run: Path) -> None:
    shown = search.section(Evaluated(RunFolder(run)))
    assert shown is not None
    first, flatters, cost = shown.paragraphs
    assert "5 trials a cell were tried, the first with the study’s own values" in first
    assert "the lowest loss on the validation films of trial 1. No test film was read" in first
    assert "learning rate (1.0e-04 to 1.0e+00, by its logarithm) and head (linear, mlp)" in first
    assert "flatters itself" in flatters
    assert (
        "5 trainings, 30.0 s of training added up; the step took 40.0 of the 160 s of the run (25.0" in cost
    )
    chosen, scores, rates = shown.items
    assert isinstance(chosen, Table)
    assert isinstance(scores, Picture)
    assert isinstance(rates, Picture)
    (row,) = chosen.rows
    assert [c.value for c in row[-9:]] == [5, 1, 0.5, 0.375, 0.125, 3, 2e-3, "mlp", 30.0]
    assert "1 trial far off at the edge. 1 trial failed and has no point." in scores.caption
    (every,) = shown.closed
    assert isinstance(every, Table)
    assert [r[-3].value for r in every.rows] == [0.5, None, 0.375, 90.0, 0.625]
    assert [r[-1].text for r in every.rows] == [
        "complete", "the loss is not finite after epoch 2", "chosen", "complete", "complete",
    ]  # fmt: skip


def test_the_page_warns_that_validation_was_chosen_on(run: Path) -> None:
    (said,) = [c for c in cautions(RunFolder(run)) if c.code == "searched-on-validation"]
    assert said.text.startswith(
        "learning rate and head of 1 cell were chosen by 5 trials each on the validation films of trial 1"
    )
    assert "no test film took part" in said.text
    words = "learning rate, head chosen among 5 trials a cell on validation films of trial 1"
    assert words in study_facts.training(RunFolder(run))


def test_a_run_without_a_search_has_no_section(tmp_path: Path) -> None:
    FAKE["make_run"](tmp_path / "run", trials=1, pipelines=("crop",), matrices={"all": FAKE["SMALL"]})
    assert search.section(Evaluated(RunFolder(tmp_path / "run"))) is None
