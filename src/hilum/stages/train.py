"""train: features of train and valid -> a bundle and its history. The test part cannot be reached from here.

A task is found again by the digest of its inputs. What is chosen (operating point, temperature, and where the study asks for it the
epoch) is chosen on the validation films.
"""

from __future__ import annotations

import time
from pathlib import Path

from torch import nn

from hilum.artifacts.trial_files import FINDER, FinderCurve
from hilum.models.heads import build_head, kind_named
from hilum.models.machine import keep_memory, threads
from hilum.models.registry import backbone
from hilum.training.finder import find_rate
from hilum.training.loop import fit, logits
from hilum.training.regimen import LabelledRows, Regimen
from hilum.training.task import TrainTask
from hilum.training.trial import Trained, conclude


def head_rates(task: TrainTask) -> FinderCurve:
    """The learning-rate finder on a task's films, and nothing else: what ``finder.json`` of the trained task holds.

    Raises:
        InputError: The policy or the loss does not fit the study.
    """
    with threads(1):
        head, train, _, regimen = _begin(task)
        return find_rate(head, train, regimen)


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
    with threads(1):
        _train(task)
    return task.output


def _begin(task: TrainTask) -> tuple[nn.Module, LabelledRows, LabelledRows, Regimen]:
    """A task's head before its first step, its films of train and valid, and how it is trained."""
    keep_memory()  # a worker is a fresh process, which would map each batch's maps anew
    train, valid = task.films()
    t = task.template
    head = build_head(backbone(t.backbone), len(t.classes), task.seed, train.shape[0], kind_named(t.head))
    return head, train, valid, task.regimen(train.labels)


def _train(task: TrainTask) -> None:
    start = time.perf_counter()
    head, train, valid, regimen = _begin(task)
    facts = {}
    if task.training.find_rate:
        facts[FINDER] = find_rate(head, train, regimen)
        start = time.perf_counter()
    records = list(fit(head, train, valid, regimen))
    valid_logits = logits(head, valid).double().numpy()
    state = {k: v.detach().cpu().numpy() for k, v in head.state_dict().items()}
    seconds = time.perf_counter() - start
    trained = Trained(task.template, state, valid_logits, valid.labels.numpy(), len(train), records, seconds)
    conclude(task, regimen, trained, facts)
