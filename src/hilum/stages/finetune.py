"""finetune: prepared films of train and valid -> a bundle with a whole network, and its history. The test part cannot be reached from here.

What comes out is what `hilum.stages.train` writes, with the network's weights in place of the head's. A task is found again by the digest
of its inputs; a killed one goes on from its checkpoint, which lies beside the result and is removed when the result is whole.
"""

from __future__ import annotations

import logging
import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from lightning_fabric import Fabric
from torch.multiprocessing.spawn import ProcessRaisedException

from hilum.artifacts.header import checked, read_object, write_json
from hilum.artifacts.history import EpochRecord
from hilum.artifacts.trial_files import FINDER, FinderCurve
from hilum.core.errors import HilumError, InputError
from hilum.core.files import lock
from hilum.core.progress import say
from hilum.inference.frozen import precision_of
from hilum.inference.predictor import score_rows
from hilum.models.machine import exact_arithmetic, keep_memory, threads
from hilum.models.networks import NetworkScorer, WholeNetwork, build_whole, reset_first_conv
from hilum.models.registry import backbone
from hilum.models.weights import state_sha256
from hilum.study.tables import FinetuneTable
from hilum.training.checkpoints import Checkpoints
from hilum.training.finetune import find_network_rate, fit_network
from hilum.training.regimen import LabelledRows, Regimen
from hilum.training.task import TrainTask, Whole
from hilum.training.trial import Trained, conclude

# here, because processes that Fabric starts import this module before Fabric says how it connected them
logging.getLogger("lightning_fabric").setLevel(logging.WARNING)


def network_rates(task: TrainTask, folder: Path) -> FinderCurve:
    """The learning-rate finder on a task's films, and nothing else: what ``finder.json`` of the trained task holds.

    Args:
        task: The task.
        folder: Where it is written.

    Raises:
        InputError: As `finetune`.
        HilumError: One of several processes failed.
    """
    _launch(task, partial(_find_rate, task=task, folder=folder))
    return checked(read_object(folder / FINDER), FinderCurve, folder / FINDER)


def finetune(task: TrainTask) -> Path:
    """Do one task, unless it was done; give it the whole machine.

    Returns:
        Its folder, with ``bundle/``, ``history.jsonl``, ``train.json`` (``seconds``, ``steps_per_epoch``, ``epochs``) and, where asked
        for, ``finder.json``, which the training knows nothing of.

    Raises:
        InputError: The machine cannot do what the study's ``[finetune]`` asks for; the policy or the loss does not fit.
        HilumError: The loss is no longer finite, or one of several processes failed.
    """
    if task.finished:
        return task.output
    lock_path = task.output.with_name(f".{task.output.name}.lock")
    with lock(lock_path):  # so that two processes do not write one checkpoint
        if not task.output.is_dir():
            _launch(task, partial(_train, task=task))
        if not task.finished:
            network_rates(task, task.output)
    lock_path.unlink(missing_ok=True)
    return task.output


def _whole(task: TrainTask) -> Whole:
    """How a task's backbone is trained.

    Raises:
        TypeError: It is frozen; such a task is for `hilum.stages.train`.
    """
    if not isinstance(task.body, Whole):
        raise TypeError("expected a task whose backbone is trained, got a frozen one")
    return task.body


def _launch(task: TrainTask, work: Callable[[Fabric], None]) -> None:
    options = _whole(task).finetune
    fabric = open_fabric(options, _whole(task).device)
    try:
        fabric.launch(work)
    except ProcessRaisedException as e:
        raise HilumError(f"one of {options.devices} training processes failed: {e}") from e
    except BaseException:
        if options.devices > 1:  # stopped: they would go on, and this process would wait for them
            for process in multiprocessing.active_children():
                process.terminate()
        raise


def check_machine(options: FinetuneTable, device: str) -> list[str]:
    """What a study's ``[finetune]`` asks for that this machine does not have, a sentence each."""
    if device == "cpu":
        no_half = "finetune.precision '16-mixed' needs a GPU; on a CPU use '32-true', or 'bf16-mixed'"
        return [no_half] if options.precision == "16-mixed" else []
    found, n = [], torch.cuda.device_count()
    if options.precision == "bf16-mixed" and not torch.cuda.is_bf16_supported():
        found.append(
            "finetune.precision 'bf16-mixed' is not what this GPU can do; use '32-true' or '16-mixed'"
        )
    if options.devices > n:
        found.append(f"finetune.devices asks for {options.devices} GPUs, this machine has {n}")
    return found


def open_fabric(options: FinetuneTable, device: str) -> Fabric:
    """Device, precision and processes as a study asks for them.

    Raises:
        InputError: There are not so many GPUs, or the machine cannot do the precision.
    """
    for text in check_machine(options, device):
        raise InputError(text)
    strategy: Literal["ddp_spawn", "auto"] = "ddp_spawn" if options.devices > 1 else "auto"
    return Fabric(accelerator=device, devices=options.devices, strategy=strategy, precision=options.precision)


@contextmanager
def _as_trained(fabric: Fabric, body: Whole) -> Iterator[None]:
    """In each process: this machine set as results need it."""
    exact_arithmetic()
    keep_memory()
    n = torch.get_num_threads()
    if body.device == "cpu":
        n = max(1, (body.threads or n) // fabric.world_size)
    with threads(n):
        yield


def _begin(task: TrainTask) -> tuple[WholeNetwork, LabelledRows, LabelledRows, Regimen]:
    """A task's network before its first step, its films of train and valid, and how it is trained."""
    body, t = _whole(task), task.template
    train, valid = task.films()
    height, width = train.shape
    b = backbone(t.backbone).with_head(t.head)
    network = build_whole(b, body.weights, len(t.classes), (height, width), task.seed)
    if body.finetune.reset_first_conv:
        reset_first_conv(network, task.seed)
    return network, train, valid, task.regimen(train.labels)


def _find_rate(fabric: Fabric, task: TrainTask, folder: Path) -> None:
    """In each process: a range test on a network of its own; in the first: write what it saw."""
    with _as_trained(fabric, _whole(task)):
        network, train, _, regimen = _begin(task)
        curve = find_network_rate(fabric, network, train, regimen)
        if fabric.is_global_zero:
            write_json(folder / FINDER, curve)


def _train(fabric: Fabric, task: TrainTask) -> None:
    """In each process: train; in the first: choose on validation, write the trial, remove the checkpoint."""
    body = _whole(task)
    with _as_trained(fabric, body):
        network, train, valid, regimen = _begin(task)
        path = task.output.with_name(f".{task.output.name}.checkpoint")
        checkpoints = Checkpoints(path, fabric.is_global_zero, body.checkpoint_every_s)
        records: list[EpochRecord] = []
        began = time.perf_counter()
        for record in fit_network(fabric, network, train, valid, regimen, checkpoints):
            records.append(record)
            if fabric.is_global_zero:
                say(
                    f"finetune {task.template.backbone}: epoch {record.epoch} of {regimen.all_epochs}, losses {record.train_loss:.3f} "
                    f"and {record.valid_loss:.3f}, {time.perf_counter() - began:.0f} s"
                )
        if fabric.is_global_zero:
            seconds, t = checkpoints.seconds, task.template
            scorer = NetworkScorer(network, precision_of(t), body.device)
            template = replace(t, network="whole", state_sha256=state_sha256(network))
            logits = score_rows(scorer, valid.rows, t.batch).double().numpy()
            state = {
                k: np.ascontiguousarray(v.detach().cpu().numpy()) for k, v in network.state_dict().items()
            }
            labels = valid.labels.numpy()
            trained = Trained(template, state, logits, labels, len(train), records, seconds)
            conclude(task, regimen, trained, {})
            checkpoints.remove()
