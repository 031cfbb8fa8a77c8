"""Training whole networks from prepared films: one loop on Lightning Fabric, for one device or several.

What is drawn is what the loop on features draws (`hilum.training.loop`): order of films and dropout follow from (seed, epoch), so a network
of which only the head trains, with BatchNorm's statistics frozen, comes out as the head on frozen features does. Weights that are not to
move are digested while they are frozen, and one that moved is an error.

A training that was killed goes on from its last checkpoint, in the middle of an epoch too, and on a CPU ends with the same bits (the
loss scale of 16-mixed begins anew). With several processes each takes its share of every batch and all see the loss of the whole batch: in
double precision the result is that of one process; in fp32 sums are rounded otherwise, and a lively training blows that up. BatchNorm in
train mode makes a real difference: each process normalises with the statistics of its own share, and the first one's running ones are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain, count, islice
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from lightning_fabric.wrappers import _FabricModule, _FabricOptimizer
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from hilum.artifacts.history import EpochRecord
from hilum.artifacts.trial_files import FinderCurve
from hilum.core.errors import HilumError
from hilum.models.networks import WholeNetwork
from hilum.models.weights import state_sha256
from hilum.study.policies.schedule import Schedule, StepSettings
from hilum.training.checkpoints import Checkpoints
from hilum.training.finder import range_test
from hilum.training.optimizers import apply, build_optimizer, clip
from hilum.training.processes import gathered, share_buffers, share_of
from hilum.training.regimen import Batch, LabelledRows, Regimen, draw_batches, dropout_factors, lowest
from hilum.training.unfreezing import epoch_plan, head_epochs, head_policy

EVALUATION_BATCH = 32
"""Films that are evaluated at once: activations of a network at 244 px are tens of MB a film."""


@dataclass
class Progress:
    """Where a training is.

    Attributes:
        epoch: That is going on, from 1.
        step: Steps taken in it.
        total: Sum of the losses of its films so far.
        rate: Of the last step.
        records: Of the epochs that are over.
    """

    epoch: int = 1
    step: int = 0
    total: Tensor = field(default_factory=lambda: torch.zeros((), dtype=torch.float64))
    rate: float = 0.0
    records: list[EpochRecord] = field(default_factory=list)

    def epoch_over(self, record: EpochRecord) -> None:
        """Go on to the next epoch."""
        self.records.append(record)
        self.epoch, self.step, self.total = self.epoch + 1, 0, torch.zeros_like(self.total)

    def since_best(self) -> int:
        """Epochs since the lowest validation loss."""
        return self.records[-1].epoch - lowest(self.records).epoch if self.records else 0


class Training:
    """A network in training: what of it trains, its optimiser, its schedule. `fit_network` is the loop."""

    def __init__(self, fabric: Fabric, network: WholeNetwork, regimen: Regimen, n_films: int) -> None:
        self.fabric, self.network, self.regimen = fabric, network, regimen
        self.stages = list(network.stages().values())
        self.alone = head_epochs(regimen.finetune)
        steps = regimen.steps(n_films)
        self._rates_of_head = head_policy(regimen.policy).schedule(self.alone, steps)
        self._rates = regimen.policy.schedule(regimen.training.epochs, steps)
        self._frozen: tuple[str, ...] | None = None
        self._frozen_sha256 = ""
        self.factors: tuple[float, ...] = ()
        fabric.to_device(network)
        self.module: _FabricModule | None = None
        self.optimizer = self._new_optimizer()

    def _new_optimizer(self) -> _FabricOptimizer:
        ever = self.stages[-1:] if self.regimen.finetune.train == "head" else self.stages
        groups = [weights.values() for weights in ever]
        # fused: on a CPU torch's default takes two more tensors as large as the largest layer, 450 MB each where it has 113 million
        fused = True if self.fabric.device.type == "cpu" else None
        found = self.fabric.setup_optimizers(build_optimizer(self.regimen.policy, groups, fused))
        assert isinstance(found, _FabricOptimizer)
        return found

    def rates(self, epoch: int) -> Schedule:
        """The schedule that an epoch is under."""
        return self._rates_of_head if epoch <= self.alone else self._rates

    def enter(self, epoch: int) -> _FabricModule:
        """Freeze and unfreeze for an epoch, and put the network into training."""
        plan = epoch_plan(self.regimen.finetune, len(self.stages), epoch)
        self.factors = plan.factors[-len(self.optimizer.param_groups) :]
        n_frozen = len(self.stages) - plan.trained
        names = [name for weights in self.stages[:n_frozen] for name in weights]
        self.network.train()
        if self.regimen.finetune.batchnorm == "eval":
            for module_name, module in self.network.named_modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
                    names += [f"{module_name}.{name}" for name, _ in module.named_buffers(recurse=False)]
        frozen = tuple(names)
        if frozen != self._frozen or self.module is None:
            self.check_frozen()
            for k, weights in enumerate(self.stages):
                for parameter in weights.values():
                    parameter.requires_grad_(k >= n_frozen)
            self._frozen, self._frozen_sha256 = frozen, state_sha256(self.network, frozen)
            self.module = None  # several processes: the old wrapper lets go of the weights before the new one takes them
            self.module = self.fabric.setup_module(self.network)
        return self.module

    def check_frozen(self) -> None:
        """Raise HilumError if anything moved while it was frozen."""
        if self._frozen is not None and state_sha256(self.network, self._frozen) != self._frozen_sha256:
            raise HilumError(
                f"a frozen weight or BatchNorm statistic of {self.network.b.name} moved in training; this is a defect of hilum"
            )

    def step(self, progress: Progress, films: LabelledRows, batches: Sequence[Batch]) -> None:
        """One update of the weights from the mean gradient over the films of `batches`."""
        rates = self.rates(progress.epoch)
        now = rates.settings()
        if now.fresh or (self.alone and (progress.epoch, progress.step) == (self.alone + 1, 0)):
            self.optimizer = self._new_optimizer()
        progress.total = self.update(now, films, batches, progress.total)
        rates.stepped()
        progress.rate = now.learning_rate
        progress.step += 1

    def update(
        self, now: StepSettings, films: LabelledRows, batches: Sequence[Batch], total: Tensor
    ) -> Tensor:
        """One update with these settings; gives `total` and the losses of the films added to it, in double precision."""
        fabric, module = self.fabric, self.module
        assert module is not None
        apply(now, self.optimizer.optimizer, self.factors)
        self.optimizer.zero_grad()
        n = sum(len(which) for which, _ in batches)
        for k, (which, kept) in enumerate(batches):
            mine = share_of(fabric, len(which))
            x = films.take(which[mine]).to(fabric.device, non_blocking=True)
            factors = None
            if kept is not None:
                factors = dropout_factors(kept[mine], self.regimen.dropout).to(fabric.device)
            with fabric.no_backward_sync(module, enabled=k < len(batches) - 1):
                logits = gathered(fabric, module(x, factors), len(which))
                loss = self.regimen.loss(logits, films.labels[torch.from_numpy(which)].to(fabric.device))
                fabric.backward(loss * (len(which) / n * fabric.world_size))
            total = total.to(fabric.device) + loss.detach().double() * len(which)
        if self.regimen.policy.clip_value is not None or self.regimen.policy.clip_norm is not None:
            fabric.strategy.precision.unscale_gradients(self.optimizer.optimizer)
            clip(self.regimen.policy, (p for p in self.network.parameters() if p.requires_grad))
        self.optimizer.step()
        return total

    def state(self, progress: Progress) -> dict[str, Any]:
        """What a checkpoint holds."""
        return {
            "progress": asdict(progress),
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.optimizer.state_dict(),
            "rates": self.rates(progress.epoch).state(),
        }

    def restore(self, state: dict[str, Any]) -> Progress:
        """Go on from what `state` gave."""
        records = [EpochRecord(**r) for r in state["progress"].pop("records")]
        progress = Progress(**state["progress"], records=records)
        self.network.load_state_dict(state["network"])
        self.optimizer.optimizer.load_state_dict(state["optimizer"])
        self.rates(progress.epoch).restore(state["rates"])
        return progress


def epoch_steps(
    regimen: Regimen, labels: Tensor, epoch: int, feature_shape: torch.Size | None
) -> Iterator[list[Batch]]:
    """The batches of each step of an epoch: `draw_batches`, as many as are accumulated at once."""
    every = draw_batches(regimen, labels, epoch, feature_shape)
    while step := list(islice(every, regimen.finetune.accumulate)):
        yield step


def feature_shape(network: WholeNetwork, films: LabelledRows, regimen: Regimen) -> torch.Size | None:
    """Shape of the features of one of the films where they are dropped out in training, else None."""
    return network.feature_shape(*films.shape) if regimen.drops(network.dropout) else None


def logits_of(fabric: Fabric, network: WholeNetwork, films: LabelledRows) -> Tensor:
    """Logits of all films in evaluation, in order, each computed once by one process: float32 (n, n_classes) on the CPU."""
    share_buffers(fabric, network)
    network.eval()
    mine = np.arange(len(films))[share_of(fabric, len(films))]
    out = []
    with torch.no_grad(), fabric.autocast():
        for start in range(0, len(mine), EVALUATION_BATCH):
            some = films.take(mine[start : start + EVALUATION_BATCH])
            out.append(network(some.to(fabric.device, non_blocking=True)).float())
        return gathered(fabric, torch.cat(out), len(films)).cpu()


def fit_network(
    fabric: Fabric,
    network: WholeNetwork,
    train: LabelledRows,
    valid: LabelledRows,
    regimen: Regimen,
    checkpoints: Checkpoints,
) -> Iterator[EpochRecord]:
    """Train a network in place; yields a record after each epoch, first those of epochs that a checkpoint has behind it.

    Args:
        fabric: Device, precision, processes; launched.
        network: Its weights move. It is moved to the device.
        train: Prepared films to learn from; a film drawn k times is there k times.
        valid: Those for the validation loss, which a plateau, early stopping and the best epoch go by.
        regimen: All else.
        checkpoints: Read at the beginning, written after each epoch and now and then within one.

    Raises:
        HilumError: The loss is no longer finite, or something frozen moved.
    """
    training = Training(fabric, network, regimen, len(train))
    shape = feature_shape(network, train, regimen)
    progress = Progress()
    if (state := checkpoints.load()) is not None:
        progress = training.restore(state)
        del state  # as large as the network and its optimiser
        yield from progress.records
    patience = regimen.training.early_stopping or regimen.all_epochs
    while progress.epoch <= regimen.all_epochs and progress.since_best() < patience:
        epoch = progress.epoch
        training.enter(epoch)
        for k, step in enumerate(epoch_steps(regimen, train.labels, epoch, shape)):
            if k < progress.step:
                continue  # taken before the checkpoint
            training.step(progress, train, step)
            checkpoints.save(lambda: training.state(progress), only_if_due=True)
        valid_loss = float(regimen.loss(logits_of(fabric, network, valid).double(), valid.labels))
        record = EpochRecord(epoch, float(progress.total) / len(train), valid_loss, progress.rate)
        training.rates(epoch).epoch_ended(valid_loss)
        progress.epoch_over(record)
        if regimen.training.best_epoch and progress.since_best() == 0:
            checkpoints.save_best(network.state_dict())
        checkpoints.save(lambda: training.state(progress))
        yield record
    training.check_frozen()
    if regimen.training.best_epoch:
        fabric.barrier()
        network.load_state_dict(checkpoints.best())


def find_network_rate(
    fabric: Fabric, network: WholeNetwork, train: LabelledRows, regimen: Regimen
) -> FinderCurve:
    """The range test of `hilum.training.finder` on a whole network.

    It asks about what the policy trains first: behind the epochs of the head alone, with the factors that the stages then have, so that a
    rate is to be read as the policy's. Films, dropout, optimiser, clipping, precision and processes are those of the training.

    Args:
        fabric: Device, precision, processes; launched.
        network: As it would be trained. Its weights move: give one that is not needed afterwards.
        train: Prepared films to learn from, as often around as the steps need.
        regimen: Of the training; its rates and epochs are not used.
    """
    training = Training(fabric, network, regimen, len(train))
    training.enter(training.alone + 1)
    shape = feature_shape(network, train, regimen)
    steps = chain.from_iterable(epoch_steps(regimen, train.labels, epoch, shape) for epoch in count(1))

    def step(rate: float) -> float:
        batches = next(steps)
        nothing = torch.zeros((), dtype=torch.float64)
        total = training.update(StepSettings(rate), train, batches, nothing)
        return float(total) / sum(len(which) for which, _ in batches)

    return range_test(step)
