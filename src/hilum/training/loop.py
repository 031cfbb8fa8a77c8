"""The training loop on features, in one screen: a policy, a loss, and nothing chosen but on validation.

Everything drawn (order of films, dropout masks) follows from (seed, epoch), so a trial gives the same weights whoever runs
it. Features come through `Source`, which keeps vectors in memory and reads maps as they are needed.

Heads are small and are trained on the CPU, one thread each and as many trials at once as there are cores, wherever the features were
computed: so the number of workers, or a GPU, makes no difference to a head.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Optimizer

from hilum.artifacts.features import FeatureRows
from hilum.core.errors import HilumError
from hilum.core.seeding import generator
from hilum.models.heads import ConvHead
from hilum.study.policies import Policy
from hilum.training.losses import LossFunction
from hilum.training.optimizers import apply, build_optimizer, clip

EVALUATION_BATCH, EVALUATION_BATCH_OF_MAPS = 256, 32
"""Films at once in evaluation; a map is a hundred times as large as a vector, and few of them fit a cache."""
IN_MEMORY_BYTES = 512 * 2**20
"""Vectors of a part are kept in memory up to this size; maps are larger and are read as needed."""


@dataclass(frozen=True)
class EpochRecord:
    """One line of history.jsonl.

    Attributes:
        epoch: From 1.
        train_loss: Mean over films of their batches' losses, taken while the weights move.
        valid_loss: Of all validation films after the epoch.
        learning_rate: Of the epoch's last step.
    """

    epoch: int
    train_loss: float
    valid_loss: float
    learning_rate: float

    def to_dict(self) -> dict[str, float]:
        """As JSON-able values."""
        return asdict(self)


class Source:
    """Features and labels of the films of a part.

    Args:
        rows: Features on disk.
        labels: Class indices, shape (n,).
    """

    def __init__(self, rows: FeatureRows, labels: NDArray[np.int64]) -> None:
        if len(rows) != len(labels):
            raise HilumError(f"{len(rows)} films have features but {len(labels)} have labels")
        self.labels = torch.from_numpy(labels)
        self._rows = rows
        one = rows.take(slice(0, 1))
        self._kept: Tensor | None = None
        if one.nbytes * len(rows) <= IN_MEMORY_BYTES and one.ndim == 2:
            self._kept = torch.from_numpy(rows.take(slice(None)))

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def in_memory(self) -> bool:
        """Whether the features are kept in memory."""
        return self._kept is not None

    def features(self, which: NDArray[np.int64]) -> Tensor:
        """Features of some films, float32."""
        if self._kept is not None:
            return self._kept[torch.from_numpy(which)].float()
        return torch.from_numpy(self._rows.take(which)).float()


def dropout_factors(rng: np.random.Generator, shape: torch.Size) -> Tensor:
    """What features are multiplied by for dropout .5: uint8, 0 where one is dropped, else 1 / (1 - .5) = 2."""
    n = int(np.prod(shape))
    bits = np.frombuffer(rng.bytes((n + 7) // 8), dtype=np.uint8)
    mask = np.unpackbits(bits, count=n)
    mask <<= 1
    return torch.from_numpy(mask).view(shape)


def logits(head: nn.Module, source: Source) -> Tensor:
    """Logits of all films of a source, in order, in evaluation: shape (n, n_classes), float32."""
    head.eval()
    out = []
    batch = EVALUATION_BATCH if source.in_memory else EVALUATION_BATCH_OF_MAPS
    with torch.inference_mode():
        for start in range(0, len(source), batch):
            which = np.arange(start, min(start + batch, len(source)))
            out.append(head(source.features(which)))
    return torch.cat(out)


def batches(
    source: Source, batch: int, seed: int, epoch: int, dropout: bool
) -> Iterator[tuple[Tensor, Tensor]]:
    """Features, with dropout where the head asks for it, and labels of each step of an epoch; the last batch may be smaller."""
    order = generator(seed, "order", epoch).permutation(len(source))
    masks = generator(seed, "dropout", epoch)
    for start in range(0, len(source), batch):
        which = order[start : start + batch]
        x = source.features(which)
        if dropout:
            # in place: the maps of a batch are 13 MB, and memory is what a step waits for
            x.mul_(dropout_factors(masks, x.shape))
        yield x, source.labels[torch.from_numpy(which)]


def learn(
    head: nn.Module,
    optimizer: Optimizer,
    policy: Policy,
    loss: LossFunction,
    x: Tensor,
    y: Tensor,
) -> Tensor:
    """One update of the weights; returns the batch's loss from before it."""
    value = loss(head(x), y)
    optimizer.zero_grad()
    value.backward()  # type: ignore[no-untyped-call]
    clip(policy, head.parameters())
    optimizer.step()
    return value.detach()


def fit(
    head: nn.Module,
    train: Source,
    valid: Source,
    policy: Policy,
    loss: LossFunction,
    epochs: int,
    batch: int,
    seed: int,
    early_stopping: int | None = None,
    best_epoch: bool = False,
) -> Iterator[EpochRecord]:
    """Train a head in place; yields a record after each epoch.

    Args:
        head: Its weights move.
        train: Films to learn from; a film drawn k times is there k times.
        valid: Films for the validation loss, which a plateau, early stopping and the best epoch go by.
        policy: Optimiser and learning rate of each step.
        loss: The same for training and validation, where it is taken in double precision over all films at once.
        epochs: Passes over `train`; a one-cycle policy has its own number.
        batch: Films a step; the last batch of an epoch may be smaller.
        seed: Decides the order of films and the dropout masks.
        early_stopping: Stop after so many epochs without a lower validation loss.
        best_epoch: At the end, go back to the weights of the epoch with the lowest validation loss (`lowest`).

    Raises:
        HilumError: The loss is no longer finite.
    """
    rates = policy.schedule(epochs, steps_per_epoch=-(-len(train) // batch))
    optimizer = build_optimizer(policy, [(list(head.parameters()), 1.0)])
    records: list[EpochRecord] = []
    best: dict[str, Tensor] = {}
    for epoch in range(1, policy.n_epochs(epochs) + 1):
        head.train()
        total = torch.zeros((), dtype=torch.float64)
        for x, y in batches(train, batch, seed, epoch, dropout=isinstance(head, ConvHead)):
            now = rates.settings()
            if now.fresh:
                optimizer = build_optimizer(policy, [(list(head.parameters()), 1.0)])
            apply(now, optimizer, [1.0])
            total += learn(head, optimizer, policy, loss, x, y).double() * len(y)
            rates.stepped()
        valid_loss = float(loss(logits(head, valid).double(), valid.labels))
        record = EpochRecord(epoch, float(total) / len(train), valid_loss, now.learning_rate)
        if not np.isfinite([record.train_loss, record.valid_loss]).all():
            raise HilumError(
                f"the loss is not finite after epoch {epoch}: {record}; a lower learning rate may help"
            )
        rates.epoch_ended(valid_loss)
        records.append(record)
        since = epoch - lowest(records).epoch
        if best_epoch and since == 0:
            best = {name: value.clone() for name, value in head.state_dict().items()}
        yield record
        if early_stopping is not None and since >= early_stopping:
            break
    if best_epoch:
        head.load_state_dict(best)


def lowest(records: Sequence[EpochRecord]) -> EpochRecord:
    """The epoch with the lowest validation loss; the first of equals."""
    return min(records, key=lambda r: r.valid_loss)
