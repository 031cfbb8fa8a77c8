"""The heads that a study trains behind a backbone, one entry a kind, as plain torch modules (FACTS of the study, section 3).

All give logits; no softmax inside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hilum.core.seeding import key_entropy
from hilum.models.registry import Backbone
from hilum.study.several_findings import MULTILABEL, Task
from hilum.study.tables import HeadKind


class ConvHead(nn.Module):
    """Dropout .5, Conv 1x1, ReLU, global average pooling, on a map.

    Without the ReLU (`rectified` False) where each output is a question of its own: a logit that is never below 0 cannot say no.

    Dropout is done by whoever trains, to the features (`hilum.training.regimen.kept_by_dropout`): chance is data, not drawn inside.
    """

    def __init__(self, channels: int, n_classes: int, rectified: bool = True) -> None:
        super().__init__()
        self.rectified = rectified
        self.conv = nn.Conv2d(channels, n_classes, kernel_size=1)

    def forward(self, features: Tensor) -> Tensor:
        """Logits, shape (n, n_classes), from float32 maps (n, C, h, w)."""
        n, channels, h, w = features.shape
        weight = self.conv.weight.reshape(-1, channels)
        assert self.conv.bias is not None
        # bmm and not matmul, which transposes a copy of the maps where the weight needs a gradient
        maps = torch.bmm(weight.expand(n, -1, -1), features.reshape(n, channels, h * w))
        maps = maps + self.conv.bias[:, None]
        return (torch.relu(maps) if self.rectified else maps).mean(dim=2)


def _two_hidden(width: int) -> Callable[[int, int], nn.Module]:
    """Two hidden layers with ReLU, as COVID-Net ends."""
    return lambda n, n_classes: nn.Sequential(
        nn.Linear(n, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, n_classes)
    )


HEADS: dict[HeadKind, Callable[[int, int], nn.Module]] = {
    "mlp": lambda n, n_classes: nn.Sequential(nn.Linear(n, 64), nn.ReLU(), nn.Linear(64, n_classes)),
    "linear": nn.Linear,
    "conv": ConvHead,
    "conv-linear": lambda n, n_classes: ConvHead(n, n_classes, rectified=False),
    # no activation between them, as in the paper's Figure 14
    "dense": lambda n, n_classes: nn.Sequential(
        nn.Linear(n, 968), nn.Linear(968, 32), nn.Linear(32, n_classes)
    ),
    "fc-1024": _two_hidden(1024),
    "fc-256": _two_hidden(256),
    "fc-128": _two_hidden(128),
}
"""Kind of head -> the module for a number of inputs (channels, or flat values) and a number of classes."""


def head_for(kind: HeadKind, task: Task) -> HeadKind:
    """The kind of head that a study trains where `kind` is wanted: for several findings one without a ReLU behind its last weights."""
    return "conv-linear" if task == MULTILABEL and kind == "conv" else kind


def build_head(b: Backbone, n_classes: int, seed: int, n_inputs: int = 0) -> nn.Module:
    """A head with fresh weights drawn from `seed` alone (torch's usual initialisation).

    Args:
        b: The backbone before it.
        n_classes: Outputs.
        seed: Of its first weights.
        n_inputs: Inputs where the backbone's number of channels follows from the films' size, or from a file of vectors.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(key_entropy(seed, "head", b.name) % 2**63)
        return HEADS[b.head](b.channels or n_inputs, n_classes)


def of_one_output(state: Mapping[str, NDArray[Any]], k: int) -> dict[str, NDArray[Any]]:
    """The weights of a head, or of a network that ends with it, for two classes: the first has the logit 0, the second that of output k.

    Their softmax is the sigmoid of that output: a head of several findings becomes one of a finding and its absence. The last weight
    and bias of the state are those of the outputs, in every kind of head and network.

    Args:
        state: In the order of the module's state.
        k: Number of the output.

    >>> two = of_one_output({"weight": np.array([[1.0], [2.0]]), "bias": np.array([3.0, 4.0])}, 1)
    >>> two["weight"].tolist(), two["bias"].tolist()
    ([[0.0], [2.0]], [0.0, 4.0])
    """
    weight, bias = list(state)[-2:]
    made = dict(state)
    for name in (weight, bias):
        own = state[name][k : k + 1]
        made[name] = np.concatenate([np.zeros_like(own), own])
    return made


def two_logits(logits: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """Logits of a finding's absence, which are 0, and of the finding: shape (n, 2). Their softmax is the sigmoid of the latter."""
    return np.stack([np.zeros(len(logits)), logits[:, k]], axis=1)
