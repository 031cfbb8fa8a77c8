"""``torchvision/NAME``: its networks for classification, cut before the last linear layer; what their default weights' transforms say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any, cast

import torch
from torch import Tensor, nn
from torchvision import models

from hilum.core.errors import InputError
from hilum.models import hub
from hilum.models.libraries import Cut, Published, require_name
from hilum.models.registry import WeightsFile

cached = hub.cached
_LICENCE = "BSD-3-Clause"


@cache
def names() -> Sequence[str]:
    """Its networks for classification."""
    return cast(Sequence[str], models.list_models(module=models))


def _default(name: str) -> Any:
    require_name("torchvision", name, names())
    return models.get_model_weights(name).DEFAULT


def published(name: str) -> Published:
    """As its default weights and their transforms have it."""
    weights = _default(name)
    shown = weights.transforms()
    file = weights.url.rpartition("/")[2]
    digits = re.search(r"-([0-9a-f]{8,})\.", file)
    licence = weights.meta.get("license") or _LICENCE
    of = WeightsFile(file, digits[1] if digits else "", weights.url, licence, f"torchvision {weights}")
    return Published(tuple(shown.mean), tuple(shown.std), shown.crop_size[0], (of,))


def build(name: str) -> nn.Module:
    """The whole network.

    Raises:
        InputError: It has a second classifier in training.
    """
    try:
        net = models.get_model(name, weights=None)
    except NotImplementedError:  # it works its widths out with tensors, which the meta device cannot
        with torch.device("cpu"):
            net = models.get_model(name, weights=None)
        net.to("meta")
    if hasattr(net, "aux_logits"):
        raise InputError(
            f"torchvision/{name} trains a second classifier beside the first, which hilum does not; take timm's"
        )
    return cast(nn.Module, net)


def cut(name: str, net: nn.Module) -> Cut:
    """Before the last linear layer; without one, the pooled map."""
    linear = [n for n, m in net.named_modules() if isinstance(m, nn.Linear)]
    if not linear:
        return Cut("after ReLU and global average pooling", body="features", pool=True)
    size = published(name).size_px
    try:
        net(torch.empty(1, 3, size + 32, size + 32, device="meta"))
        fixed = False
    except (AssertionError, RuntimeError):
        fixed = True
    tokens = 1 if hasattr(net, "class_token") else None
    return Cut(
        f"before {linear[-1]}",
        cut=linear[-1],
        patch=int(getattr(net, "patch_size", 1)),
        fixed=fixed,
        prefix_tokens=tokens,
    )


def fetch(name: str) -> None:
    """Download the default weights."""
    hub.fetch(published(name).weights[0])


def translated(name: str, state: dict[str, Tensor]) -> dict[str, Tensor] | None:
    """It has one spelling."""
    del name, state
    return None
