"""Shares of a batch: put together they are the batch, and a gradient flows to a process's own films."""

from types import SimpleNamespace

import pytest
import torch
from torch.nn.functional import pad

from hilum.training.processes import gathered, share_buffers, share_lengths, share_of


def one_of(processes: int, rank: int) -> SimpleNamespace:
    """What of a Fabric is asked."""
    return SimpleNamespace(world_size=processes, global_rank=rank)


@pytest.mark.parametrize("n", [1, 2, 5, 8])
@pytest.mark.parametrize("processes", [1, 2, 3])
def test_the_films_come_in_their_order_and_gradients_to_their_process(n, processes, monkeypatch):
    whole = torch.arange(float(2 * n)).reshape(n, 2)
    lengths = share_lengths(n, processes)
    padded = [pad(part, (0, 0, 0, max(lengths) - len(part))) for part in whole.split(lengths)]

    def all_gather(into, mine):
        assert any(torch.equal(mine, part) for part in padded)
        for tensor, part in zip(into, padded, strict=True):
            tensor.copy_(part)

    monkeypatch.setattr(torch.distributed, "all_gather", all_gather)
    for rank in range(processes):
        fabric = one_of(processes, rank)
        which = share_of(fabric, n)
        mine = whole[which].clone().requires_grad_()
        found = gathered(fabric, mine, n)
        assert torch.equal(found, whole)
        found.sum().backward()
        own = mine.grad is not None and bool(mine.grad.eq(1).all())
        assert own == bool(lengths[rank])


def test_all_take_the_first_ones_statistics_and_one_alone_keeps_its_own(monkeypatch):
    seen = []
    monkeypatch.setattr(torch.distributed, "broadcast", lambda buffer, src: seen.append((buffer.shape, src)))
    norm = torch.nn.BatchNorm1d(3)
    share_buffers(one_of(1, 0), norm)
    assert seen == []
    share_buffers(one_of(2, 1), norm)
    assert seen == [((3,), 0), ((3,), 0), ((), 0)]
