"""The loop learns a planted signal, learns nothing from shuffled labels, and gives the same weights every time."""

from pathlib import Path

import numpy as np
import pytest
import torch

from hilum.artifacts.features import FeatureRows
from hilum.core.errors import HilumError, InputError
from hilum.models.heads import build_head
from hilum.models.registry import backbone
from hilum.training.loop import EpochRecord, Source, fit, logits
from hilum.training.schedules import Constant, schedule


def source(tmp_path: Path, name: str, n: int, signal: float, seed: int) -> tuple[Source, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 4, n)
    x = rng.normal(size=(n, 1024)).astype(np.float32)
    x[np.arange(n), y] += signal
    np.save(tmp_path / f"{name}.npy", x)
    rows = FeatureRows([(str(tmp_path / f"{name}.npy"), k) for k in range(n)])
    return Source(rows, y), y


def train(
    tmp_path: Path, signal: float, epochs: int = 8, seed: int = 1
) -> tuple[float, list[EpochRecord], torch.Tensor]:
    learn, _ = source(tmp_path, "train", 640, signal, 1)
    check, y = source(tmp_path, "valid", 400, signal, 2)
    head = build_head(backbone("densenet121"), 4, seed)
    history = list(fit(head, learn, check, Constant(5e-3), epochs, 32, seed))
    z = logits(head, check)
    return float((z.argmax(1).numpy() == y).mean()), history, z


def test_a_planted_signal_is_found(tmp_path: Path) -> None:
    accuracy, history, _ = train(tmp_path, signal=8.0, epochs=4)
    assert accuracy > 0.8
    assert history[-1].valid_loss < 0.5 < history[0].train_loss
    assert [r.epoch for r in history] == list(range(1, 5))


def test_without_a_signal_it_is_chance(tmp_path: Path) -> None:
    accuracy, _, _ = train(tmp_path, signal=0.0, epochs=3)
    assert abs(accuracy - 0.25) < 4 * (0.25 * 0.75 / 400) ** 0.5


def test_the_same_seed_gives_the_same_bits(tmp_path: Path) -> None:
    torch.manual_seed(5)
    first = train(tmp_path, 2.0, epochs=2)
    torch.manual_seed(6)
    torch.rand(3)
    second = train(tmp_path, 2.0, epochs=2)
    assert torch.equal(first[2], second[2])
    assert first[1] == second[1]
    assert not torch.equal(first[2], train(tmp_path, 2.0, epochs=2, seed=2)[2])


def test_a_loss_that_is_not_finite_stops_it(tmp_path: Path) -> None:
    np.save(tmp_path / "inf.npy", np.full((64, 1024), 3e38, np.float32))
    learn = Source(FeatureRows([(str(tmp_path / "inf.npy"), k) for k in range(64)]), np.zeros(64, np.int64))
    head = build_head(backbone("densenet121"), 4, 1)
    with pytest.raises(HilumError, match="the loss is not finite after epoch 1"):
        list(fit(head, learn, learn, Constant(1e-3), 1, 32, 1))


def test_unknown_schedule() -> None:
    with pytest.raises(InputError, match="unknown schedule 'constnt'; did you mean 'constant'"):
        schedule("constnt", 1e-3)
