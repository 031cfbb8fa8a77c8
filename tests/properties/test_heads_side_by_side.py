"""What a trial gives does not depend, to the bit, on which others are trained with it, in which order, or on what was done before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hilum.artifacts.bundle import Bundle
from hilum.augment.presets import preset
from hilum.core.errors import DivergedError
from hilum.stages import train as module
from hilum.stages.train import grouped, train_heads
from hilum.study.losses import CrossEntropy, Focal
from hilum.study.policies.constant import ConstantPolicy
from hilum.study.policies.one_cycle import OneCyclePolicy, Phase
from hilum.study.policies.plateau import PlateauPolicy
from hilum.study.tables import TrainingTable
from hilum.training.loop import Learner, epochs
from hilum.training.regimen import LabelledRows
from hilum.training.task import TrainTask
from trial_films import Part, frozen

CLASSES = ("bacterial", "covid", "normal")
PHASES = [Phase(epochs=2, max_rate=1e-2), Phase(epochs=1, max_rate=5e-3)]
WAYS: list[dict[str, Any]] = [
    {},
    {"policy": OneCyclePolicy(kind="one_cycle", phases=PHASES, weight_decay=1e-4, clip_value=0.1)},
    {"policy": PlateauPolicy(kind="plateau", learning_rate=1e-2, patience=0, factor=0.3)},
    {"policy": ConstantPolicy(learning_rate=1e-2, optimizer="sgd", clip_norm=0.5)},
    {"policy": ConstantPolicy(learning_rate=1e-2, optimizer="adamw", weight_decay=0.1)},
    {"loss": Focal(kind="focal", gamma=1.5, alpha="balanced")},
    {"loss": CrossEntropy(class_weights="balanced"), "softmax_first": True},
    {"epochs": 2},
    {"epochs": 6, "early_stopping": 1},
    {"epochs": 4, "best_epoch": True, "find_rate": True},
]
BACKBONES = ["squeezenet1_0", "resnet50", "densenet121"]


def part(name: str, n: int, seed: int, shape: tuple[int, ...], dtype: str) -> Part:
    rng = np.random.default_rng(seed)
    x = np.abs(rng.normal(size=(n, *shape))).astype(dtype)
    y = np.arange(n) % 3
    x[np.arange(n), y] += 1
    return [f"{name}-{k}" for k in range(n)], x, y.tolist()


def tasks(folder: Path, name: str) -> list[TrainTask]:
    """A training for each of `WAYS`, of one seed and the same films."""
    shape, dtype, head = {
        "squeezenet1_0": ((512, 3, 3), "float16", "conv"), "resnet50": ((2048,), "float32", "mlp"),
        "densenet121": ((1024,), "float32", "linear"),
    }[name]  # fmt: skip
    parts = {"train": part("t", 41, 1, shape, dtype), "valid": part("v", 24, 2, shape, dtype)}
    path, drawn, body = frozen(folder, parts, CLASSES)
    template = Bundle(
        CLASSES, "covid", name, {"choice": "none", "sha256": "", "source": "random", "seed": 1}, "state", "fp32", 16,
        preset("baseline", 48).to_dict(), head, {}, {}, {"study": "s", "trial": 1},
    )  # fmt: skip
    plain = TrainTask(
        folder=folder / "trials", body=body, drawn=path, train_digest=drawn.digest_of("train", CLASSES),
        valid_digest=drawn.digest_of("valid", CLASSES), template=template, policy=ConstantPolicy(learning_rate=5e-3),
        loss=CrossEntropy(), training=TrainingTable(epochs=3, batch=16), threshold_rule="youden", split_digest="d", seed=7,
    )  # fmt: skip
    made = []
    for way in WAYS:
        own = {k: v for k, v in way.items() if k in ("policy", "loss", "softmax_first")}
        options = {k: v for k, v in way.items() if k not in own}
        made.append(replace(plain, training=plain.training.model_copy(update=options), **own))
    return made


def left(folder: Path) -> dict[str, bytes]:
    """The files of a trial that no clock is in."""
    files = [
        p
        for p in folder.rglob("*")
        if p.is_file() and p.name not in ("train.json", "finder.json", "bundle.json")
    ]
    return {str(p.relative_to(folder)): p.read_bytes() for p in files}


@pytest.fixture(scope="module", params=BACKBONES)
def alone(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, list[dict[str, bytes]]]:
    """What each training leaves that is done by itself."""
    todo = tasks(tmp_path_factory.mktemp("alone"), request.param)
    for task in todo:
        train_heads([task])
    found = [left(task.output) for task in todo]
    assert sorted(found[0]) == ["bundle/head.safetensors", "history.jsonl"]
    assert len({f["bundle/head.safetensors"] for f in found}) >= 7  # what stops early may be as the plain one
    return request.param, found


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(len(WAYS))), cuts=st.sets(st.integers(1, len(WAYS) - 1), max_size=4))
def test_groups_of_any_composition_give_what_each_gives_alone(
    alone: tuple[str, list[dict[str, bytes]]],
    tmp_path_factory: pytest.TempPathFactory,
    order: list[int],
    cuts: set[int],
) -> None:
    name, expected = alone
    todo = tasks(tmp_path_factory.mktemp("groups"), name)
    borders = [0, *sorted(cuts), len(WAYS)]
    for a, b in pairwise(borders):
        assert train_heads([todo[k] for k in order[a:b]]) == b - a
    assert [left(task.output) for task in todo] == expected


def test_what_is_done_is_found_and_the_rest_of_its_group_is_as_alone(
    alone: tuple[str, list[dict[str, bytes]]], tmp_path: Path
) -> None:
    name, expected = alone
    todo = tasks(tmp_path, name)
    train_heads(todo[:2])
    stamps = [(t.output / "train.json").stat().st_mtime_ns for t in todo[:2]]
    train_heads(todo)
    assert [(t.output / "train.json").stat().st_mtime_ns for t in todo[:2]] == stamps
    assert [left(task.output) for task in todo] == expected


def test_heads_that_are_too_large_to_go_side_by_side_go_one_after_another(
    alone: tuple[str, list[dict[str, bytes]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, expected = alone
    side_by_side: list[int] = []

    def noted(learners: Sequence[Learner], *films: LabelledRows) -> Iterator[list[Learner]]:
        side_by_side.append(len(learners))
        return epochs(learners, *films)

    monkeypatch.setattr(module, "epochs", noted)
    monkeypatch.setattr(module, "TOGETHER_BYTES", 1)
    todo = tasks(tmp_path, name)[:2]
    train_heads(todo)
    assert side_by_side == [1, 1]
    assert [left(task.output) for task in todo] == expected[:2]


def test_one_that_diverges_ends_alone(alone: tuple[str, list[dict[str, bytes]]], tmp_path: Path) -> None:
    name, expected = alone
    todo = tasks(tmp_path, name)[:3]
    bad = replace(todo[0], policy=ConstantPolicy(learning_rate=1e38, optimizer="sgd"))
    with pytest.raises(DivergedError, match="the loss is not finite after epoch 1"):
        train_heads([todo[0], bad, *todo[1:]])
    assert not bad.output.exists()
    assert [left(task.output) for task in todo] == expected[:3]


def test_groups_share_films_order_and_dropout_and_leave_no_core_idle(tmp_path: Path) -> None:
    todo = tasks(tmp_path, "densenet121")
    assert [len(g) for g in grouped(todo, 1)] == [5, 5]
    assert [len(g) for g in grouped(todo, 2)] == [2] * 5
    assert [len(g) for g in grouped(todo, 16)] == [1] * 10
    other = [
        replace(todo[0], seed=8),
        replace(todo[0], training=todo[0].training.model_copy(update={"batch": 8})),
        replace(todo[0], training=todo[0].training.model_copy(update={"dropout": 0.2})),
        replace(todo[0], drawn=tmp_path / "other.json"),
        replace(todo[0], template=replace(todo[0].template, head="mlp")),
    ]
    mixed = [x for pair in zip(todo[:5], other, strict=True) for x in pair]
    assert [len(g) for g in grouped(mixed, 1)] == [5, 1, 1, 1, 1, 1]
    assert [t for g in grouped(mixed, 1) for t in g][:5] == todo[:5]
