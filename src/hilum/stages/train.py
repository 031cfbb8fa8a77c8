"""train: features of train and valid -> a bundle and its history. The test part cannot be reached from here.

A task is found again by the digest of its inputs. What is chosen (operating point, temperature, and where the study asks for it the
epoch) is chosen on the validation films.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from hilum.artifacts.features import FeatureRows
from hilum.artifacts.trial_files import FINDER
from hilum.models.heads import build_head
from hilum.models.machine import keep_memory
from hilum.models.registry import backbone
from hilum.training.finder import find_rate
from hilum.training.loop import Source, fit, logits
from hilum.training.losses import LossFunction
from hilum.training.task import TrainTask
from hilum.training.trial import Trained, conclude


def head_rates(task: TrainTask) -> dict[str, Any]:
    """The learning-rate finder on a task's films, and nothing else: what ``finder.json`` of the trained task holds.

    Raises:
        InputError: The policy or the loss does not fit the study.
    """
    with _as_trained():
        head, train, _, loss = _begin(task)
        return _finder(task, head, train, loss)


def train_head(task: TrainTask) -> Path:
    """Do one task, unless it was done.

    Returns:
        Its folder, with ``bundle/``, ``history.jsonl``, ``train.json`` (``seconds``, ``steps_per_epoch``, ``epochs``) and, where asked
        for, ``finder.json``.

    Raises:
        InputError: The policy or the loss does not fit the study.
        HilumError: The loss is no longer finite.
    """
    if task.finished:
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


def _begin(task: TrainTask) -> tuple[nn.Module, Source, Source, LossFunction]:
    """A task's head before its first step, its films of train and valid, and its loss."""
    train, valid = (Source(FeatureRows(p.locations), np.array(p.labels, np.int64)) for p in task.films())
    head = build_head(backbone(task.template.backbone), len(task.template.classes), task.seed)
    return head, train, valid, task.loss_of(train.labels.numpy())


def _finder(task: TrainTask, head: nn.Module, train: Source, loss: LossFunction) -> dict[str, Any]:
    start = time.perf_counter()
    curve = find_rate(head, train, loss, task.training.batch, task.seed, task.policy)
    return {**curve.to_dict(), "seconds": round(time.perf_counter() - start, 4)}


def _train(task: TrainTask) -> None:
    start = time.perf_counter()
    options = task.training
    head, train, valid, loss = _begin(task)
    facts = {}
    if options.find_rate:
        facts[FINDER] = _finder(task, head, train, loss)
        start = time.perf_counter()
    records = list(
        fit(
            head, train, valid, task.policy, loss, options.epochs, options.batch, task.seed,
            early_stopping=options.early_stopping, best_epoch=options.best_epoch,
        )
    )  # fmt: skip
    valid_logits = logits(head, valid).double().numpy()
    state = {k: v.detach().cpu().numpy() for k, v in head.state_dict().items()}
    seconds = time.perf_counter() - start
    steps = -(-len(train) // options.batch)
    trained = Trained(
        task.template, state, valid_logits, valid.labels.numpy(), len(train), records, seconds, steps
    )
    conclude(task, trained, facts)
