"""Sets and the gate: what a run adds to a bundle when it predicts, and that whoever reads the bundle judges films alike."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.drawn_films import DrawnFilms
from hilum.artifacts.header import Header
from hilum.artifacts.predictions import Predictions
from hilum.core.errors import DigestError, InputError
from hilum.inference.judged import GATE, Seen, choose, gate_of, judge
from hilum.inference.shapes import lacking_shapes, make_shapes, shapes_of
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


def film(rng: np.random.Generator, k: int) -> np.ndarray:
    """A light disc on dark ground, brighter in every second film."""
    y, x = np.mgrid[:40, :40] - 19.5 + rng.normal(size=(2, 1, 1))
    return np.clip(
        60 + (80 + 20 * (k % 2)) * (x**2 + y**2 < 150) + rng.normal(0, 6, (40, 40)), 0, 255
    ).astype(np.uint8)


@pytest.fixture
def task(tmp_path: Path) -> PredictTask:
    """A trial whose last test film is the negative of one."""
    bundle(tmp_path / "bundle")
    rng = np.random.default_rng(4)
    parts, films = {}, {}
    for part, n in N.items():
        x = (3 + rng.normal(size=(n, 1024))).astype(np.float32)
        x[:, 0] += np.arange(n) % 2
        parts[part] = ([f"{part}-{k}" for k in range(n)], x, [k % 2 for k in range(n)])
        films |= {f"{part}-{k}": film(rng, k) for k in range(n)}
    films["test-5"] = 255 - films["test-5"]
    path, _, body = frozen(tmp_path, parts, CLASSES, films=films)
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
    assert (b.gate["score"], b.gate["of"], b.gate["n_patients"], b.gate["n_train"]) == (
        "mahalanobis",
        GATE,
        40,
        60,
    )


def test_it_is_the_same_again_and_read_bundles_judge_alike(task: PredictTask) -> None:
    predict_trial(task)
    before = {p.name: p.read_bytes() for p in (*task.bundle.iterdir(), task.out)}
    predict_trial(task)
    assert {p.name: p.read_bytes() for p in (*task.bundle.iterdir(), task.out)} == before
    b = Bundle.read(task.bundle)[0]
    (pixels,) = task.body.prepared.glob("*.npy")
    found, test = Predictions.read(task.out), shapes_of(np.load(pixels)[-N["test"] :])
    again = judge(b, gate_of(b, task.bundle), np.array([[3.0, 0.0]] * N["test"]), test)
    for name in ("stranger", "stranger_score"):  # film by film as in the run
        assert again.columns[name] == found.judged[name][-N["test"] :]
    assert again.probabilities[0, 0] == pytest.approx(1 / (1 + np.exp(-3)))
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
    assert judge(b, None, np.zeros((1, 2)), NONE).columns == {}


NONE = np.zeros((1, 768), np.float16)


def few(n_train: int) -> tuple[Seen, tuple[np.ndarray, np.ndarray]]:
    """18 validation films, and training films."""
    rng = np.random.default_rng(2)
    shapes = shapes_of(film(rng, k) for k in range(18))
    valid = Seen(np.array([0, 1] * 9), np.tile([[4.0, 0.0]], (18, 1)), shapes, np.arange(18).astype(np.str_))
    return valid, (shapes_of(film(rng, k) for k in range(n_train)), np.arange(n_train) % 2)


def test_few_validation_patients_make_no_threshold(tmp_path: Path) -> None:
    valid, train = few(12)
    chosen, gate = choose(bundle(tmp_path), tmp_path, valid, train)
    assert (chosen.gate["threshold"], chosen.gate["n_needed"], chosen.gate["n_train"]) == (None, 19, 12)
    assert judge(chosen, gate, np.array([[-90.0, -90.0]]), NONE).columns["stranger"] == ("0",)


def test_few_training_films_make_no_gate(tmp_path: Path) -> None:
    valid, train = few(3)
    chosen, gate = choose(bundle(tmp_path), tmp_path, valid, train)
    assert (chosen.gate, gate) == ({}, None)
    assert not (tmp_path / "gate.safetensors").exists()
    assert Bundle.read(tmp_path)[0].conformal["n_patients"] == {"covid": 9, "normal": 9}


def test_a_gate_of_an_earlier_hilum_is_refused(tmp_path: Path) -> None:
    b = bundle(tmp_path, gate={"score": "mahalanobis", "of": "features of length 1", "threshold": 9.0})
    with pytest.raises(
        InputError,
        match="got one of 'features of length 1', which an earlier hilum made; run its study again",
    ):
        gate_of(b, tmp_path)


def test_shapes_of_films_are_made_once_a_shard_and_found_again(task: PredictTask) -> None:
    predict_trial(task)
    folder, before = task.body.prepared / "shapes", task.out.read_bytes()
    kept = {p: p.stat().st_mtime_ns for p in folder.iterdir()}
    assert sorted("".join(p.suffixes[-2:]) for p in kept) == [".1.npy", ".ids.npy"]
    predict_trial(task)
    assert {p: p.stat().st_mtime_ns for p in folder.iterdir()} == kept
    for p in kept:
        p.unlink()
    (key,) = DrawnFilms.read(task.drawn).shards
    assert lacking_shapes(task.body.prepared, [key]) == [(task.body.prepared, key)]
    make_shapes((task.body.prepared, key))
    assert lacking_shapes(task.body.prepared, [key]) == []
    predict_trial(task)
    assert task.out.read_bytes() == before
