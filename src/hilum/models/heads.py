"""The heads that a study trains on frozen features, as plain torch modules (FACTS of the study, section 3).

``mlp``: Linear C -> 64, ReLU, Linear 64 -> classes (ResNet50). ``linear``: Linear C -> classes (DenseNet121,
EfficientNet-Lite0). ``conv``: Dropout .5, Conv 1x1 C -> classes, ReLU, global average pooling (SqueezeNet).
All give logits; no softmax inside.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hilum.core.errors import HilumError
from hilum.core.seeding import key_entropy
from hilum.models.registry import Backbone


class ConvHead(nn.Module):
    """SqueezeNet's classifier: Dropout .5, Conv 1x1, ReLU, global average pooling.

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


def build_head(b: Backbone, n_classes: int, seed: int) -> nn.Module:
    """A head with fresh weights drawn from `seed` alone (torch's usual initialisation)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(key_entropy(seed, "head", b.name) % 2**63)
        if b.head == "mlp":
            return nn.Sequential(nn.Linear(b.channels, 64), nn.ReLU(), nn.Linear(64, n_classes))
        if b.head == "linear":
            return nn.Linear(b.channels, n_classes)
        if b.head == "conv":
            return ConvHead(b.channels, n_classes)
    raise HilumError(
        f"the head of {b.name} depends on the films' size; hilum.models.networks.build_whole makes it"
    )
