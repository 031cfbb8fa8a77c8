"""Several processes, one result: every process takes a share of each batch, and what they computed is put together in the films' order.

Shares are contiguous and their lengths known to all, so nothing is padded with films that come twice: rows are padded for the exchange and
the padding is cut off again. A loss of gathered logits is the loss of the whole batch, whatever loss it is.
"""

from __future__ import annotations

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn.functional import pad


def share_lengths(n: int, processes: int) -> list[int]:
    """How many of `n` films each process takes.

    >>> share_lengths(5, 2)
    [3, 2]
    """
    return [len(part) for part in np.array_split(np.arange(n), processes)]


def share_of(fabric: Fabric, n: int) -> slice:
    """Which of `n` films are this process's; of fewer films than processes the first once more, whose row `gathered` drops."""
    lengths = share_lengths(n, fabric.world_size)
    start = sum(lengths[: fabric.global_rank])
    return slice(start, start + lengths[fabric.global_rank]) if lengths[fabric.global_rank] else slice(0, 1)


def gathered(fabric: Fabric, rows: Tensor, n: int) -> Tensor:
    """Rows of all processes in the films' order, shape (n, ...).

    Gradients flow to this process's rows only. A loss of all rows has to be multiplied by the number of processes before its gradient is
    taken, because the processes' gradients are then averaged; it is their sum that is the gradient of the loss.

    Args:
        fabric: The processes.
        rows: This process's, two-dimensional; rows past its share are dropped.
        n: Films in all.
    """
    if fabric.world_size == 1:
        return rows
    lengths = share_lengths(n, fabric.world_size)
    mine = rows[: lengths[fabric.global_rank]]
    padded = pad(mine.detach(), (0, 0, 0, max(lengths) - len(mine)))
    everyone = [torch.empty_like(padded) for _ in lengths]
    torch.distributed.all_gather(everyone, padded)
    parts = [part[:length] for part, length in zip(everyone, lengths, strict=True)]
    parts[fabric.global_rank] = mine
    return torch.cat(parts)


def share_buffers(fabric: Fabric, network: nn.Module) -> None:
    """Give every process the first one's BatchNorm statistics."""
    if fabric.world_size > 1:
        for buffer in network.buffers():
            torch.distributed.broadcast(buffer, src=0)
