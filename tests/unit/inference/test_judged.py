"""Sets and the gate: what a run adds to a bundle when it predicts, and that whoever reads the bundle judges films alike."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.header import Header
from hilum.artifacts.predictions import Predictions
from hilum.core.errors import DigestError, InputError
from hilum.inference.judged import Seen, choose, gate_of, judge, pooled
from hilum.models.heads import build_head
from hilum.models.registry import backbone
from hilum.stages.predict import PredictTask, predict_trial
from trial_films import frozen

CLASSES = ("covid", "normal")
N = {"train": 60, "valid": 40, "test": 6}


def bundle(folder: Path, **fields: object) -> Bundle:
    state = {k: v.numpy() for k, v in build_head(backbone("densenet121"), 2, 1).state_dict().items()}
    plain = Bundle(
        CLASSES, "covid", "densenet121", {"choice": "none"}, "s", "fp32", 4, {"name": "baseline"}, "linear", {"threshold": 0.5},
        {"temperature": 2.0}, {}, **fields,  # type: ignore[arg-type]
    )  # fmt: skip
    plain.write(folder, Header("bundle"), state)
    return plain


@pytest.fixture
def task(tmp_path: Path) -> PredictTask:
    """A trial whose last test film is far from all others."""
    bundle(tmp_path / "bundle")
    rng = np.random.default_rng(4)
    parts = {}
    for part, n in N.items():
        x = (3 + rng.normal(size=(n, 1024))).astype(np.float32)
        x[:, 0] += np.arange(n) % 2
        if part == "test":
            x[-1] *= -1
        parts[part] = ([f"{part}-{k}" for k in range(n)], x, [k % 2 for k in range(n)])
    path, _, body = frozen(tmp_path, parts, CLASSES)
    return PredictTask(tmp_path / "bundle", path, body, tmp_path / "p.csv")


def test_a_run_chooses_on_validation_and_the_file_has_sets_and_strangers(task: PredictTask) -> None:
    predict_trial(task)
    found, b = Predictions.read(task.out), Bundle.read(task.bundle)[0]
    assert sorted(p.name for p in task.bundle.iterdir()) == [
        "bundle.json",
        "gate.safetensors",
        "head.safetensors",
    ]
    assert b.conformal["n_patients"] == {"covid": 20, "normal": 20}
    least = b.conformal["least"]["90"]
    for p, text in zip(found.probabilities, found.judged["set_90"], strict=True):
        held = [c for k, c in enumerate(CLASSES) if p[k] >= least[c] - 1e-8]
        assert text == ("|".join(held) or "(none)")
    valid = [k for k, part in enumerate(found.parts) if part == "valid"]
    covered = sum(found.y_true[k] in found.judged["set_90"][k].split("|") for k in valid)
    assert covered == 2 * 19  # ceil(21 * .9) = 19 of 20 films of each class reach their threshold
    strange = np.array([float(s) for s in found.judged["stranger_score"]])
    assert strange.argmax() == len(found) - 1
    assert found.judged["stranger"][-1] == "1"
    assert (
        sum(found.judged["stranger"][k] == "1" for k in valid) == 1
    )  # 39 of 41 patients' weight is 38.95: one is above
    assert (b.gate["score"], b.gate["n_patients"], b.gate["n_train"]) == ("mahalanobis", 40, 60)


def test_it_is_the_same_again_and_read_bundles_judge_alike(task: PredictTask) -> None:
    predict_trial(task)
    before = {p.name: p.read_bytes() for p in (*task.bundle.iterdir(), task.out)}
    predict_trial(task)
    assert {p.name: p.read_bytes() for p in (*task.bundle.iterdir(), task.out)} == before
    b = Bundle.read(task.bundle)[0]
    one = judge(b, gate_of(b, task.bundle), np.array([[3.0, 0.0]]), np.full((1, 1024), -9.0, np.float32))
    assert one.columns["stranger"] == ("1",)
    assert one.probabilities[0, 0] == pytest.approx(1 / (1 + np.exp(-3)))
    path = task.bundle / "gate.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(DigestError, match="made from gate"):
        gate_of(b, task.bundle)
    path.unlink()
    with pytest.raises(InputError, match=r"expected gate\.safetensors beside bundle\.json"):
        gate_of(b, task.bundle)


def test_a_bundle_without_thresholds_adds_no_columns(tmp_path: Path) -> None:
    b = bundle(tmp_path)
    assert not {"conformal", "gate"} & set(json.loads((tmp_path / "bundle.json").read_text()))
    assert gate_of(b, tmp_path) is None
    assert judge(b, None, np.zeros((1, 2)), None).columns == {}


def test_a_whole_network_has_the_energy_of_its_logits_and_few_patients_no_threshold(tmp_path: Path) -> None:
    b = bundle(tmp_path)
    few = Seen(np.array([0, 1] * 9), np.tile([[4.0, 0.0]], (18, 1)), None, np.arange(18).astype(np.str_))
    chosen, scores = choose(b, tmp_path, few, None)
    assert (chosen.gate["score"], chosen.gate["threshold"], chosen.gate["n_needed"]) == ("energy", None, 19)
    assert scores(np.array([[0.0, 0.0]]), None) == pytest.approx([-np.log(2)])
    assert not (tmp_path / "gate.safetensors").exists()
    assert judge(chosen, scores, np.array([[-90.0, -90.0]]), None).columns["stranger"] == ("0",)


def test_maps_are_pooled_to_their_mean() -> None:
    maps = np.arange(12, dtype=np.float16).reshape(1, 3, 2, 2)
    assert pooled(maps).tolist() == [[1.5, 5.5, 9.5]]
    assert pooled(maps.reshape(4, 3)).dtype == np.float32
