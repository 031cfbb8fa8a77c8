"""The training loop on features, in one screen: a policy, a loss, and nothing chosen but on validation.

Heads are small and are trained on the CPU, one thread each and as many trials at once as there are cores, wherever the features were
computed: so the number of workers, or a GPU, makes no difference to a head. Heads that learn from the same films in the same order may go
side by side (`epochs`), which makes no difference to any of them either. Gradients are written out (`hilum.training.explicit`) but for that
of the loss, which is torch's; weights are moved in one pass (`hilum.training.updates`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hilum.artifacts.history import EpochRecord
from hilum.core.errors import DivergedError
from hilum.training.explicit import FlatHead, Kind, kind_of
from hilum.training.losses import LossFunction
from hilum.training.regimen import LabelledRows, Regimen, draw_batches, lowest
from hilum.training.updates import Update


def logits(head: nn.Module, films: LabelledRows) -> Tensor:
    """Logits of all films, in order, in evaluation: shape (n, n_classes), float32."""
    return all_logits([FlatHead(head)], films, kind_of(head))[0]


def all_logits(heads: Sequence[FlatHead], films: LabelledRows, kind: Kind) -> list[Tensor]:
    """The same of several heads."""
    found: list[list[Tensor]] = [[] for _ in heads]
    every = np.arange(len(films))
    with torch.no_grad():
        for start in range(0, len(films), kind.evaluated):
            rows = films.take(every[start : start + kind.evaluated])
            given, _ = kind.forward(heads, kind.inputs(rows))
            for of_head, z in zip(found, given, strict=True):
                of_head.append(z)
        return [torch.cat(of_head) for of_head in found]


def batches(films: LabelledRows, kind: Kind, regimen: Regimen, epoch: int) -> Iterator[tuple[Any, Tensor]]:
    """Features as the kind of head takes them, with dropout where it is asked for, and labels of each step of an epoch."""
    shape = films.shape if regimen.drops(kind.drops) else None
    for which, kept in draw_batches(regimen, films.labels, epoch, shape):
        yield kind.inputs(films.take(which), kept, regimen.dropout), films.labels[torch.from_numpy(which)]


def gradients(
    kind: Kind, heads: Sequence[FlatHead], losses: Sequence[LossFunction], x: Any, y: Tensor
) -> list[float]:
    """Leave in each head the gradient of its loss on a batch; gives the losses."""
    with torch.no_grad():
        logits, seen = kind.forward(heads, x)
    values: list[float] = []
    of_logits: list[Tensor] = []
    for loss, z in zip(losses, logits, strict=True):
        value = loss(z.requires_grad_(), y)
        values.append(value.item())
        of_logits += torch.autograd.grad(value, z)
    with torch.no_grad():
        kind.backward(heads, x, seen, of_logits)
    return values


class Learner:
    """A head in training.

    Args:
        head: Its weights move, in place.
        regimen: How it is trained. With `best_epoch` the weights go back, at the end, to those of the epoch with the lowest validation
            loss.
        n_films: That it learns from.

    Attributes:
        records: Of the epochs that are over.
        valid_logits: Of the validation films, under the weights that are kept.
        seconds: That it took, its share where several go side by side.
        failed: Why it ended before its time.
    """

    def __init__(self, head: nn.Module, regimen: Regimen, n_films: int) -> None:
        self.head, self.regimen = FlatHead(head), regimen
        self.records: list[EpochRecord] = []
        self.valid_logits = torch.empty(0)
        self.seconds = 0.0
        self.failed: DivergedError | None = None
        policy, epochs = regimen.policy, regimen.training.epochs
        self._n_epochs = policy.n_epochs(epochs)
        self._rates = policy.schedule(epochs, regimen.steps(n_films))
        self._update = Update(policy, len(self.head.weights))
        self._best = torch.empty(0)
        self._n_films, self._total, self._rate = n_films, 0.0, 0.0

    def step(self, loss: float, n: int) -> None:
        """Move the weights by the gradient that is there; `loss` is the mean of its `n` films."""
        now = self._rates.settings()
        if now.fresh:
            self._update = Update(self.regimen.policy, len(self.head.weights))
        self._update.step(now, self.head.weights, self.head.gradient)
        self._rates.stepped()
        self._rate = now.learning_rate
        self._total += loss * n

    def epoch_over(self, valid_logits: Tensor, labels: Tensor) -> bool:
        """Note what came of an epoch; gives whether there is another."""
        options = self.regimen.training
        valid_loss = float(self.regimen.loss(valid_logits.double(), labels))
        try:
            record = EpochRecord(len(self.records) + 1, self._total / self._n_films, valid_loss, self._rate)
        except DivergedError as e:
            self.failed = e
            return False
        self._total = 0.0
        self._rates.epoch_ended(valid_loss)
        self.records.append(record)
        since = record.epoch - lowest(self.records).epoch
        if since == 0 or not options.best_epoch:
            self.valid_logits = valid_logits
        if since == 0 and options.best_epoch:
            self._best = self.head.weights.clone()
        stopped = options.early_stopping is not None and since >= options.early_stopping
        if goes_on := record.epoch < self._n_epochs and not stopped:
            return goes_on
        if options.best_epoch:
            self.head.weights.copy_(self._best)
        return False


def epochs(learners: Sequence[Learner], train: LabelledRows, valid: LabelledRows) -> Iterator[list[Learner]]:
    """Train heads side by side; yields after each epoch those that ended with it, whether they failed or not.

    Args:
        learners: Of one kind of head, and alike in seed, films a batch, balance and dropout.
        train: Features of the films to learn from; a film drawn k times is there k times.
        valid: Of the films for the validation loss, which a plateau, early stopping and the best epoch go by.
    """
    going, epoch = list(learners), 0
    kind = kind_of(going[0].head.module)
    while going:
        start, epoch = time.perf_counter(), epoch + 1
        heads, losses = [g.head for g in going], [g.regimen.loss for g in going]
        for x, y in batches(train, kind, going[0].regimen, epoch):
            for learner, loss in zip(going, gradients(kind, heads, losses, x, y), strict=True):
                learner.step(loss, len(y))
        found = all_logits(heads, valid, kind)
        more = [g for g, z in zip(going, found, strict=True) if g.epoch_over(z, valid.labels)]
        for learner in going:
            learner.seconds += (time.perf_counter() - start) / len(going)
        yield [g for g in going if g not in more]
        going = more


def fit(head: nn.Module, train: LabelledRows, valid: LabelledRows, regimen: Regimen) -> Iterator[EpochRecord]:
    """Train a head in place, alone; yields a record after each epoch. Arguments as of `Learner` and `epochs`.

    Raises:
        DivergedError: The loss is no longer finite.
    """
    learner = Learner(head, regimen, len(train))
    for _ in epochs([learner], train, valid):
        if learner.failed is not None:
            raise learner.failed
        yield learner.records[-1]
