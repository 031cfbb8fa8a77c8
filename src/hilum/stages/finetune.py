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
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from lightning_fabric import Fabric
from pydantic import TypeAdapter
from torch.multiprocessing.spawn import ProcessRaisedException

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.features import FeatureRows, PartFeatures
from hilum.artifacts.header import Header, read_json, write_json
from hilum.core.digests import SHORT, digest
from hilum.core.errors import HilumError, InputError
from hilum.core.files import lock
from hilum.core.progress import say
from hilum.inference.predictor import score_rows
from hilum.models.machine import exact_arithmetic, keep_memory
from hilum.models.networks import NetworkScorer, WholeNetwork, build_whole, reset_first_conv
from hilum.models.registry import backbone
from hilum.models.weights import Weights, state_sha256
from hilum.study.losses import Loss
from hilum.study.policies import Policy
from hilum.study.tables import FinetuneTable
from hilum.training.checkpoints import EVERY_S, Checkpoints
from hilum.training.finetune import Films, Recipe, fit_network
from hilum.training.loop import EpochRecord, lowest
from hilum.training.losses import build_loss
from hilum.training.network_finder import find_network_rate
from hilum.training.trial import finished, history_lines, write_trial

# here, because processes that Fabric starts import this module before Fabric says how it connected them
logging.getLogger("lightning_fabric").setLevel(logging.WARNING)

FINDER = "finder.json"
FOUND_BY_TRAINING = ("operating_point", "calibration", "network", "state_sha256")
IN_WORDS = ("weights", "training")
"""Fields of a bundle that tell where it comes from; what they stand for is elsewhere in the task's key."""


@dataclass(frozen=True)
class FinetuneTask:
    """One trial of one cell whose backbone is trained too.

    Attributes:
        folder: The workspace's ``trials`` folder.
        train: Prepared films (locations are rows of arrays of films); one that was drawn k times is there k times.
        valid: Validation films, likewise.
        template: The bundle, but for what training finds; its `state_sha256` is filled in.
        weights: What the backbone starts from. Random ones are drawn from `seed`, so they differ from trial to trial as the head's do.
        policy: A learning-rate policy, its rate filled in, as ``model_dump`` gives it.
        loss: A loss, likewise.
        finetune: The study's ``[finetune]``, likewise.
        training: The study's ``[training]``.
        threshold_rule: How the operating point is chosen.
        split_digest: Digest of the split.
        seed: Of first weights that are drawn, the order of films and dropout.
        device: ``cpu`` or ``cuda``.
        machine: Name of the device; sums may be taken in another order on another one.
        threads: On a CPU, of all processes together; 0 leaves what torch has.
        softmax_first: A fault of the published scripts: the loss takes probabilities for logits.
        checkpoint_every_s: Seconds between checkpoints within an epoch; makes no difference to the result.
    """

    folder: str
    train: PartFeatures
    valid: PartFeatures
    template: Bundle
    weights: Weights
    policy: dict[str, Any]
    loss: dict[str, Any]
    finetune: dict[str, Any]
    training: tuple[tuple[str, Any], ...]
    threshold_rule: str
    split_digest: str
    seed: int
    device: str = "cpu"
    machine: str = ""
    threads: int = 0
    softmax_first: bool = False
    checkpoint_every_s: float = EVERY_S

    @property
    def inputs(self) -> dict[str, str]:
        """Digests of what goes in."""
        return {
            "weights": self.weights.sha256 or "",
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
            "finetune": self.finetune,
        }

    @property
    def key(self) -> str:
        """Digest of all that makes a difference."""
        apart = (*FOUND_BY_TRAINING, *IN_WORDS)
        template = {k: v for k, v in asdict(self.template).items() if k not in apart}
        where = [
            self.device,
            self.machine,
            self.threads,
            version("torch"),
            version("torchvision"),
            version("timm"),
        ]
        return digest([self.inputs, template, self.options, self.threshold_rule, self.seed, where])

    @property
    def output(self) -> Path:
        """The trial's folder."""
        return Path(self.folder) / self.key[:SHORT]

    @property
    def finished(self) -> bool:
        """Whether all that was asked for is there: the trial, and the finder's curve where it is wanted."""
        asked = dict(self.training).get("find_rate")
        return self.output.is_dir() and (not asked or (self.output / FINDER).is_file())


def network_rates(task: FinetuneTask, out: Path) -> dict[str, Any]:
    """The learning-rate finder on a task's films, and nothing else: what ``finder.json`` of the trained task holds.

    Args:
        task: The task.
        out: The file that it is written to.

    Raises:
        InputError: As `finetune`.
        HilumError: One of several processes failed.
    """
    options = FinetuneTable.model_validate(task.finetune)
    _launch(
        open_fabric(options, task.device), partial(_find_rate, task=task, options=options, out=out), options
    )
    return dict(read_json(out))


def finetune(task: FinetuneTask) -> Path:
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
    options = FinetuneTable.model_validate(task.finetune)
    fabric = open_fabric(options, task.device)
    lock_path = task.output.with_name(f".{task.output.name}.lock")
    with lock(lock_path):  # so that two processes do not write one checkpoint
        if not task.output.is_dir():
            _launch(fabric, partial(_train, task=task, options=options), options)
        if not task.finished:
            network_rates(task, task.output / FINDER)
    lock_path.unlink(missing_ok=True)
    return task.output


def _launch(fabric: Fabric, work: Callable[[Fabric], None], options: FinetuneTable) -> None:
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
    found = []
    if device == "cpu" and options.precision == "16-mixed":
        found.append("finetune.precision '16-mixed' needs a GPU; on a CPU use '32-true', or 'bf16-mixed'")
    if device == "cuda" and options.precision == "bf16-mixed" and not torch.cuda.is_bf16_supported():
        found.append(
            "finetune.precision 'bf16-mixed' is not what this GPU can do; use '32-true' or '16-mixed'"
        )
    if device == "cuda" and options.devices > torch.cuda.device_count():
        found.append(
            f"finetune.devices asks for {options.devices} GPUs, this machine has {torch.cuda.device_count()}"
        )
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
def _as_trained(fabric: Fabric, task: FinetuneTask) -> Iterator[None]:
    """In each process: this machine set as results need it."""
    exact_arithmetic()
    keep_memory()
    threads = torch.get_num_threads()
    if task.device == "cpu":
        torch.set_num_threads(max(1, (task.threads or threads) // fabric.world_size))
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _begin(task: FinetuneTask, options: FinetuneTable) -> tuple[WholeNetwork, Films, Recipe]:
    """A task's network before its first step, its training films, and how it is trained."""
    settings = dict(task.training)
    train = _films(task.train)
    recipe = Recipe(
        policy=TypeAdapter[Policy](Policy).validate_python(task.policy),
        loss=build_loss(
            TypeAdapter[Loss](Loss).validate_python(task.loss), task.template.classes, train.labels.numpy(), task.softmax_first
        ),
        options=options, epochs=settings["epochs"], batch=settings["batch"], seed=task.seed,
        early_stopping=settings.get("early_stopping"), best_epoch=bool(settings.get("best_epoch")),
    )  # fmt: skip
    height, width = train.rows.take(slice(0, 1)).shape[1:]
    network = build_whole(
        backbone(task.template.backbone), task.weights, len(task.template.classes), (height, width), task.seed
    )
    if options.reset_first_conv:
        reset_first_conv(network, task.seed)
    return network, train, recipe


def _find_rate(fabric: Fabric, task: FinetuneTask, options: FinetuneTable, out: Path) -> None:
    """In each process: a range test on a network of its own; in the first: write what it saw."""
    with _as_trained(fabric, task):
        start = time.perf_counter()
        curve = find_network_rate(fabric, *_begin(task, options))
        if fabric.is_global_zero:
            write_json(out, {**curve.to_dict(), "seconds": round(time.perf_counter() - start, 4)})


def _train(fabric: Fabric, task: FinetuneTask, options: FinetuneTable) -> None:
    """In each process: train; in the first: choose on validation, write the trial, remove the checkpoint."""
    with _as_trained(fabric, task):
        _train_here(fabric, task, options)


def _train_here(fabric: Fabric, task: FinetuneTask, options: FinetuneTable) -> None:
    network, train, recipe = _begin(task, options)
    valid = _films(task.valid)
    checkpoints = Checkpoints(
        task.output.with_name(f".{task.output.name}.checkpoint"),
        fabric.is_global_zero,
        task.checkpoint_every_s,
    )
    records: list[EpochRecord] = []
    began = time.perf_counter()
    for record in fit_network(fabric, network, train, valid, recipe, checkpoints):
        records.append(record)
        if fabric.is_global_zero:
            say(
                f"finetune {task.template.backbone}: epoch {record.epoch} of {recipe.all_epochs}, losses {record.train_loss:.3f} "
                f"and {record.valid_loss:.3f}, {time.perf_counter() - began:.0f} s"
            )
    if fabric.is_global_zero:
        _write(task, network, recipe, (train, valid), records, checkpoints.seconds)
        checkpoints.remove()


def _films(part: PartFeatures) -> Films:
    return Films(FeatureRows(part.locations), torch.tensor(part.labels, dtype=torch.int64))


def _write(
    task: FinetuneTask,
    network: WholeNetwork,
    recipe: Recipe,
    films: tuple[Films, Films],
    records: list[EpochRecord],
    seconds: float,
) -> None:
    train, valid = films
    t = task.template
    scorer = NetworkScorer(network, "bf16" if t.precision == "bf16" else "fp32", task.device)
    found = {
        "epochs_run": len(records),
        "kept_epoch": lowest(records).epoch if recipe.best_epoch else len(records),
        "n_train": len(train),
        "n_valid": len(valid),
    }
    bundle = finished(
        replace(t, network="whole", state_sha256=state_sha256(network)),
        score_rows(scorer, valid.rows, t.batch).double().numpy(),
        valid.labels.numpy(),
        task.threshold_rule,
        {**task.options, **found},
    )
    step_films = recipe.batch * recipe.options.accumulate
    facts = {
        "seconds": round(seconds, 4),
        "steps_per_epoch": -(-len(train) // step_films),
        "epochs": len(records),
    }
    header = Header("bundle", inputs=task.inputs, options=task.options, seed=task.seed)
    state = {k: np.ascontiguousarray(v.detach().cpu().numpy()) for k, v in network.state_dict().items()}
    write_trial(
        task.output, bundle, header, state, history_lines(records, recipe.best_epoch), {"train.json": facts}
    )
