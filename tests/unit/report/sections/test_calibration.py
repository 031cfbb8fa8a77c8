"""The calibration section: both scores over trials, as predicted and at the temperature, against scikit-learn and torchmetrics."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import brier_score_loss

from fake_run import SMALL, make_run
from hilum.artifacts.run_folder import RunFolder
from hilum.stages.evaluate import evaluate_run
from hilum.stages.report import write_report
from needs import needed_module


def rows_of(run: Path) -> list[dict[str, str]]:
    evaluate_run(run, n_resamples=20)
    write_report(run)
    return list(csv.DictReader((run / "tables" / "calibration.csv").read_text(encoding="utf-8").splitlines()))


def test_its_numbers_are_those_of_other_libraries(tmp_path: Path) -> None:
    torchmetrics = needed_module("torchmetrics.functional.classification")
    run = make_run(tmp_path / "run", pipelines=("crop",), trials=2, matrices={"all": SMALL}, temperature=1.7)
    predicted, scaled = rows_of(run)
    assert (predicted["probabilities"], scaled["probabilities"]) == ("as predicted", "at the temperature")
    assert (scaled["temperature_low"], scaled["temperature_high"]) == ("1.7", "1.7")
    parts = list(
        csv.DictReader((run / "tables" / "calibration-parts.csv").read_text(encoding="utf-8").splitlines())
    )
    for row, whole in zip(parts, (predicted, scaled), strict=True):
        brier = float(row["reliability"]) - float(row["resolution"]) + float(row["uncertainty"])
        assert brier + float(row["within_bins"]) == pytest.approx(float(whole["brier_estimate"]), abs=1e-5)
    folder = RunFolder(run)
    for row, power in ((predicted, 1.0), (scaled, 1 / 1.7)):
        errors, scores = [], []
        for trial in folder.trials:
            films = folder.predictions(folder.cells[0], trial).of_part("test")
            p = films.probabilities**power
            p /= p.sum(axis=1, keepdims=True)
            true = films.y_index()
            errors.append(
                float(
                    torchmetrics.multiclass_calibration_error(
                        torch.from_numpy(p), torch.from_numpy(true), p.shape[1], n_bins=15
                    )
                )
            )
            scores.append(brier_score_loss(true, p, labels=list(range(p.shape[1])), scale_by_half=False))
        assert float(row["ece_estimate"]) == pytest.approx(np.mean(errors), rel=1e-4)
        assert float(row["brier_estimate"]) == pytest.approx(np.mean(scores), rel=1e-5)
        assert float(row["brier_standard_error"]) == pytest.approx(np.std(scores, ddof=1) / 2**0.5, rel=1e-4)


def test_without_a_temperature_there_is_no_section(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", pipelines=("crop",), matrices={"all": SMALL})
    evaluate_run(run, n_resamples=20)
    page = write_report(run).read_text(encoding="utf-8")
    assert 'id="calibration"' not in page
    assert not (run / "tables" / "calibration.csv").exists()


def test_probabilities_of_a_second_softmax_have_no_temperature(tmp_path: Path) -> None:
    faults = {"as-described": (), "second softmax": ("second_softmax",)}
    run = make_run(
        tmp_path / "run", pipelines=("crop",), matrices={"all": SMALL}, temperature=2.0, faults=faults
    )
    rows = rows_of(run)
    assert [r["faults"] for r in rows] == ["as-described"] * 2
    assert "and without a row: 1 cell." in (run / "report.html").read_text(encoding="utf-8")
