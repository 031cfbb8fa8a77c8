"""train: features of train and valid -> a bundle and its history. The test part cannot be reached from here.

A task is found again by the digest of its inputs. What is chosen (operating point, temperature, and where the study asks for it the
epoch) is chosen on the validation films.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import TypeAdapter
from torch import nn

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.features import FeatureRows, PartFeatures
from hilum.artifacts.header import Header
from hilum.core.digests import SHORT, digest
from hilum.models.heads import build_head
from hilum.models.machine import keep_memory
from hilum.models.registry import backbone
from hilum.study.losses import Loss
from hilum.study.policies import Policy
from hilum.training.finder import find_rate
from hilum.training.loop import Source, fit, logits, lowest
from hilum.training.losses import LossFunction, build_loss
from hilum.training.trial import finished, history_lines, write_trial

FOUND_BY_TRAINING = ("operating_point", "calibration")
KNOWN_BY_DIGEST = ("weights", "training")
"""Fields of a bundle that tell where it comes from, in words; what they stand for is in `state_sha256` and in the task."""


@dataclass(frozen=True)
class TrainTask:
    """One trial of one cell.

    Attributes:
        folder: The workspace's ``trials`` folder.
        feature_digest: Digest of the feature specification.
        train: A film that was drawn k times is there k times.
        valid: Validation films.
        template: The bundle, but for what training finds.
        policy: A learning-rate policy, its rate filled in (``Study.policy_of``), as ``model_dump`` gives it.
        loss: A loss, likewise.
        training: The study's ``[training]``: ``epochs``, ``batch``, ``learning_rate``, ``early_stopping``, ``best_epoch``, ``find_rate``.
        threshold_rule: How the operating point is chosen.
        split_digest: Digest of the split.
        seed: Of the head's first weights, the order of films and dropout.
        softmax_first: A fault of the published scripts: the loss takes probabilities for logits.
    """

    folder: str
    feature_digest: str
    train: PartFeatures
    valid: PartFeatures
    template: Bundle
    policy: dict[str, Any]
    loss: dict[str, Any]
    training: tuple[tuple[str, Any], ...]
    threshold_rule: str
    split_digest: str
    seed: int
    softmax_first: bool = False

    @property
    def inputs(self) -> dict[str, str]:
        """Digests of what goes in."""
        return {
            "features": self.feature_digest,
            "split": self.split_digest,
            "train": self.train.digest,
            "valid": self.valid.digest,
        }

    @property
    def options(self) -> dict[str, Any]:
        """What was asked for; in the bundle's header and record."""
        return {
            **dict(self.training),
            "policy": self.policy,
            "loss": self.loss,
            "softmax_first": self.softmax_first,
        }

    @property
    def key(self) -> str:
        """Digest of all that makes a difference."""
        apart = (*FOUND_BY_TRAINING, *KNOWN_BY_DIGEST)
        template = {k: v for k, v in asdict(self.template).items() if k not in apart}
        return digest([self.inputs, template, self.options, self.threshold_rule, self.seed])

    @property
    def output(self) -> Path:
        """The trial's folder."""
        return Path(self.folder) / self.key[:SHORT]

    @property
    def finished(self) -> bool:
        """Whether it is there; a trial is written whole, with all that was asked for."""
        return self.output.is_dir()


def head_rates(task: TrainTask) -> dict[str, Any]:
    """The learning-rate finder on a task's films, and nothing else: what ``finder.json`` of the trained task holds.

    Raises:
        InputError: The policy or the loss does not fit the study.
    """
    with _as_trained():
        return _finder(task, *_begin(task))


def train_head(task: TrainTask) -> Path:
    """Do one task, unless it was done.

    Returns:
        Its folder, with ``bundle/``, ``history.jsonl``, ``train.json`` (``seconds``, ``steps_per_epoch``, ``epochs``) and, where asked
        for, ``finder.json``.

    Raises:
        InputError: The policy or the loss does not fit the study.
        HilumError: The loss is no longer finite.
    """
    if task.output.is_dir():
        return task.output
    with _as_trained():
        _train(task)
    return task.output


@contextmanager
def _as_trained() -> Iterator[None]:
    """One thread, so that the sums are taken in one order whatever the number of workers."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    keep_memory()  # a worker is a fresh process, which would map each batch's maps anew
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _begin(task: TrainTask) -> tuple[nn.Module, Source, LossFunction, Policy]:
    """A task's head before its first step, its training films, its loss and its policy."""
    labels = np.array(task.train.labels, np.int64)
    classes = task.template.classes
    loss = build_loss(TypeAdapter[Loss](Loss).validate_python(task.loss), classes, labels, task.softmax_first)
    head = build_head(backbone(task.template.backbone), len(classes), task.seed)
    policy = TypeAdapter[Policy](Policy).validate_python(task.policy)
    return head, Source(FeatureRows(task.train.locations), labels), loss, policy


def _finder(
    task: TrainTask, head: nn.Module, train: Source, loss: LossFunction, policy: Policy
) -> dict[str, Any]:
    start = time.perf_counter()
    curve = find_rate(head, train, loss, dict(task.training)["batch"], task.seed, policy)
    return {**curve.to_dict(), "seconds": round(time.perf_counter() - start, 4)}


def _train(task: TrainTask) -> None:
    start = time.perf_counter()
    options = dict(task.training)
    template = task.template
    head, train, loss, policy = _begin(task)
    facts = {}
    if options.get("find_rate"):
        facts["finder.json"] = _finder(task, head, train, loss, policy)
        start = time.perf_counter()
    valid = Source(FeatureRows(task.valid.locations), np.array(task.valid.labels, np.int64))
    best_epoch = bool(options.get("best_epoch"))
    records = list(
        fit(
            head, train, valid, policy, loss, options["epochs"], options["batch"], task.seed,
            early_stopping=options.get("early_stopping"), best_epoch=best_epoch,
        )
    )  # fmt: skip
    found = {
        "epochs_run": len(records),
        "kept_epoch": lowest(records).epoch if best_epoch else len(records),
        "n_train": len(train),
        "n_valid": len(valid),
    }
    bundle = finished(
        template,
        logits(head, valid).double().numpy(),
        valid.labels.numpy(),
        task.threshold_rule,
        {**task.options, **found},
    )
    state = {k: v.detach().cpu().numpy() for k, v in head.state_dict().items()}
    facts["train.json"] = {
        "seconds": round(time.perf_counter() - start, 4),
        "steps_per_epoch": -(-len(train) // options["batch"]),
        "epochs": len(records),
    }
    header = Header("bundle", inputs=task.inputs, options=task.options, seed=task.seed)
    write_trial(task.output, bundle, header, state, history_lines(records, best_epoch), facts)
