"""A trial is found again by digest: every member of its key makes another one. A member that is added has to be named here."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.features import PartFeatures
from hilum.augment.presets import preset
from hilum.models.weights import Weights
from hilum.stages.finetune import FinetuneTask
from hilum.stages.train import TrainTask

TRAIN = PartFeatures(("a", "b"), ("aa", "bb"), (("/x.npy", 0), ("/x.npy", 1)), (0, 1))
VALID = PartFeatures(("c", "d"), ("cc", "dd"), (("/x.npy", 2), ("/x.npy", 3)), (0, 1))
TEMPLATE = Bundle(
    classes=("covid", "normal"), positive="covid", backbone="densenet121", weights={"choice": "none"}, state_sha256="s",
    precision="fp32", batch=16, preparation=preset("baseline", 48).to_dict(), head="linear", operating_point={}, calibration={},
    training={"study": "s", "trial": 1},
)  # fmt: skip
TRAINING = {"batch": 4, "best_epoch": False, "early_stopping": None, "epochs": 2, "find_rate": False}
COMMON: dict[str, Any] = {
    "folder": "/trials", "train": TRAIN, "valid": VALID, "template": TEMPLATE, "policy": {"kind": "constant", "learning_rate": 1e-3},
    "loss": {"kind": "cross_entropy"}, "training": tuple(TRAINING.items()), "threshold_rule": "youden", "split_digest": "s", "seed": 5,
}  # fmt: skip
TASKS: dict[str, TrainTask | FinetuneTask] = {
    "head": TrainTask(feature_digest="f", **COMMON),
    "network": FinetuneTask(
        weights=Weights("imagenet", Path("w"), "ab", "a file", "-"), finetune={"train": "all"}, machine="m", threads=1, **COMMON
    ),
}  # fmt: skip
OTHER_TRIAL: dict[str, Any] = {
    "train": replace(TRAIN, image_ids=("a", "z")),
    "valid": replace(VALID, image_ids=("c", "z")),
    "template": replace(TEMPLATE, classes=("normal", "covid")),
    "policy": {"kind": "constant", "learning_rate": 2e-3},
    "loss": {"kind": "focal", "gamma": 2.0},
    "training": tuple({**TRAINING, "epochs": 3}.items()),
    "threshold_rule": "sensitivity>=0.9",
    "split_digest": "t",
    "seed": 6,
    "softmax_first": True,
}
OTHER_HEAD = {**OTHER_TRIAL, "feature_digest": "g"}
OTHER_NETWORK = {
    **OTHER_TRIAL,
    "weights": replace(TASKS["network"].weights, sha256="cd"),  # type: ignore[union-attr]
    "finetune": {"train": "head"},
    "device": "cuda",
    "machine": "n",
    "threads": 2,
}
OTHERS = {"head": OTHER_HEAD, "network": OTHER_NETWORK}
NOT_IN_TRIAL = {"folder", "checkpoint_every_s"}
CASES = [(kind, member) for kind, others in OTHERS.items() for member in others]


@pytest.mark.parametrize("kind", OTHERS)
def test_every_member_of_a_trials_key_is_named_here(kind: str) -> None:
    assert set(OTHERS[kind]) == {f.name for f in fields(TASKS[kind])} - NOT_IN_TRIAL


@pytest.mark.parametrize(("kind", "member"), CASES)
def test_another_trial_has_a_folder_of_its_own(kind: str, member: str) -> None:
    task = TASKS[kind]
    assert replace(task, **{member: OTHERS[kind][member]}).output != task.output


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize("option", TRAINING)
def test_every_option_of_training_is_in_a_trials_key(kind: str, option: str) -> None:
    changed = tuple({**TRAINING, option: 9}.items())
    assert replace(TASKS[kind], training=changed).key != TASKS[kind].key


@pytest.mark.parametrize("part", ["train", "valid"])
@pytest.mark.parametrize("member", ["image_ids", "digests", "labels"])
def test_a_trial_is_of_these_films_in_these_classes(part: str, member: str) -> None:
    for task in TASKS.values():
        films = getattr(task, part)
        changed = replace(films, **{member: tuple(reversed(getattr(films, member)))})
        assert replace(task, **{part: changed}).key != task.key
        moved = replace(films, locations=(("/elsewhere.npy", 0), ("/elsewhere.npy", 1)))
        assert replace(task, **{part: moved}).key == task.key


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


@pytest.mark.parametrize("kind", OTHERS)
def test_what_only_names_a_trial_is_not_in_its_key(kind: str) -> None:
    named = replace(TEMPLATE, training={"study": "another", "trial": 2})
    assert replace(TASKS[kind], template=named, folder="/elsewhere").key == TASKS[kind].key
