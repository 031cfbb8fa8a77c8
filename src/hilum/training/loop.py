"""The training loop: Adam and cross-entropy on features, in one screen.

Everything drawn (order of films, dropout masks) follows from (seed, epoch), so a trial gives the same weights whoever runs
it. Features come through `Source`, which keeps vectors in memory and reads maps as they are needed.

Heads are small and are trained on the CPU, one thread each and as many trials at once as there are cores, wherever the features were
computed: so the number of workers, or a GPU, makes no difference to a head.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from hilum.artifacts.features import FeatureRows
from hilum.core.errors import HilumError
from hilum.core.seeding import generator
from hilum.models.heads import ConvHead
from hilum.training.schedules import Schedule

EVALUATION_BATCH = 256
IN_MEMORY_BYTES = 512 * 2**20
"""Vectors of a part are kept in memory up to this size; maps are larger and are read as needed."""


@dataclass(frozen=True)
class EpochRecord:
    """One line of history.jsonl. Losses are means over films; the training loss is taken while the weights move."""

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

    def features(self, which: NDArray[np.int64]) -> Tensor:
        """Features of some films, float32."""
        if self._kept is not None:
            return self._kept[torch.from_numpy(which)].float()
        return torch.from_numpy(self._rows.take(which)).float()


def _dropout_mask(rng: np.random.Generator, shape: torch.Size) -> Tensor:
    n = int(np.prod(shape))
    bits = np.frombuffer(rng.bytes((n + 7) // 8), dtype=np.uint8)
    return torch.from_numpy(np.unpackbits(bits, count=n)).view(shape)


def logits(head: nn.Module, source: Source) -> Tensor:
    """Logits of all films of a source, in order, in evaluation: shape (n, n_classes), float32."""
    head.eval()
    out = []
    with torch.inference_mode():
        for start in range(0, len(source), EVALUATION_BATCH):
            which = np.arange(start, min(start + EVALUATION_BATCH, len(source)))
            out.append(head(source.features(which)))
    return torch.cat(out)


def fit(
    head: nn.Module, train: Source, valid: Source, schedule: Schedule, epochs: int, batch: int, seed: int
) -> Iterator[EpochRecord]:
    """Train a head in place; yields a record after each epoch.

    Args:
        head: Its weights move.
        train: Films to learn from; a film drawn k times is there k times.
        valid: Films for the validation loss.
        schedule: Learning rate of each step.
        epochs: Passes over `train`.
        batch: Films a step; the last batch of an epoch may be smaller.
        seed: Decides the order of films and the dropout masks.

    Raises:
        HilumError: The loss is no longer finite.
    """
    optimizer = torch.optim.Adam(head.parameters(), lr=schedule.rate(0, 1))
    n_batches = -(-len(train) // batch)
    for epoch in range(1, epochs + 1):
        order = generator(seed, "order", epoch).permutation(len(train))
        masks = generator(seed, "dropout", epoch)
        head.train()
        total = torch.zeros((), dtype=torch.float64)
        rate = 0.0
        for k in range(n_batches):
            rate = schedule.rate((epoch - 1) * n_batches + k, epochs * n_batches)
            optimizer.param_groups[0]["lr"] = rate
            which = order[k * batch : (k + 1) * batch]
            x, y = train.features(which), train.labels[torch.from_numpy(which)]
            if isinstance(head, ConvHead):
                out = head(x, _dropout_mask(masks, x.shape))
            else:
                out = head(x)
            loss = cross_entropy(out, y)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            total += loss.detach().double() * len(which)
        valid_loss = float(cross_entropy(logits(head, valid).double(), valid.labels))
        record = EpochRecord(epoch, float(total) / len(train), valid_loss, rate)
        if not np.isfinite([record.train_loss, record.valid_loss]).all():
            raise HilumError(
                f"the loss is not finite after epoch {epoch}: {record}; a lower learning rate may help"
            )
        yield record
