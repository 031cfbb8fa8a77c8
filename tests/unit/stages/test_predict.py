"""Predictions of a trial from stored features, by a head whose weights are written out."""

import json
from pathlib import Path

import numpy as np
import pytest

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.header import Header
from hilum.artifacts.predictions import Predictions
from hilum.models.heads import build_head
from hilum.models.registry import backbone
from hilum.stages.predict import PredictTask, predict_trial
from trial_films import frozen

CLASSES = ("bacterial", "covid", "normal", "viral")
FIRST = [-1.0, 0.0, 1.0, 2.0]
"""First feature of the four films; the logit of covid is four times it, that of viral -60, of the others 0."""


@pytest.mark.parametrize("second_softmax", [False, True])
def test_decisions_are_made_on_the_scale_that_the_threshold_was_chosen_on(
    tmp_path: Path, second_softmax: bool
) -> None:
    """A second softmax brings every probability below .475; the threshold of .6 is of those before it."""
    state = {
        k: np.zeros_like(v.numpy()) for k, v in build_head(backbone("densenet121"), 4, 1).state_dict().items()
    }
    weight, bias = sorted(state, key=lambda k: -state[k].ndim)
    state[weight][1, 0], state[bias][3] = 4.0, -60.0
    Bundle(
        CLASSES, "covid", "densenet121", {"choice": "none"}, "s", "fp32", 4, {"name": "baseline"}, "linear", {"threshold": 0.6},
        {"temperature": 1.0}, {},
    ).write(tmp_path / "bundle", Header("bundle"), state)  # fmt: skip
    features = np.zeros((4, 1024), np.float32)
    features[:, 0] = FIRST
    path, _, body = frozen(tmp_path, {"test": (list("abcd"), features, (0, 1, 2, 3))}, CLASSES)
    predict_trial(PredictTask(tmp_path / "bundle", path, body, tmp_path / "p.csv", second_softmax))
    p = Predictions.read(tmp_path / "p.csv")
    once = np.exp([[0, 4 * x, 0, -60] for x in FIRST])
    once /= once.sum(axis=1, keepdims=True)
    twice = np.exp(once) / np.exp(once).sum(axis=1, keepdims=True)
    assert p.probabilities == pytest.approx(twice if second_softmax else once, abs=1e-8)
    assert p.operating_point == ("0", "0", "1", "1")
    assert json.loads((tmp_path / "predict.json").read_text())["constant"] is False  # though viral's is
