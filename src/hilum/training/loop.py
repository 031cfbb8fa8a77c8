"""The training loop on features, in one screen: a policy, a loss, and nothing chosen but on validation.

Heads are small and are trained on the CPU, one thread each and as many trials at once as there are cores, wherever the features were
computed: so the number of workers, or a GPU, makes no difference to a head.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from hilum.artifacts.history import EpochRecord
from hilum.models.heads import ConvHead
from hilum.training.optimizers import apply, build_optimizer, clip
from hilum.training.regimen import LabelledRows, Regimen, draw_batches, lowest

EVALUATION_BATCH, EVALUATION_BATCH_OF_MAPS = 256, 32
"""Films at once in evaluation; a map is a hundred times as large as a vector, and few of them fit a cache."""


def logits(head: nn.Module, films: LabelledRows) -> Tensor:
    """Logits of all films, in order, in evaluation: shape (n, n_classes), float32."""
    head.eval()
    batch = EVALUATION_BATCH if films.in_memory else EVALUATION_BATCH_OF_MAPS
    every = np.arange(len(films))
    with torch.inference_mode():
        return torch.cat(
            [head(films.take(every[k : k + batch]).float()) for k in range(0, len(films), batch)]
        )


def batches(
    films: LabelledRows, head: nn.Module, regimen: Regimen, epoch: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Features, with dropout where the head asks for it, and labels of each step of an epoch."""
    shape = films.shape if regimen.drops(isinstance(head, ConvHead)) else None
    for which, factors in draw_batches(regimen, films.labels, epoch, shape):
        x = films.take(which).float()
        if factors is not None:
            x.mul_(factors)  # in place: the maps of a batch are 13 MB, and memory is what a step waits for
        yield x, films.labels[torch.from_numpy(which)]


def learn(head: nn.Module, optimizer: Optimizer, regimen: Regimen, x: Tensor, y: Tensor) -> Tensor:
    """One update of the weights; returns the batch's loss from before it."""
    value = regimen.loss(head(x), y)
    optimizer.zero_grad()
    value.backward()  # type: ignore[no-untyped-call]
    clip(regimen.policy, head.parameters())
    optimizer.step()
    return value.detach()


def fit(head: nn.Module, train: LabelledRows, valid: LabelledRows, regimen: Regimen) -> Iterator[EpochRecord]:
    """Train a head in place; yields a record after each epoch.

    Args:
        head: Its weights move.
        train: Features of the films to learn from; a film drawn k times is there k times.
        valid: Of the films for the validation loss, which a plateau, early stopping and the best epoch go by.
        regimen: All else. With `best_epoch` the weights go back, at the end, to those of the epoch with the lowest validation loss.

    Raises:
        HilumError: The loss is no longer finite.
    """
    policy, options = regimen.policy, regimen.training
    rates = policy.schedule(options.epochs, regimen.steps(len(train)))
    optimizer = build_optimizer(policy, [head.parameters()])
    records: list[EpochRecord] = []
    best: dict[str, Tensor] = {}
    for epoch in range(1, policy.n_epochs(options.epochs) + 1):
        head.train()
        total = torch.zeros((), dtype=torch.float64)
        for x, y in batches(train, head, regimen, epoch):
            now = rates.settings()
            if now.fresh:
                optimizer = build_optimizer(policy, [head.parameters()])
            apply(now, optimizer, [1.0])
            total += learn(head, optimizer, regimen, x, y).double() * len(y)
            rates.stepped()
        valid_loss = float(regimen.loss(logits(head, valid).double(), valid.labels))
        record = EpochRecord(epoch, float(total) / len(train), valid_loss, now.learning_rate)
        rates.epoch_ended(valid_loss)
        records.append(record)
        since = epoch - lowest(records).epoch
        if options.best_epoch and since == 0:
            best = {name: value.clone() for name, value in head.state_dict().items()}
        yield record
        if options.early_stopping is not None and since >= options.early_stopping:
            break
    if options.best_epoch:
        head.load_state_dict(best)
