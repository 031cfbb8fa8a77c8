"""flow.json: counts that do not add up cannot be written or read."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from hilum.artifacts.flow import FLOW, Flow, FlowStep, TrialFlow
from hilum.artifacts.header import Header
from hilum.core.errors import InputError

STEPS = (
    FlowStep("files and rows found", 100),
    FlowStep("films in the manifest", 88, {"truncated": 7, "listed twice": 5}, {"tb": 40, "clear": 48}),
    FlowStep("films of the study", 80, {"class other": 8}, {"tb": 40, "clear": 40}),
)
TRIAL = TrialFlow("", 1, {"train": 40, "valid": 10, "test": 25}, {"not drawn": 5}, 0, 60, 30, {"test": 25})


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    flow = Flow(STEPS, (TRIAL,), Header("flow"))
    flow.write(tmp_path / FLOW)
    again = Flow.of_run(tmp_path)
    assert again is not None
    assert (again.steps, again.trials, again.films) == (STEPS, (TRIAL,), 80)
    assert again.of("", 1) == TRIAL
    assert again.of("", 2) is None
    assert Flow.of_run(tmp_path / "elsewhere") is None


@pytest.mark.parametrize(
    ("steps", "trial", "message"),
    [
        ((STEPS[0], replace(STEPS[1], films=87), STEPS[2]), TRIAL, r"'films in the manifest': 87 \+ 7 \+ 5 = 99, expected 100"),
        ((*STEPS[:2], replace(STEPS[2], left_out={})), TRIAL, r"'films of the study': 80 = 80, expected 88"),
        ((*STEPS[:2], replace(STEPS[2], by_class={"tb": 40, "clear": 41})), TRIAL, r"classes of step .*: 40 \+ 41 = 81, expected 80"),
        (STEPS, replace(TRIAL, not_used={}), r"trial 1 of the plain split: 75 = 75, expected 80"),
        (STEPS, replace(TRIAL, shared=2), r"trial 1 of the plain split: 73 \+ 5 = 78, expected 80"),
        (STEPS, replace(TRIAL, not_used={"a": 6, "b": -1}), r"trial 1 of the plain split: 75 \+ 6 \+ -1"),
        (STEPS, replace(TRIAL, copied=41), r"41 different films among 60 copies of 40 training films"),
        ((), TRIAL, r"needs one step at least"),
    ],
)  # fmt: skip
def test_counts_that_do_not_add_up_are_refused(
    steps: tuple[FlowStep, ...], trial: TrialFlow, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        Flow(steps, (trial,), Header("flow"))


def test_a_file_that_was_edited_is_refused(tmp_path: Path) -> None:
    Flow(STEPS, (TRIAL,), Header("flow")).write(tmp_path / FLOW)
    value = json.loads((tmp_path / FLOW).read_text())
    value["steps"][1]["left_out"]["truncated"] = 6
    (tmp_path / FLOW).write_text(json.dumps(value))
    with pytest.raises(InputError, match="every film must be counted once"):
        Flow.read(tmp_path / FLOW)
    del value["steps"]
    (tmp_path / FLOW).write_text(json.dumps(value))
    with pytest.raises(InputError, match=r"not as hilum writes it: the key .steps. is missing"):
        Flow.read(tmp_path / FLOW)
