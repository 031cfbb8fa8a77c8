"""train: features of train and valid -> a bundle and its history. The test part cannot be reached from here.

A task is found again by the digest of its inputs; its folder is written beside and renamed, so it is whole or not there.
The operating point and the temperature are chosen on the validation films.
"""

from __future__ import annotations

import json
import shutil
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.features import FeatureRows, PartFeatures
from hilum.artifacts.header import Header, write_json
from hilum.core.digests import SHORT, digest
from hilum.core.files import write_text
from hilum.models.heads import build_head
from hilum.models.registry import backbone
from hilum.stats.calibration import choose_threshold, fit_temperature
from hilum.training.loop import Source, fit, logits
from hilum.training.schedules import schedule


@dataclass(frozen=True)
class TrainTask:
    """One trial of one cell.

    Attributes:
        folder: The workspace's ``trials`` folder.
        feature_digest: Digest of the feature specification.
        train: A film that was drawn k times is there k times.
        valid: Validation films.
        template: The bundle, but for what training finds.
        schedule: Name of the policy.
        training: ``epochs``, ``batch``, ``learning_rate``.
        threshold_rule: How the operating point is chosen.
        split_digest: Digest of the split.
        seed: Of the head's first weights, the order of films and dropout.
    """

    folder: str
    feature_digest: str
    train: PartFeatures
    valid: PartFeatures
    template: Bundle
    schedule: str
    training: tuple[tuple[str, Any], ...]
    threshold_rule: str
    split_digest: str
    seed: int

    @property
    def inputs(self) -> dict[str, str]:
        """Digests of what goes in."""
        return {
            "features": self.feature_digest,
            "split": self.split_digest,
            "train": digest([self.train.image_ids, self.train.digests, self.train.labels]),
            "valid": digest([self.valid.image_ids, self.valid.digests, self.valid.labels]),
        }

    @property
    def key(self) -> str:
        """Digest of all that makes a difference."""
        t = self.template
        names = [
            t.classes,
            t.positive,
            t.backbone,
            t.state_sha256,
            t.preparation,
            t.head,
            self.schedule,
            self.threshold_rule,
        ]
        return digest([self.inputs, names, self.training, self.seed])

    @property
    def output(self) -> Path:
        """The trial's folder."""
        return Path(self.folder) / self.key[:SHORT]


def train_head(task: TrainTask) -> Path:
    """Do one task, unless it was done; returns its folder, with ``bundle/``, ``history.jsonl`` and ``train.json`` (seconds)."""
    if task.output.is_dir():
        return task.output
    start = time.perf_counter()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # so that the sums are taken in one order whatever the number of workers
    try:
        bundle_state, bundle, history = _train(task)
    finally:
        torch.set_num_threads(threads)
    beside = task.output.with_name(f".{task.output.name}.{uuid.uuid4().hex[:8]}.part")
    header = Header("bundle", inputs=task.inputs, options=dict(task.training), seed=task.seed)
    bundle.write(beside / "bundle", header, bundle_state)
    write_text(beside / "history.jsonl", "".join(json.dumps(line) + "\n" for line in history))
    write_json(beside / "train.json", {"seconds": round(time.perf_counter() - start, 4)})
    try:
        beside.rename(task.output)
    except OSError:  # another process finished the same trial; its result is equal
        shutil.rmtree(beside)
    return task.output


def _train(task: TrainTask) -> tuple[dict[str, Any], Bundle, list[dict[str, float]]]:
    options = dict(task.training)
    t = task.template
    head = build_head(backbone(t.backbone), len(t.classes), task.seed)
    train = Source(FeatureRows(task.train.locations), np.array(task.train.labels, np.int64))
    valid = Source(FeatureRows(task.valid.locations), np.array(task.valid.labels, np.int64))
    policy = schedule(task.schedule, options["learning_rate"])
    history = [
        r.to_dict() for r in fit(head, train, valid, policy, options["epochs"], options["batch"], task.seed)
    ]
    valid_logits = logits(head, valid).double()
    scores = torch.softmax(valid_logits, dim=1).numpy()
    labels = np.array(task.valid.labels)
    positive = t.classes.index(t.positive)
    point = choose_threshold(labels == positive, scores[:, positive], task.threshold_rule)
    temperature = fit_temperature(valid_logits.numpy(), labels)
    bundle = Bundle(
        t.classes, t.positive, t.backbone, t.weights, t.state_sha256, t.precision, t.batch, t.preparation, t.head,
        {"threshold": float(point.threshold), "rule": task.threshold_rule, "chosen_on": "valid", "n_films": len(labels)},
        {"temperature": float(temperature.value), "chosen_on": "valid"},
        {**t.training, "schedule": task.schedule, **options, "n_train": len(train), "n_valid": len(valid)},
    )  # fmt: skip
    state = {k: v.detach().cpu().numpy() for k, v in head.state_dict().items()}
    return state, bundle, history
