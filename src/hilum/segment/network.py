"""The network that finds lungs: a thin plain U-Net (Ronneberger et al. 2015) for films squashed to 128 x 128.

The film goes in as blocks of 2 x 2 pixels and the mask comes out so (Shi et al. 2016), which makes it four times as fast. What counts as
lung is a convention of whoever drew the masks, so there is one output a convention and each is trained on the films drawn by it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, max_pool2d, pixel_shuffle, pixel_unshuffle

from hilum.core.seeding import key_entropy

LUNGS: Final = "lungs"
LUNGS_AND_HEART: Final = "lungs-and-heart"
CONVENTIONS: Final = {
    LUNGS: "air only: the outline follows heart and mediastinum, as in NLM's masks",
    LUNGS_AND_HEART: "also what lies behind the heart, to a line beside the spine, as in v7labs' masks",
}
"""Name -> what is lung. Their order is that of the network's outputs."""
_WIDTHS: Final = (16, 32, 64, 96, 128)
_BLOCK: Final = 2


class LungNet(nn.Module):
    """Films to logits.

    Its weights are drawn from a seed alone.
    """

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(key_entropy(seed, "lungs") % 2**63)
            inputs = (_BLOCK**2, *_WIDTHS)
            self.down = nn.ModuleList(_convolutions(a, b) for a, b in pairwise(inputs))
            self.up = nn.ModuleList(_convolutions(a + b, a) for a, b in pairwise(_WIDTHS))
            self.head = nn.Conv2d(_WIDTHS[0], len(CONVENTIONS) * _BLOCK**2, 1)

    def forward(self, films: Tensor) -> Tensor:
        """Logits, float32 (n, n_conventions, height, width), of films (n, height, width) of any greys; sides are multiples of 32."""
        x = films.float()[:, None]
        deviation, mean = torch.std_mean(x, (1, 2, 3), keepdim=True)
        x = pixel_unshuffle((x - mean) / (deviation + 1.0), _BLOCK)
        across = []
        for k, block in enumerate(self.down):
            x = block(x if k == 0 else max_pool2d(x, 2))
            across.append(x)
        for block, same_size in zip(reversed(self.up), reversed(across[:-1]), strict=True):
            x = block(torch.cat([same_size, interpolate(x, scale_factor=2.0)], 1))
        out: Tensor = pixel_shuffle(self.head(x), _BLOCK)
        return out


def _convolutions(n_in: int, n_out: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for n in (n_in, n_out):
        layers += [
            nn.Conv2d(n, n_out, 3, padding=1, bias=False),
            nn.BatchNorm2d(n_out),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)
