"""run.json: what is written is read back, a record of an older hilum is read, and what is reported later is put in and nothing else."""

import json
import runpy
from pathlib import Path

import pytest

from hilum.artifacts.header import Header
from hilum.artifacts.run import RECORD as NAME
from hilum.artifacts.run import RunCell, RunRecord, StartWeights, is_run, renew_words
from hilum.artifacts.run_folder import RunFolder
from hilum.core.errors import InputError
from hilum.report.study_facts import reported
from hilum.study.file import Study

FAKE = runpy.run_path(str(Path(__file__).parents[2] / "fake_run.py"))
LEVELS = {
    "backbone": "cnn",
    "pipeline": "crop",
    "schedule": "constant",
    "loss": "cross-entropy",
    "fraction": 0.5,
    "source_left_out": "none",
    "seed": 3,
    "faults": "as-described",
}
RECORD = RunRecord(
    header=Header("run", {"manifest": "m", "study": "s"}, seed=3),
    name="small",
    title="",
    study={"training": {"epochs": 2}, "data": {"subset": {"name": "tenth", "films": 9}}, "compare": [{"name": "f"}]},
    study_digest="s",
    manifest_digest="m",
    command="hilum run small",
    classes=("a", "b"),
    positive="b",
    cells=(RunCell("cnn--crop--constant--0.5", LEVELS, "none", False, ("second_softmax",), True, "crop", "half", 2, {"train": "all"}),),
    n_trials=2,
    seed=3,
    weights={"cnn": StartWeights("none", None, "drawn from the seed", None, False)},
    costs={"cnn": {"parameters": 7, "trained": 7, "multiply_adds": 70}},
    precision="fp32",
    batch=16,
    device={"device": "cpu"},
    machine={"cores": 2},
    versions={"hilum": "0.1.0"},
    pipelines={"crop": {"steps": []}},
    unsafe=["second_softmax"],
)  # fmt: skip
KEYS = [
    "header", "name", "title", "study", "study_digest", "manifest_digest", "command", "classes", "positive", "cells", "trials", "seed",
    "weights", "costs", "films_before_subset", "synthetic", "precision", "batch", "device", "machine", "versions", "pipelines",
    "no_patient_ids", "redraw_with_trial", "unsafe", "lungs_from", "warnings", "task",
    "engines",
]  # fmt: skip


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    RECORD.write(tmp_path / NAME)
    value = json.loads((tmp_path / NAME).read_text())
    assert list(value) == KEYS
    assert list(value["cells"][0]) == [
        "name", *LEVELS, "switches", "finetuned", "prepared_as", "splits", "epochs", "finetune",
    ]  # fmt: skip
    found = RunRecord.read(tmp_path / NAME)
    found.write(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / NAME).read_bytes()
    (cell,) = found.cells
    assert cell == RECORD.cells[0]
    assert cell.factors["fraction"] == "0.5"
    assert (cell.weights, cell.pretrained) == ("none", False)
    assert found.table("training") == {"epochs": 2}
    assert found.table("loss") == {}
    assert found.families == [{"name": "f"}]
    assert found.subset == {"name": "tenth", "films": 9}
    assert is_run(tmp_path)
    assert not is_run(tmp_path.parent)


def test_a_record_of_an_older_hilum_is_read(tmp_path: Path) -> None:
    """It had no more than what every reader needs: cells without faults, no study, no weights."""
    RECORD.write(tmp_path / NAME)
    value = json.loads((tmp_path / NAME).read_text())
    kept = {
        k: value[k]
        for k in (
            "header",
            "name",
            "title",
            "study_digest",
            "manifest_digest",
            "classes",
            "positive",
            "trials",
        )
    }
    kept["cells"] = [{"name": "x", "backbone": "cnn", "pipeline": "crop", "schedule": "constant"}]
    (tmp_path / NAME).write_text(json.dumps(kept))
    found = RunRecord.read(tmp_path / NAME)
    assert found.study == {}
    assert found.subset is None
    assert (found.seed, found.precision, found.command) == (None, None, "")
    (cell,) = found.cells
    assert cell.factors == {"backbone": "cnn", "pipeline": "crop", "schedule": "constant"}
    assert (cell.weights, cell.pretrained, cell.prepared_as, cell.splits) == ("unknown", True, "crop", "")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"cells": []},
            "expected at least one cell and one trial, and a positive class among a, b; got 0, 2 and 'b'",
        ),
        ({"positive": "c"}, "got 1, 2 and 'c'"),
        ({"trials": 0}, "got 1, 0 and 'b'"),
        ({"cells": [{"name": "x"}]}, "the key 'backbone' is missing"),
        ({"classes": 4}, "classes: input should be a valid tuple, got 4"),
    ],
)
def test_what_is_no_record_is_refused(tmp_path: Path, change: dict[str, object], message: str) -> None:
    RECORD.write(tmp_path / NAME)
    value = json.loads((tmp_path / NAME).read_text())
    (tmp_path / NAME).write_text(json.dumps({**value, **change}))
    with pytest.raises(InputError, match=message) as raised:
        RunRecord.read(tmp_path / NAME)
    assert str(tmp_path / NAME) in str(raised.value)


def test_a_run_that_is_there_takes_what_is_reported_now(tmp_path: Path) -> None:
    folder = FAKE["make_run"](
        tmp_path / "run", pipelines=("crop",), matrices={"all": FAKE["SMALL"]}, trials=1
    )
    before = json.loads((folder / NAME).read_text())
    said = Study.model_validate({"name": "a", "reporting": {"ethics": "approved"}}).reporting
    renew_words(folder / NAME, {"reporting": said.model_dump(mode="json")})
    after = json.loads((folder / NAME).read_text())
    assert reported(RunFolder(folder)) == {"ethics": "approved"}
    assert {**after, "study": {k: v for k, v in after["study"].items() if k != "reporting"}} == before
    stamp = (folder / NAME).stat().st_mtime_ns
    renew_words(folder / NAME, {"reporting": said.model_dump(mode="json")})
    assert (folder / NAME).stat().st_mtime_ns == stamp
