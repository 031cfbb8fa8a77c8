"""The heads that a study trains behind a backbone, one entry a kind, as plain torch modules (FACTS of the study, section 3).

All give logits; no softmax inside.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from hilum.core.seeding import key_entropy
from hilum.models.registry import Backbone
from hilum.study.tables import HeadKind


class ConvHead(nn.Module):
    """Dropout .5, Conv 1x1, ReLU, global average pooling, on a map.

    Dropout is done by whoever trains, to the features (`hilum.training.loop.dropout_factors`): chance is data, not drawn inside.
    """

    def __init__(self, channels: int, n_classes: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, n_classes, kernel_size=1)

    def forward(self, features: Tensor) -> Tensor:
        """Logits, shape (n, n_classes), from float32 maps (n, C, h, w)."""
        n, channels, h, w = features.shape
        weight = self.conv.weight.reshape(-1, channels)
        assert self.conv.bias is not None
        # bmm and not matmul, which transposes a copy of the maps where the weight needs a gradient
        maps = torch.bmm(weight.expand(n, -1, -1), features.reshape(n, channels, h * w))
        return torch.relu(maps + self.conv.bias[:, None]).mean(dim=2)


def _two_hidden(width: int) -> Callable[[int, int], nn.Module]:
    """Two hidden layers with ReLU, as COVID-Net ends."""
    return lambda n, n_classes: nn.Sequential(
        nn.Linear(n, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, n_classes)
    )


HEADS: dict[HeadKind, Callable[[int, int], nn.Module]] = {
    "mlp": lambda n, n_classes: nn.Sequential(nn.Linear(n, 64), nn.ReLU(), nn.Linear(64, n_classes)),
    "linear": nn.Linear,
    "conv": ConvHead,
    # no activation between them, as in the paper's Figure 14
    "dense": lambda n, n_classes: nn.Sequential(
        nn.Linear(n, 968), nn.Linear(968, 32), nn.Linear(32, n_classes)
    ),
    "fc-1024": _two_hidden(1024),
    "fc-256": _two_hidden(256),
    "fc-128": _two_hidden(128),
}
"""Kind of head -> the module for a number of inputs (channels, or flat values) and a number of classes."""


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
