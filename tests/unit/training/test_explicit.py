"""Gradients that are written out are autograd's, for every head, with dropout, in every type that maps are stored in."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from hilum.core.errors import HilumError
from hilum.models.heads import HEADS
from hilum.training.explicit import FlatHead, Maps, Vectors, kind_of
from hilum.training.loop import gradients
from hilum.training.regimen import dropout_factors, kept_by_dropout

N, PLACES = 12, (5, 3)


def rows(kind: str, dtype: torch.dtype, channels: int = 70) -> Tensor:
    shape = (N, channels, *PLACES) if kind.startswith("conv") else (N, channels)
    x = torch.from_numpy(np.random.default_rng(1).normal(size=shape)).to(dtype)
    x.view(-1)[::7] *= 1e-5  # of float16, numbers without a leading one
    return x


@pytest.mark.parametrize("dropout", [None, 0.5, 0.2])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
@pytest.mark.parametrize("kind", HEADS)
def test_losses_and_gradients_are_autograds(kind: str, dtype: torch.dtype, dropout: float | None) -> None:
    torch.manual_seed(3)
    module, x, y = HEADS[kind](70, 3), rows(kind, dtype), torch.arange(N) % 3
    kept = None if dropout is None else kept_by_dropout(np.random.default_rng(2), x.shape, dropout)
    dropped = x.float() if kept is None else x.float() * dropout_factors(kept, dropout)
    expected = cross_entropy(module(dropped), y)
    expected.backward()
    head, how = FlatHead(module), kind_of(module)
    assert isinstance(how, Maps if kind.startswith("conv") else Vectors)
    (loss,) = gradients(how, [head], [cross_entropy], how.inputs(x.clone(), kept, dropout or 0.0), y)
    assert loss == pytest.approx(expected.item(), rel=1e-6)
    theirs = torch.cat([p.grad.reshape(-1) for p in module.parameters()])
    assert float((head.gradient - theirs).abs().max()) < 2e-6 * max(1.0, float(theirs.abs().max()))
    assert float(theirs.abs().max()) > 1e-3


@pytest.mark.parametrize("channels", [4, 5, 6, 7])
def test_maps_of_any_number_of_channels(channels: int) -> None:
    module, x, y = HEADS["conv"](channels, 2), rows("conv", torch.float16, channels), torch.arange(N) % 2
    cross_entropy(module(x.float()), y).backward()
    head = FlatHead(module)
    gradients(Maps(), [head], [cross_entropy], Maps().inputs(x), y)
    theirs = torch.cat([p.grad.reshape(-1) for p in module.parameters()])
    assert torch.allclose(head.gradient, theirs, rtol=1e-5, atol=1e-7)


def test_a_module_sees_its_weights_move() -> None:
    module = HEADS["mlp"](10, 2)
    before = {k: v.clone() for k, v in module.state_dict().items()}
    head = FlatHead(module)
    assert all(torch.equal(v, before[k]) for k, v in module.state_dict().items())
    head.weights += 1
    assert all(torch.equal(v, before[k] + 1) for k, v in module.state_dict().items())


def test_a_head_of_other_layers_is_refused() -> None:
    with pytest.raises(HilumError, match=r"expected a head of linear layers and ReLUs .* got BatchNorm1d"):
        FlatHead(nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)))
