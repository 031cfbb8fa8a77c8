"""Training of one head on stored features: hilum's loop beside Lightning's trainer and scikit-learn's logistic regression.

Rows of `make bench`. Features are drawn, with a class that can be learned from them: ResNet50's vectors, and SqueezeNet's maps in half
precision, which are read from disk as a study reads them.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, Dataset
from turns import Pair, Side, rival_module

from hilum.artifacts.features import FeatureRows
from hilum.core.seeding import generator
from hilum.models.heads import HEADS, build_head
from hilum.models.machine import threads
from hilum.models.registry import backbone
from hilum.study.policies.constant import ConstantPolicy
from hilum.study.tables import TrainingTable
from hilum.training.loop import fit
from hilum.training.regimen import LabelledRows, Regimen

SHAPES = {"resnet50": (2048,), "squeezenet1_0": (512, 14, 14)}
CLASSES, BATCH, RATE = 4, 32, 5e-4
Rows = tuple[NDArray[Any], NDArray[np.int64]]


def features(name: str, n: int) -> Rows:
    """Features as a study stores them, and classes that show in them."""
    rng, shape = generator(1, "benchmark of heads", name), SHAPES[name]
    true = rng.integers(0, CLASSES, n)
    values = rng.random((n, *shape), np.float32)
    values[:, :CLASSES] += 0.3 * np.eye(CLASSES, dtype=np.float32)[true].reshape(
        n, CLASSES, *(1,) * (len(shape) - 1)
    )
    return values.astype("float16" if len(shape) == 3 else "float32"), true


class Films(Dataset[Any]):
    """Features of films one by one, as a data set of torch has them."""

    def __init__(self, rows: Rows) -> None:
        self.values, self.true = torch.from_numpy(rows[0]), torch.from_numpy(rows[1])

    def __len__(self) -> int:
        return len(self.true)

    def __getitem__(self, k: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self.values[k].float(), self.true[k]


def own_head(name: str) -> nn.Module:
    """The head as a user writes it who knows the study's."""
    if len(SHAPES[name]) == 3:
        conv = nn.Conv2d(SHAPES[name][0], CLASSES, 1)
        return nn.Sequential(nn.Dropout(0.5), conv, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return HEADS[backbone(name).head](SHAPES[name][0], CLASSES)


def lightning(name: str, train: Rows, valid: Rows, epochs: int) -> tuple[Side | None, str]:
    """Lightning's trainer of the same head, with its extras off; https://lightning.ai/docs/pytorch/stable/common/trainer.html"""
    found, why = rival_module("lightning")
    if found is None:
        return None, why

    class Module(found.LightningModule):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.head = own_head(name)

        def training_step(self, batch: Any, _: int) -> torch.Tensor:
            return cross_entropy(self.head(batch[0]), batch[1])

        def validation_step(self, batch: Any, _: int) -> None:
            self.log("valid_loss", cross_entropy(self.head(batch[0]), batch[1]))

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.head.parameters(), lr=RATE)

    def run() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that workers would help: they would not, the rows are in memory
            trainer = found.Trainer(
                max_epochs=epochs, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
                enable_model_summary=False,
            )  # fmt: skip
            loaders = DataLoader(Films(train), BATCH, shuffle=True), DataLoader(Films(valid), 256)
            trainer.fit(Module(), *loaders)

    return run, ""


def hilum(folder: Path, name: str, train: Rows, valid: Rows, epochs: int, head: str = "") -> Side:
    """hilum's loop, as a task of a study runs it."""
    stored = []
    for part, (values, true) in {"train": train, "valid": valid}.items():
        path = folder / f"{name}-{part}.npy"
        np.save(path, values)
        stored.append(LabelledRows(FeatureRows([(str(path), k) for k in range(len(values))]), true))
    b = backbone(name).with_head(head) if head else backbone(name)
    regimen = Regimen(
        ConstantPolicy(learning_rate=RATE), cross_entropy, TrainingTable(epochs=epochs, batch=BATCH), 0
    )

    def run() -> None:
        with threads(1):
            list(fit(build_head(b, CLASSES, 0), *stored, regimen))

    return run


def pairs(films: int, epochs: int) -> Iterator[Pair]:
    """Each head beside Lightning's trainer, and a linear one beside logistic regression."""
    with tempfile.TemporaryDirectory() as temporary:
        for name, n in {"resnet50": films, "squeezenet1_0": max(films // 4, 8)}.items():
            train, valid = features(name, n), features(name, n // 4)
            theirs, why = lightning(name, train, valid, epochs)
            ours = hilum(Path(temporary), name, train, valid, epochs)
            words = "hilum: one thread, rows from disk, order and dropout drawn by key; Lightning: all threads, rows in memory"
            job = f"head of {name}, {n} films, {epochs} epochs"
            yield Pair(job, "Lightning trainer, same head", ours, theirs, words, 5, why=why)
        train, valid = features("resnet50", films), features("resnet50", films // 4)

        def regression() -> None:
            scaler = StandardScaler().fit(train[0])
            LogisticRegression(max_iter=200).fit(scaler.transform(train[0]), train[1])

        yield Pair(
            f"linear head of resnet50, {films} films, {epochs} epochs", "scikit-learn's LogisticRegression",
            hilum(Path(temporary), "resnet50", train, valid, epochs, "linear"), regression,
            "hilum: Adam for so many epochs with validation after each, one thread; scikit-learn: L-BFGS to its optimum, all threads", 5,
        )  # fmt: skip
