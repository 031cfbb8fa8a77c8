"""The heads that a study trains on frozen features, as plain torch modules (FACTS of the study, section 3).

``mlp``: Linear C -> 64, ReLU, Linear 64 -> classes (ResNet50). ``linear``: Linear C -> classes (DenseNet121,
EfficientNet-Lite0). ``conv``: Dropout .5, Conv 1x1 C -> classes, ReLU, global average pooling (SqueezeNet).
All give logits; no softmax inside.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hilum.core.seeding import key_entropy
from hilum.models.registry import Backbone

DROPOUT = 0.5


class ConvHead(nn.Module):
    """SqueezeNet's classifier: Dropout .5, Conv 1x1, ReLU, global average pooling.

    The dropout mask is an argument, not drawn inside: chance is data. Without one (evaluation) nothing is dropped.
    """

    def __init__(self, channels: int, n_classes: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, n_classes, kernel_size=1)

    def forward(self, features: Tensor, keep: Tensor | None = None) -> Tensor:
        """Logits, shape (n, n_classes), from maps (n, C, h, w).

        Args:
            features: float32 maps.
            keep: uint8 or bool mask of the features' shape, 1 = kept; kept values are scaled by 1 / (1 - .5).
        """
        n, channels, h, w = features.shape
        flat = features.reshape(n, channels, h * w)
        scale = 1.0
        if keep is not None:
            flat = flat * keep.reshape(n, channels, h * w)
            scale = 1.0 / (1.0 - DROPOUT)
        weight = self.conv.weight.reshape(-1, channels) * scale
        assert self.conv.bias is not None
        maps = torch.matmul(weight, flat) + self.conv.bias[:, None]
        return torch.relu(maps).mean(dim=2)


def build_head(b: Backbone, n_classes: int, seed: int) -> nn.Module:
    """A head with fresh weights drawn from `seed` alone (torch's usual initialisation)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(key_entropy(seed, "head", b.name) % 2**63)
        if b.head == "mlp":
            return nn.Sequential(nn.Linear(b.channels, 64), nn.ReLU(), nn.Linear(64, n_classes))
        if b.head == "linear":
            return nn.Linear(b.channels, n_classes)
        return ConvHead(b.channels, n_classes)
