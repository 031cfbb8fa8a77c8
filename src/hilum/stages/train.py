"""train: features of train and valid -> a bundle and its history. The test part cannot be reached from here.

A task is found again by the digest of its inputs. What is chosen (operating point, temperature, and where the study asks for it the
epoch) is chosen on the validation films. Tasks that learn from the same films in the same order are done side by side (`grouped`), which
makes no difference to what each of them gives; each trial is written when it ends.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import nn

from hilum.artifacts.trial_files import FINDER, FinderCurve
from hilum.core.errors import DivergedError
from hilum.models.heads import build_head
from hilum.models.machine import keep_memory, threads
from hilum.models.registry import backbone
from hilum.training.finder import find_rate
from hilum.training.loop import Learner, epochs
from hilum.training.regimen import LabelledRows
from hilum.training.task import TrainTask
from hilum.training.trial import Trained, conclude

TOGETHER_BYTES = 256 * 2**20
"""What weights, gradients and the optimiser's memory of heads that go side by side take at most, but for one head that takes more."""
_COPIES = 5
"""Arrays as large as a head's weights: these, their gradient, the optimiser's two, and the best epoch's weights."""
_TASKS_A_CORE = 2
"""A core has so many groups at least, where there are as many trials: a core that waits costs more than films that are read twice."""


def head_rates(task: TrainTask) -> FinderCurve:
    """The learning-rate finder on a task's films, and nothing else: what ``finder.json`` of the trained task holds.

    Raises:
        InputError: The policy or the loss does not fit the study.
    """
    with threads(1):
        train, _ = _films(task)
        return find_rate(_head(task, train), train, task.regimen(train.labels))


def train_head(task: TrainTask) -> Path:
    """Do one task, unless it was done.

    Returns:
        Its folder, with ``bundle/``, ``history.jsonl``, ``train.json`` (``seconds``, ``steps_per_epoch``, ``epochs``) and, where asked
        for, ``finder.json``.

    Raises:
        InputError: The policy or the loss does not fit the study.
        HilumError: The loss is no longer finite.
    """
    train_heads([task])
    return task.output


def train_heads(tasks: Sequence[TrainTask]) -> int:
    """Do tasks of one group side by side, those that were not done; gives the number of tasks.

    Raises:
        InputError: A policy or a loss does not fit the study.
        HilumError: A loss is no longer finite; the other tasks are done all the same.
    """
    todo = [t for t in tasks if not t.finished]
    if todo:
        with threads(1):
            _train(todo)
    return len(tasks)


def most_together(n_tasks: int, cores: int) -> int:
    """How many heads go side by side at most: all cores are to have something to do."""
    return max(1, n_tasks // (_TASKS_A_CORE * max(cores, 1)))  # an engine without processes has none


def grouped(tasks: Sequence[TrainTask], cores: int) -> list[list[TrainTask]]:
    """Tasks in groups that `train_heads` does side by side, in the order of their first tasks.

    Args:
        tasks: Of heads.
        cores: That are to have something to do.
    """
    most = most_together(len(tasks), cores)
    alike: dict[Any, list[TrainTask]] = {}
    for task in tasks:
        alike.setdefault(_shared(task), []).append(task)
    groups = []
    for of_one in alike.values():
        groups += [of_one[k : k + most] for k in range(0, len(of_one), most)]
    return groups


def _shared(task: TrainTask) -> Any:
    """What tasks of a group have in common: films, labels, order, dropout, and the kind of head."""
    t, options = task.template, task.training
    return (
        task.drawn, task.body.inputs.get("features"), t.classes, t.probe, t.backbone, t.head, task.seed, options.batch,
        options.balanced_batches, options.dropout,
    )  # fmt: skip


def _films(task: TrainTask) -> tuple[LabelledRows, LabelledRows]:
    """What is stored of a task's films of train and valid."""
    keep_memory()  # a worker is a fresh process, which would map each batch's maps anew
    return task.films()


def _head(task: TrainTask, train: LabelledRows) -> nn.Module:
    """A task's head before its first step."""
    b = backbone(task.template.backbone).with_head(task.template.head)
    return build_head(b, len(task.template.classes), task.seed, train.shape[0])


def _train(tasks: Sequence[TrainTask]) -> None:
    start = time.perf_counter()
    train, valid = _films(tasks[0])
    spent = (time.perf_counter() - start) / len(tasks)
    n_weights = sum(w.numel() for w in _head(tasks[0], train).parameters())
    at_once = max(1, TOGETHER_BYTES // (4 * _COPIES * n_weights))
    failed = []
    for k in range(0, len(tasks), at_once):
        failed += _side_by_side(tasks[k : k + at_once], train, valid, spent)
    if failed:
        raise failed[0]


def _side_by_side(
    tasks: Sequence[TrainTask], train: LabelledRows, valid: LabelledRows, spent: float
) -> list[DivergedError]:
    """Train and conclude; `spent` is each task's share of the seconds before. Gives why some ended before their time."""
    task_of: dict[Learner, TrainTask] = {}
    facts: dict[Learner, dict[str, FinderCurve]] = {}
    for task in tasks:
        head, regimen = _head(task, train), task.regimen(train.labels)
        curve = find_rate(head, train, regimen) if task.training.find_rate else None
        learner = Learner(head, regimen, len(train))
        task_of[learner], facts[learner] = task, {} if curve is None else {FINDER: curve}
    for ended in epochs(list(task_of), train, valid):
        for learner in ended:
            if learner.failed is None:
                trained = _trained(task_of[learner], learner, len(train), valid, spent)
                conclude(task_of[learner], learner.regimen, trained, facts[learner])
    return [learner.failed for learner in task_of if learner.failed is not None]


def _trained(task: TrainTask, learner: Learner, n_train: int, valid: LabelledRows, spent: float) -> Trained:
    """What a learner leaves; `spent` is its share of the seconds before the first epoch."""
    state = {k: v.detach().cpu().numpy() for k, v in learner.head.module.state_dict().items()}
    logits, seconds = learner.valid_logits.double().numpy(), spent + learner.seconds
    return Trained(task.template, state, logits, valid.labels.numpy(), n_train, learner.records, seconds)
