"""COVID-Net's body, written from its paper: Wang, Lin, Wong, Scientific Reports 10, 19549 (2020), doi:10.1038/s41598-020-76550-z.

It is the network of the versions of https://arxiv.org/abs/2003.09871 that print 117.4 million parameters and 2.26 billion multiply-adds
at 224 px; the journal's is a later and smaller one for films of 480 px.

Published is what Figure 2 names: a 7x7 convolution to 64 channels; 3, 4, 6 and 3 PEPX modules to 256, 512, 1024 and 2048 channels; one
long-range 1x1 convolution a stage; a flattened map of 100352 values (2048 x 7 x 7, so the stages run at 56, 28, 14 and 7 px); and two
hidden layers of 1024, which are the head ``fc-1024``. Inner widths, normalisation, activations and how the long-range lines are joined are
not published. The rule here:

- of a module to C channels: projection C/4, expansion and depth-wise convolution 7C/16, second projection C/8, extension C;
- every convolution has no bias and a BatchNorm; ReLU follows each but the extension and the long-range one, which are summed first;
- a stage halves its map by max pooling, then sums: long-range(x) + module 1(x), and each further module adds to the sum before it. That is
  the figure's lines, where a module sees the long-range convolution and all modules before it.

With it the network has both published numbers to 1 %. It is not the authors' network, whose widths a search found module by module.
A width below 1 narrows every layer by that factor, for a CPU.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

STEM = 64
STAGES = ((3, 256), (4, 512), (6, 1024), (3, 2048))
"""Modules of each stage, and its channels."""


def _conv(n_in: int, n_out: int, kernel: int = 1, groups: int = 1, stride: int = 1) -> list[nn.Module]:
    padding = kernel // 2
    return [
        nn.Conv2d(n_in, n_out, kernel, stride, padding, groups=groups, bias=False),
        nn.BatchNorm2d(n_out),
    ]


def pepx(n_in: int, n_out: int) -> nn.Sequential:
    """Projection, expansion, depth-wise 3x3, projection, extension: (n, n_in, h, w) to (n, n_out, h, w)."""
    projected, expanded, again = n_out // 4, 7 * n_out // 16, n_out // 8
    return nn.Sequential(
        *_conv(n_in, projected), nn.ReLU(),
        *_conv(projected, expanded), nn.ReLU(),
        *_conv(expanded, expanded, kernel=3, groups=expanded), nn.ReLU(),
        *_conv(expanded, again), nn.ReLU(),
        *_conv(again, n_out),
    )  # fmt: skip


class Stage(nn.Module):
    """Modules of one width behind a max pooling: (n, n_in, h, w) to (n, n_out, h // 2, w // 2)."""

    def __init__(self, n_modules: int, n_in: int, n_out: int) -> None:
        super().__init__()
        self.pool = nn.MaxPool2d(2)
        self.long_range = nn.Sequential(*_conv(n_in, n_out))
        self.pepx = nn.ModuleList(pepx(n_out if k else n_in, n_out) for k in range(n_modules))
        self.rectified = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """The sum of the long-range convolution and every module."""
        x = self.pool(x)
        first, *further = self.pepx
        total: Tensor = self.rectified(self.long_range(x) + first(x))
        for module in further:
            total = self.rectified(total + module(total))
        return total


def body(width: float = 1.0) -> nn.Sequential:
    """What stands before the linear layers: (n, 3, h, w) to (n, 2048 * width * h / 32 * w / 32) where 32 divides the sides.

    Args:
        width: Share of every layer's channels, a multiple of 1/16 so that inner widths are whole.
    """
    n = round(STEM * width)
    parts: OrderedDict[str, nn.Module] = OrderedDict(
        stem=nn.Sequential(*_conv(3, n, kernel=7, stride=2), nn.ReLU())
    )
    for k, (n_modules, channels) in enumerate(STAGES, start=1):
        parts[f"stage{k}"] = Stage(n_modules, n, round(channels * width))
        n = round(channels * width)
    parts["flat"] = nn.Flatten()
    return nn.Sequential(parts)


def body_x0_25() -> nn.Sequential:
    """A quarter as wide."""
    return body(0.25)


def body_x0_125() -> nn.Sequential:
    """An eighth as wide."""
    return body(0.125)
