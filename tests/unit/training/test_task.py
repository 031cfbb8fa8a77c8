"""A trial is found again by digest: every member of its key makes another one. A member that is added has to be named here."""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import pytest

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.features import FeatureSpec
from hilum.augment.presets import preset
from hilum.models.weights import Weights
from hilum.study.losses import CrossEntropy, Focal
from hilum.study.policies.constant import ConstantPolicy
from hilum.study.tables import FinetuneTable, TrainingTable
from hilum.training.task import Frozen, TrainTask, Whole, shuffled_labels

SPEC = FeatureSpec("net", "t", "s", (0.5,) * 3, (0.2,) * 3, "fp32", 4, (8, 8), "cpu", 1, {}, "float32")
TEMPLATE = Bundle(
    classes=("covid", "normal"), positive="covid", backbone="densenet121", weights={"choice": "none"}, state_sha256="s",
    precision="fp32", batch=16, preparation=preset("baseline", 48).to_dict(), head="linear", operating_point={}, calibration={},
    training={"study": "s", "trial": 1},
)  # fmt: skip
COMMON: dict[str, Any] = {
    "folder": Path("/trials"), "drawn": Path("/d.json"),
    "train_digest": "aa", "valid_digest": "bb", "template": TEMPLATE, "policy": ConstantPolicy(learning_rate=1e-3),
    "loss": CrossEntropy(), "training": TrainingTable(epochs=2, batch=4), "threshold_rule": "youden", "split_digest": "s", "seed": 5,
}  # fmt: skip
WHOLE = Whole(
    Weights("imagenet", Path("w"), "ab", "a file", "-"),
    FinetuneTable(),
    Path("/prepared"),
    machine="m",
    threads=1,
)
TASKS = {
    "head": TrainTask(body=Frozen(SPEC, Path("/features"), Path("/prepared")), **COMMON),
    "network": TrainTask(body=WHOLE, **COMMON),
}
OTHER_TRIAL: dict[str, Any] = {
    "train_digest": "cc",
    "valid_digest": "dd",
    "template": replace(TEMPLATE, classes=("normal", "covid")),
    "policy": ConstantPolicy(learning_rate=2e-3),
    "loss": Focal(kind="focal"),
    "training": TrainingTable(epochs=3, batch=4),
    "threshold_rule": "sensitivity>=0.9",
    "split_digest": "t",
    "seed": 6,
    "softmax_first": True,
}
OTHER_BODY: dict[str, dict[str, Any]] = {
    "head": {"features": replace(SPEC, threads=2)},
    "network": {
        "weights": replace(WHOLE.weights, sha256="cd"),
        "finetune": FinetuneTable(train="head"),
        "device": "cuda",
        "machine": "n",
        "threads": 2,
    },
}
CASES = [(kind, member) for kind in TASKS for member in OTHER_TRIAL]
OTHER_TRAINING = {
    "epochs": 3, "batch": 8, "learning_rate": 0.25, "early_stopping": 2, "best_epoch": True, "balanced_batches": True, "find_rate": True,
    "head": "mlp", "dropout": 0.25,
}  # fmt: skip
OTHER_FINETUNE = {
    "train": "head", "unfreeze": "gradual", "head_epochs": 2, "rate_divisor": 10.0, "batchnorm": "eval", "precision": "bf16-mixed",
    "accumulate": 2, "devices": 2, "reset_first_conv": True,
}  # fmt: skip


def test_every_member_of_a_trials_key_is_named_here() -> None:
    assert {*OTHER_TRIAL, "folder", "drawn", "body"} == {f.name for f in fields(TrainTask)}
    assert {*OTHER_BODY["head"], "stores", "prepared"} == {f.name for f in fields(Frozen)}
    assert {*OTHER_BODY["network"], "prepared", "checkpoint_every_s"} == {f.name for f in fields(Whole)}


@pytest.mark.parametrize(("kind", "member"), CASES)
def test_another_trial_has_a_folder_of_its_own(kind: str, member: str) -> None:
    task = TASKS[kind]
    assert replace(task, **{member: OTHER_TRIAL[member]}).output != task.output


@pytest.mark.parametrize(
    ("kind", "member"), [(kind, member) for kind, members in OTHER_BODY.items() for member in members]
)
def test_another_body_is_another_trial(kind: str, member: str) -> None:
    task = TASKS[kind]
    body = replace(task.body, **{member: OTHER_BODY[kind][member]})
    assert replace(task, body=body).output != task.output


def test_a_frozen_and_a_whole_network_are_never_one_trial() -> None:
    assert TASKS["head"].key != TASKS["network"].key


@pytest.mark.parametrize("option", TrainingTable.model_fields)
def test_every_option_of_training_is_in_a_trials_key(option: str) -> None:
    for task in TASKS.values():
        changed = task.training.model_copy(update={option: OTHER_TRAINING[option]})
        assert replace(task, training=changed).key != task.key


@pytest.mark.parametrize("option", FinetuneTable.model_fields)
def test_every_option_of_fine_tuning_is_in_a_trials_key(option: str) -> None:
    changed = replace(WHOLE, finetune=WHOLE.finetune.model_copy(update={option: OTHER_FINETUNE[option]}))
    assert replace(TASKS["network"], body=changed).key != TASKS["network"].key


IN_TEMPLATE = {
    "classes": ("normal", "covid"), "positive": "normal", "backbone": "resnet50", "precision": "bf16", "batch": 8,
    "preparation": preset("crop", 48).to_dict(), "head": "mlp", "unsafe": ("second_softmax",),
}  # fmt: skip


@pytest.mark.parametrize("member", [*IN_TEMPLATE, "state_sha256"])
def test_what_the_model_is_made_of_is_in_a_trials_key(member: str) -> None:
    kinds = ["head"] if member == "state_sha256" else list(TASKS)  # a whole network's is found by training
    for kind in kinds:
        changed = replace(TEMPLATE, **{member: IN_TEMPLATE.get(member, "another")})
        assert replace(TASKS[kind], template=changed).key != TASKS[kind].key


@pytest.mark.parametrize("kind", TASKS)
def test_what_only_names_a_trial_is_not_in_its_key(kind: str) -> None:
    named = replace(TEMPLATE, training={"study": "another", "trial": 2})
    assert (
        replace(TASKS[kind], template=named, folder=Path("/elsewhere"), drawn=Path("/e.json")).key
        == TASKS[kind].key
    )


def test_the_pace_of_checkpoints_makes_no_other_trial() -> None:
    task = TASKS["network"]
    assert replace(task, body=replace(WHOLE, checkpoint_every_s=1.0)).key == task.key


def test_where_films_lie_makes_no_other_trial() -> None:
    network, head = TASKS["network"], TASKS["head"]
    assert replace(network, body=replace(WHOLE, prepared=Path("/elsewhere"))).key == network.key
    assert replace(head, body=Frozen(SPEC, Path("/elsewhere"), Path("/there"))).key == head.key


@dataclass(frozen=True)
class LaterBundle(Bundle):
    """A bundle of a later hilum, with one more optional field."""

    explanation: str = "none"


class LaterTraining(TrainingTable):
    """``[training]`` of a later hilum."""

    average_weights: bool = False


class LaterFinetune(FinetuneTable):
    """``[finetune]`` of a later hilum."""

    layers: int = 0


class LaterPolicy(ConstantPolicy):
    """A policy of a later hilum."""

    nesterov: bool = False


@pytest.mark.parametrize("kind", TASKS)
def test_bundles_and_tables_that_grow_leave_every_trials_key_as_it_was(kind: str) -> None:
    task = TASKS[kind]
    later = replace(
        task,
        template=LaterBundle(**vars(TEMPLATE)),
        training=LaterTraining(**dict(task.training)),
        policy=LaterPolicy(**dict(task.policy)),
    )
    if isinstance(task.body, Whole):
        later = replace(later, body=replace(WHOLE, finetune=LaterFinetune()))
    assert "average_weights" in later.options  # it is in the record
    assert later.key == task.key


def test_a_probe_is_another_trial_and_a_task_without_one_has_the_key_that_it_had() -> None:
    own = TASKS["head"]
    probe = replace(own, template=replace(TEMPLATE, probe="labels-shuffled"))
    assert probe.key != own.key
    assert replace(own, template=replace(TEMPLATE, probe="")).key == own.key


def test_shuffled_labels_are_the_films_labels_in_another_order_and_copies_keep_one() -> None:
    ids = [f"f{k}" for k in range(300) for _ in range(1 + (k % 3 == 0))]
    label = {f"f{k}": k % 4 for k in range(300)}
    dealt = shuffled_labels(ids, [label[i] for i in ids], 7)
    anew = dict(zip(ids, dealt, strict=True))
    assert [anew[i] for i in ids] == list(dealt)
    assert sorted(anew.values()) == sorted(label.values())
    agree = sum(anew[i] == label[i] for i in label) / 300
    assert 0.15 < agree < 0.35  # a quarter by chance
    assert (
        dealt
        == shuffled_labels(ids, [label[i] for i in ids], 7)
        != shuffled_labels(ids, [label[i] for i in ids], 8)
    )
