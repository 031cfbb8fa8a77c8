"""Frozen backbones on the same films, beside the library's own network as it comes: rows of `make bench`.

`features.py` measures more of the same, at larger sizes and on GPUs.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from features import FROZEN
from turns import Pair

from hilum.core.seeding import generator
from hilum.models.backbone import FrozenBackbone, build_network
from hilum.models.machine import choose_device, exact_arithmetic, keep_memory, measure_precision
from hilum.models.registry import BACKBONES
from hilum.models.weights import RANDOM


def pairs(size_px: int, n_films: int) -> Iterator[Pair]:
    """Every network: hilum's frozen backbone beside the eager fp32 loop in batches of 32, both with the allocator that hilum sets."""
    exact_arithmetic()
    keep_memory()
    device = choose_device()
    precision, _ = measure_precision(device)
    batch = 16 if device == "cpu" else 256
    films = generator(1, "films").integers(0, 256, (n_films, size_px, size_px), dtype=np.uint8)
    x = torch.from_numpy(films).float()[:, None].expand(-1, 3, -1, -1).contiguous() / 255
    for name in FROZEN:
        b = BACKBONES[name]
        net, ours = build_network(b, RANDOM).to(device), FrozenBackbone(b, RANDOM, 0, precision, device)

        def eager(net: torch.nn.Module = net) -> None:
            with torch.inference_mode():
                for k in range(0, n_films, 32):
                    net(x[k : k + 32].to(device)).cpu()

        def hilum(ours: FrozenBackbone = ours) -> None:
            for k in range(0, n_films, batch):
                ours.features(films[k : k + batch], batch).cpu()

        words = f"hilum: {precision}, normalisation included, up to the tap; {b.library}: fp32, films ready as floats, to the last layer"
        yield Pair(f"features of {name}, {n_films} films", f"{b.library} eager", hilum, eager, words, 3)
