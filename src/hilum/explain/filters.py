"""What a convolutional network looks like inside, as the study's paper calls it, CNN visualisation: filters of its first convolution, and
the maps that a film makes in a stage.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hilum.core.errors import InputError, require_known
from hilum.explain.network import Explained


def first_filters(model: Explained) -> NDArray[np.float32]:
    """Filters of the first convolution, (n, height, width), as a grey film meets them: the sum over the input's channels, each by its std.

    Raises:
        InputError: The network has no convolution.
    """
    conv = next((m for m in model.network.body.modules() if isinstance(m, nn.Conv2d)), None)
    if conv is None:
        raise InputError(f"{model.bundle.backbone} has no convolution, and so no filters to show")
    weight = conv.weight.detach()
    std = torch.tensor(model.network.b.std, device=weight.device).view(1, -1, 1, 1)
    return np.asarray((weight / std).sum(1).cpu().numpy(), np.float32)


def feature_maps(
    model: Explained, film: NDArray[np.uint8], stage: str, n: int = 16
) -> tuple[NDArray[np.float32], list[int]]:
    """The maps of a stage that a prepared film makes, those of the highest mean activation first.

    Args:
        model: Whose network.
        film: uint8 (height, width), prepared.
        stage: A name of the backbone's stages.
        n: At most so many.

    Returns:
        float32 (n, height, width), and the numbers of their channels.

    Raises:
        InputError: No such stage, or it gives no maps.
    """
    modules = dict(model.network.b.stages)
    require_known(stage, modules, "unknown stage", f" of {model.bundle.backbone}")
    seen: list[Tensor] = []

    def keep(_module: nn.Module, _args: Any, out: Tensor) -> None:
        seen.append(out)

    last = model.network.body.get_submodule(f"net.{modules[stage][-1]}")
    hook = last.register_forward_hook(keep)
    with torch.inference_mode():
        model.net(model.tensor(film))
    hook.remove()
    if not seen or seen[-1].ndim != 4:
        raise InputError(
            f"stage {stage!r} of {model.bundle.backbone} gives no maps of channels by height by width"
        )
    maps = seen[-1][0].cpu().numpy()
    order = np.argsort(-maps.mean((1, 2)), kind="stable")[:n]
    return np.asarray(maps[order], np.float32), [int(k) for k in order]
