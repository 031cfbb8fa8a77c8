"""The flow chart says what flow.json says: every box and every reason, and what it leaves out of the drawing adds up."""

import re
import runpy
from pathlib import Path

import pytest

from hilum.artifacts.flow import Flow, FlowStep, TrialFlow
from hilum.artifacts.header import Header
from hilum.artifacts.run_folder import RunFolder
from hilum.report.evaluated import Evaluated
from hilum.report.sections.films.flow_figure import flow_picture, reasons, shown_steps

FAKE = runpy.run_path(str(Path(__file__).parents[3] / "fake_run.py"))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return FAKE["make_run"](tmp_path_factory.mktemp("r") / "run", trials=1, matrices={"all": FAKE["SMALL"]})


def test_the_boxes_hold_the_counts(run):
    many = {f"reason {k}": k for k in range(1, 9)}
    steps = [
        FlowStep("files and rows found", 136), FlowStep("films in the manifest", 100, many, {"covid": 60, "normal": 40}),
        FlowStep("films of the study’s classes", 100), FlowStep("films of the study", 90, {"class other": 10}, {"covid": 50, "normal": 40}),
    ]  # fmt: skip
    trial = TrialFlow(
        "",
        1,
        {"train": 50, "valid": 10, "test": 20},
        {"outside the share": 10},
        0,
        99,
        40,
        {"valid": 10, "test": 20},
    )
    folder = RunFolder(run)
    folder.flow = Flow(steps, [trial], Header("flow"))
    picture = flow_picture(Evaluated(folder))
    assert picture is not None
    assert (run / "figures" / "flow-of-films.png").is_file()
    assert [s.films for s in shown_steps(folder.flow)] == [
        136,
        100,
        90,
    ]  # a step that left nothing out is not drawn
    lines = reasons("left out", many)
    assert lines == [
        "left out: 36",
        "reason 8: 8",
        "reason 7: 7",
        "reason 6: 6",
        "reason 5: 5",
        "reason 4: 4",
        "3 other reasons: 6",
    ]
    said = re.findall(
        r"<!-- (.*?) -->", picture.data.decode()
    )  # matplotlib notes each text beside its outlines
    for text in (
        "files and rows found: 136", "films in the manifest: 100", "covid\xa060, normal\xa040", *lines, "films of the study: 90",
        "class other: 10",
        "in no part of the trial: 10", "outside the share: 10", "train: 50", "99 copies trained on", "valid: 10", "10 scored", "test: 20",
        "20 scored",
    ):  # fmt: skip
        assert text in said, text


def test_a_run_without_a_record_has_no_chart(run):
    folder = RunFolder(run)
    folder.flow = None
    assert flow_picture(Evaluated(folder)) is None
