"""A trial's folder is whole or not there, and the first of two equal results stays."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.header import Header
from hilum.artifacts.history import EpochRecord, write_history
from hilum.training.trial import finished, marked, write_trial

TEMPLATE = Bundle(("a", "b"), "b", "densenet121", {}, "s", "fp32", 16, {}, "linear", {}, {}, {"trial": 1})
RECORDS = [EpochRecord(k, 1.0, loss, 0.1) for k, loss in enumerate([0.9, 0.5, 0.5], start=1)]


def write(folder: Path, note: str) -> None:
    state = {"weight": np.zeros((2, 3), np.float32)}
    header = Header("bundle", inputs={}, options={}, seed=1)
    write_trial(folder, TEMPLATE, header, state, RECORDS, {"train.json": {"note": note}})


def test_the_first_result_stays_and_nothing_lies_about(tmp_path: Path) -> None:
    write(tmp_path / "trial", "first")
    write(tmp_path / "trial", "second")
    assert [p.name for p in tmp_path.iterdir()] == ["trial"]
    assert '"first"' in (tmp_path / "trial/train.json").read_text()
    assert len((tmp_path / "trial/history.jsonl").read_text().splitlines()) == 3
    assert Bundle.read(tmp_path / "trial/bundle")[0] == TEMPLATE


def test_the_kept_epoch_is_marked_only_where_one_was_chosen(tmp_path: Path) -> None:
    assert marked(RECORDS, best_epoch=False) == RECORDS
    write_history(tmp_path, marked(RECORDS, best_epoch=True))
    lines = [json.loads(text) for text in (tmp_path / "history.jsonl").read_text().splitlines()]
    assert [line.get("best") for line in lines] == [None, True, None]
    assert list(lines[1]) == ["epoch", "train_loss", "valid_loss", "learning_rate", "best"]


def test_operating_point_and_temperature_come_from_the_logits() -> None:
    # the threshold lies half way between the scores of the logits 1 and 2
    z = np.array([[0.0, d] for d in (-3.0, -2.0, 1.0, 2.0, 3.0, 4.0)])
    bundle = finished(TEMPLATE, z, np.array([0, 0, 0, 1, 1, 1]), "youden", {"epochs_run": 3})
    assert bundle.operating_point["threshold"] == pytest.approx((expit(1.0) + expit(2.0)) / 2)
    assert bundle.operating_point["n_films"] == 6
    assert bundle.calibration["chosen_on"] == "valid"
    assert bundle.training == {"trial": 1, "epochs_run": 3}
    assert (bundle.classes, bundle.backbone) == (TEMPLATE.classes, TEMPLATE.backbone)
