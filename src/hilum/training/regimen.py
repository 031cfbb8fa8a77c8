"""What the loop on features (`hilum.training.loop`) and the one on whole networks (`hilum.training.finetune`) share.

Everything drawn (order of films, dropout masks) follows from (seed, epoch), so a trial gives the same weights whoever runs it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hilum.artifacts.features import FeatureRows, PartFeatures
from hilum.artifacts.history import EpochRecord
from hilum.core.errors import HilumError
from hilum.core.seeding import generator
from hilum.study.policies import Policy
from hilum.study.tables import CONV_DROPOUT, FinetuneTable, TrainingTable
from hilum.training.losses import LossFunction
from hilum.training.unfreezing import head_epochs

IN_MEMORY_BYTES = 512 * 2**20
"""Vectors of a part are kept in memory up to this size; maps and films are larger and are read as needed."""

Batch = tuple[NDArray[np.int64], NDArray[np.uint8] | None]
"""Which films, and what of their features dropout keeps (`kept_by_dropout`); None keeps all."""


@dataclass(frozen=True)
class Regimen:
    """How a model is trained.

    Attributes:
        policy: Optimiser and learning rate of each step.
        loss: The same for training and for validation, where it is taken in double precision over all films at once.
        training: The study's ``[training]``: epochs (a one-cycle policy has its own number), films a batch, over all processes, early
            stopping and the choice of the best epoch, both by the validation loss.
        seed: Decides the order of films and the dropout masks.
        finetune: The study's ``[finetune]``, for whole networks.
    """

    policy: Policy
    loss: LossFunction
    training: TrainingTable
    seed: int
    finetune: FinetuneTable = field(default_factory=FinetuneTable)

    @property
    def all_epochs(self) -> int:
        """Epochs in all: those of the head alone, and the policy's."""
        return head_epochs(self.finetune) + self.policy.n_epochs(self.training.epochs)

    def drops(self, by_itself: bool) -> bool:
        """Whether the head's inputs are dropped out; `by_itself` where the study does not say, and the head does."""
        return by_itself if self.training.dropout is None else self.training.dropout > 0

    @property
    def dropout(self) -> float:
        """Share of the head's inputs that is dropped out, where any is."""
        return CONV_DROPOUT if self.training.dropout is None else self.training.dropout

    def steps(self, n_films: int) -> int:
        """Optimiser steps of an epoch; the last may have fewer films."""
        return -(-n_films // (self.training.batch * self.finetune.accumulate))


def lowest(records: Sequence[EpochRecord]) -> EpochRecord:
    """The epoch with the lowest validation loss; the first of equals."""
    return min(records, key=lambda r: r.valid_loss)


class LabelledRows:
    """What is stored of the films of a part, features or prepared films, and their classes.

    Args:
        rows: On disk.
        labels: Class indices, shape (n,), or what is known of several findings, (n, n_findings).

    Attributes:
        shape: Of one film's row.
        in_memory: Whether the rows are kept in memory.
    """

    def __init__(self, rows: FeatureRows, labels: NDArray[np.int64]) -> None:
        if len(rows) != len(labels):
            raise HilumError(f"{len(rows)} films have features but {len(labels)} have labels")
        self.labels = torch.from_numpy(labels)
        self.rows = rows
        one = rows.take(slice(0, 1))
        self.shape = torch.Size(one.shape[1:])
        self.in_memory = one.nbytes * len(rows) <= IN_MEMORY_BYTES and one.ndim == 2
        self._kept = torch.from_numpy(rows.take(slice(None))) if self.in_memory else None

    @classmethod
    def of(cls, part: PartFeatures) -> Self:
        """Of the films of a part where they lie."""
        return cls(FeatureRows(part.locations), np.array(part.labels, np.int64))

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, which: NDArray[np.int64]) -> Tensor:
        """A copy of some rows, in the order asked: shape (len(which), *`shape`), dtype as stored."""
        if self._kept is not None:
            return self._kept[torch.from_numpy(which)]
        return torch.from_numpy(self.rows.take(which))


def kept_by_dropout(rng: np.random.Generator, shape: Sequence[int], share: float) -> NDArray[np.uint8]:
    """1 where a feature is kept in dropout and 0 where it is dropped; `share` are dropped."""
    n = int(np.prod(shape))
    if share != 0.5:
        return (rng.random(n, dtype=np.float32) >= np.float32(share)).view(np.uint8).reshape(shape)
    return np.unpackbits(_random_bytes(rng, (n + 7) // 8), count=n).reshape(shape)


def _random_bytes(rng: np.random.Generator, n: int) -> NDArray[np.uint8]:
    """As ``rng.bytes(n)``, in half the time where it takes whole numbers of the generator: of 64 bits, low byte first."""
    if n % 8 or rng.bit_generator.state["has_uint32"]:
        return np.frombuffer(rng.bytes(n), dtype=np.uint8)
    return rng.bit_generator.random_raw(n // 8).astype("<u8", copy=False).view(np.uint8)


def dropout_factors(kept: NDArray[np.uint8], share: float) -> Tensor:
    """What features are multiplied by in dropout: 0 where one is dropped, else 1 / (1 - share); float32."""
    return torch.from_numpy(kept.astype(np.float32) / np.float32(1 - share))


def balanced_order(labels: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """As many films as there are, one of each class in turn, so that any films in a row have the classes evenly.

    A class that runs out is shuffled and begins again.

    >>> labels = np.array([0, 0, 0, 0, 0, 0, 1, 1])
    >>> labels[balanced_order(labels, np.random.default_rng(0))].tolist()
    [0, 1, 0, 1, 0, 1, 0, 1]
    """
    of_class = [np.flatnonzero(labels == c) for c in np.unique(labels)]
    n_each = -(-len(labels) // len(of_class))
    drawn = [
        np.concatenate([rng.permutation(films) for _ in range(-(-n_each // len(films)))])[:n_each]
        for films in of_class
    ]
    return np.stack(drawn, axis=1).reshape(-1)[: len(labels)]


def draw_batches(regimen: Regimen, labels: Tensor, epoch: int, shape: torch.Size | None) -> Iterator[Batch]:
    """The batches of an epoch; the last may be smaller.

    Args:
        regimen: Films a batch, whether they are balanced, and the seed.
        labels: Class indices of the training films, shape (n,); a film that is drawn k times is there k times.
        epoch: From 1.
        shape: Of one film's features where they are dropped out, else None.
    """
    rng, n = generator(regimen.seed, "order", epoch), len(labels)
    order = balanced_order(labels.numpy(), rng) if regimen.training.balanced_batches else rng.permutation(n)
    masks = generator(regimen.seed, "dropout", epoch)
    for start in range(0, n, regimen.training.batch):
        which = order[start : start + regimen.training.batch]
        yield (
            which,
            None if shape is None else kept_by_dropout(masks, (len(which), *shape), regimen.dropout),
        )
