"""The body of the small network that the paper trains from scratch (its Figure 14); the linear layers behind it are the head ``dense``.

At 244 px the first linear layer has 8 * 121 * 121 = 117128 inputs, and so 113 of the network's 113.4 million weights; at other sizes
it follows.
"""

from __future__ import annotations

from torch import nn


def cnn_body() -> nn.Sequential:
    """What stands before the linear layers: (n, 3, height, width) to (n, 8 * ((height - 2) // 2) * ((width - 2) // 2))."""
    return nn.Sequential(nn.Conv2d(3, 8, kernel_size=3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
