"""What a network costs: its parameters, and the multiply-adds of one film through it.

Convention: the network is what a film passes when it is scored, backbone up to its tap and the study's head, at the study's size.
A multiply-add is one multiplication with its addition in a convolution or a matrix product; biases, normalisation, activations and
pooling are left out, as in torchvision's tables (their "GFLOPS"). Counted by torch's ``FlopCounterMode`` on the ``meta`` device, so
nothing is computed and no weights are needed. A multiply-add is two of that counter's operations.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from hilum.models.heads import build_head
from hilum.models.networks import build_whole
from hilum.models.registry import backbone
from hilum.models.weights import RANDOM


def multiply_adds(network: nn.Module, films: Tensor) -> int:
    """Multiply-adds of one pass in eval mode.

    Args:
        network: Its weights do not change, and its mode is put back.
        films: What it takes, on its device.

    >>> multiply_adds(nn.Conv2d(3, 8, 3), torch.zeros(1, 3, 244, 244)) == 8 * 242 * 242 * 3 * 9
    True
    """
    was_training = network.training
    network.eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(films)
    network.train(was_training)
    return int(counter.get_total_flops()) // 2


def n_parameters(network: nn.Module) -> int:
    """Weights and biases; the running statistics of BatchNorm are not parameters."""
    return sum(p.numel() for p in network.parameters())


def cost_of(
    name: str,
    size_px: int,
    n_classes: int,
    finetuned: bool = False,
    n_inputs: int = 0,
    head: str | None = None,
) -> dict[str, int]:
    """``parameters`` of a study's network, ``trained`` (those that training moves) and ``multiply_adds`` of one film.

    Args:
        name: Of the backbone.
        size_px: Side of the prepared film.
        n_classes: Outputs of the head.
        finetuned: Whether the backbone is trained too; one from scratch always is.
        n_inputs: Length of its vectors, of a backbone that is a file of them; where it is not known, a head of one input is counted.
        head: Kind of its head; None for its own.

    Raises:
        InputError: No such backbone; names the nearest.
    """
    b = backbone(name) if head is None else backbone(name).with_head(head)
    if b.precomputed:
        with torch.device("meta"):
            last, vector = build_head(b, n_classes, 0, n_inputs or 1), torch.empty(1, n_inputs or 1)
        n = n_parameters(last)
        return {"parameters": n, "trained": n, "multiply_adds": multiply_adds(last, vector)}
    with torch.device("meta"):
        network = build_whole(b, RANDOM, n_classes, (size_px, size_px), seed=0)
        film = torch.empty(1, size_px, size_px, dtype=torch.uint8)
    everything = n_parameters(network)
    return {
        "parameters": everything,
        "trained": everything if finetuned or b.from_scratch else n_parameters(network.head),
        "multiply_adds": multiply_adds(network, film),
    }


class HeadCost(NamedTuple):
    """What a head costs a film.

    Attributes:
        shape: Of a film's features: (C,) or (C, h, w).
        multiply_adds: Of one film's features through it.
    """

    shape: tuple[int, ...]
    multiply_adds: int


@cache
def head_cost(name: str, size_px: int, n_classes: int, head: str | None = None) -> HeadCost:
    """What a study's head costs, behind a network; arguments as `cost_of` has them.

    Raises:
        InputError: No such backbone; names the nearest.
    """
    b = backbone(name) if head is None else backbone(name).with_head(head)
    with torch.device("meta"):
        network = build_whole(b, RANDOM, n_classes, (size_px, size_px), seed=0)
        shape = tuple(network.feature_shape(size_px, size_px))
        return HeadCost(shape, multiply_adds(network.head, torch.empty(1, *shape)))
