"""Trials that did not learn: found in a run's folder from training and validation, told on the page's cautions and in lines."""

import json
import runpy
from pathlib import Path

import numpy as np
import pytest

from hilum.artifacts.predictions import Predictions
from hilum.artifacts.run_files import StageLine
from hilum.artifacts.run_folder import RunFolder
from hilum.report.cautions import cautions
from hilum.report.learned import learning_cautions, learning_lines, write_learning
from hilum.report.run_end import run_end

FAKE = runpy.run_path(str(Path(__file__).parents[2] / "fake_run.py"))
VALID = [[20, 0, 0, 0], [0, 20, 0, 0], [0, 0, 20, 0], [0, 0, 0, 20]]


@pytest.fixture
def run(tmp_path):
    """Two cells of two trials; every validation film of the first cell is scored right, those of the second are noise."""
    root = FAKE["make_run"](tmp_path / "run", matrices={"all": (np.array(VALID) * 40).tolist()}, trials=2)
    for trial in (1, 2):
        path = root / "cells" / "resnet50--baseline--constant" / f"trial-{trial}" / "predictions.csv"
        found = Predictions.read(path)
        scores = found.probabilities.copy()
        valid = np.array([p == "valid" for p in found.parts])
        scores[valid] = (0.7 * np.eye(4)[found.y_index()] + 0.075)[valid]
        Predictions(
            found.image_ids, found.patient_ids, found.parts, found.y_true, scores, found.classes, found.groups,
            found.operating_point, found.errors, found.header,
        ).write(path)  # fmt: skip
    return root


def test_the_trials_that_did_not_learn_are_named_with_their_numbers(run):
    write_learning(RunFolder(run))
    found = {c.code: c for c in learning_cautions(RunFolder(run))}
    assert list(found) == ["ranks-by-chance", "degenerate-decision"]
    chance = found["ranks-by-chance"]
    assert chance.text.startswith("resnet50, crop-distortion, both trials, the first: validation ROC-AUC 0.")
    assert chance.text.endswith("with 20 films of the class and 60 others.")
    assert "baseline" not in chance.text
    assert "check the labels" in chance.to_do
    assert chance in cautions(RunFolder(run))
    (first, *_) = learning_lines([run])
    assert first.startswith(
        "Scores rank validation films no better than chance (ranks-by-chance): resnet50, crop-distortion"
    )


def test_test_films_are_not_looked_at(run):
    """Another test part, the same judgement."""
    write_learning(RunFolder(run))
    before = (run / "learning.json").read_bytes()
    for path in run.glob("cells/*/*/predictions.csv"):
        found = Predictions.read(path)
        scores = found.probabilities.copy()
        scores[[p == "test" for p in found.parts]] = 0.25
        Predictions(
            found.image_ids, found.patient_ids, found.parts, found.y_true, scores, found.classes, found.groups,
            found.operating_point, found.errors, found.header,
        ).write(path)  # fmt: skip
    write_learning(RunFolder(run))
    assert (run / "learning.json").read_bytes() == before


def test_rate_loss_and_faults_come_from_the_trials_own_record(run):
    at = run / "cells" / "resnet50--baseline--constant" / "trial-2"
    bundle = json.loads((at / "bundle" / "bundle.json").read_text())
    one_cycle = {
        "kind": "one_cycle",
        "phases": [{"epochs": 2, "max_rate": 1e-3}, {"epochs": 2, "max_rate": 2.0}],
    }
    (at / "bundle" / "bundle.json").write_text(json.dumps({**bundle, "training": {"policy": one_cycle}}))
    seen = {"rates": [1e-4, 1e-3], "losses": [0.7, 0.6], "steep": 1e-3, "valley": 4e-3, "minimum": None}
    (at / "finder.json").write_text(json.dumps(seen))
    lines = (at / "history.jsonl").read_text().splitlines()
    last = {**json.loads(lines[-1]), "valid_loss": 1.5}
    (at / "history.jsonl").write_text("\n".join([*lines[:-1], json.dumps(last)]) + "\n")
    write_learning(RunFolder(run))
    found = {c.code: c.text for c in learning_cautions(RunFolder(run))}
    assert (
        found["rate-apart"]
        == "resnet50, baseline, trial 2: highest rate 2.0e+00, the finder suggests 1.0e-03 to 4.0e-03."
    )
    assert "resnet50, baseline, trial 2: validation loss 1.500;" in found["no-better-than-shares"]
    focal = {"policy": one_cycle, "loss": {"kind": "focal", "gamma": 2.0}}
    (at / "bundle" / "bundle.json").write_text(json.dumps({**bundle, "training": focal}))
    write_learning(RunFolder(run))
    assert "no-better-than-shares" not in {c.code for c in learning_cautions(RunFolder(run))}


def test_a_run_ends_with_what_did_not_learn_and_its_stages(run):
    write_learning(RunFolder(run))
    lines = run_end([run], [StageLine("train", 4, 0, 1.5)]).splitlines()
    assert lines[0].startswith(
        "hilum: caution: Scores rank validation films no better than chance (ranks-by-chance): resnet50"
    )
    assert [x.split() for x in (lines[-3], lines[-1])] == [
        ["stage", "done", "found", "seconds"],
        ["train", "4", "0", "1.5"],
    ]
