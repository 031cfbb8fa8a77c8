"""The small network that the paper trains from scratch (its Figure 14), as plain torch modules.

Conv 3 -> 8 (3x3, no padding), ReLU, MaxPool 2, Flatten, then Linear -> 968 -> 32 -> classes with no activation between them. At 244 px
the first linear layer has 8 * 121 * 121 = 117128 inputs, and so 113 of the network's 113.4 million weights; at other sizes it follows.
"""

from __future__ import annotations

from torch import nn

FILTERS = 8
HIDDEN = (968, 32)


def cnn_body() -> nn.Sequential:
    """What stands before the linear layers: (n, 3, height, width) to (n, `flat_size`)."""
    return nn.Sequential(nn.Conv2d(3, FILTERS, kernel_size=3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())


def flat_size(height: int, width: int) -> int:
    """Inputs of the first linear layer.

    >>> flat_size(244, 244)
    117128
    """
    return FILTERS * ((height - 2) // 2) * ((width - 2) // 2)


def cnn_head(n_inputs: int, n_classes: int) -> nn.Sequential:
    """The three linear layers."""
    first, second = HIDDEN
    return nn.Sequential(nn.Linear(n_inputs, first), nn.Linear(first, second), nn.Linear(second, n_classes))
