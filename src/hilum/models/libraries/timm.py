"""``timm/NAME``, with or without a tag of its weights (``NAME.TAG``): what ``pretrained_cfg`` says; the network without its classifier.

The features are what timm's own classifier would be given. A transformer of patches takes films of other sizes than it was made with: timm
interpolates its positions (``dynamic_img_size``); what cannot, takes its own size only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any, cast

import timm
from timm.models import get_pretrained_cfg, list_models, list_pretrained
from torch import Tensor, nn

from hilum.models import hub
from hilum.models.libraries import Cut, Published, require_name
from hilum.models.registry import WeightsFile

cached = hub.cached


@cache
def names() -> Sequence[str]:
    """Networks, and networks with a tag of their weights."""
    return sorted({*list_models(), *list_pretrained()})


def _config(name: str) -> Any:
    require_name("timm", name, names())
    return get_pretrained_cfg(name)


def published(name: str) -> Published:
    """As its ``pretrained_cfg`` has it."""
    config = _config(name)
    licence = config.license or "not stated"
    source = f"timm {config.architecture or name}{f'.{config.tag}' if config.tag else ''}"
    files = []
    if config.hf_hub_id:
        files.append(hub.of_hub(config.hf_hub_id, "model.safetensors", licence, source))
    if config.url and config.url.endswith((".pth", ".pt", ".safetensors")):
        file = config.url.rpartition("/")[2]
        digits = re.search(r"-([0-9a-f]{8,})\.", file)
        files.append(WeightsFile(file, digits[1] if digits else "", config.url, licence, source))
    return Published(tuple(config.mean), tuple(config.std), config.input_size[1], tuple(files))


def build(name: str, **options: Any) -> nn.Module:
    """The network without its classifier."""
    return cast(nn.Module, timm.create_model(name, num_classes=0, **_sized(name), **options))


@cache
def _sized(name: str) -> dict[str, bool]:
    """What makes the network take films of other sizes, where it needs something to."""
    import torch

    if not _config(name).fixed_input_size:
        return {}
    try:
        with torch.device("meta"):
            timm.create_model(name, num_classes=0, dynamic_img_size=True)
    except TypeError:
        return {}
    return {"dynamic_img_size": True}


def cut(name: str, net: nn.Module) -> Cut:
    """The whole of it, for it has no classifier."""
    patch = getattr(getattr(net, "patch_embed", None), "patch_size", (1, 1))
    sized = not _config(name).fixed_input_size or bool(_sized(name))
    tokens = getattr(net, "num_prefix_tokens", None)
    pooled = getattr(net, "global_pool", "")
    how = f" ({pooled})" if isinstance(pooled, str) and pooled else ""
    return Cut(
        f"what timm's classifier is given{how}",
        patch=max(patch) if isinstance(patch, tuple | list) else int(patch),
        fixed=not sized,
        prefix_tokens=tokens,
    )


def fetch(name: str) -> None:
    """Download the preferred file."""
    hub.fetch(published(name).weights[0])


def translated(name: str, state: dict[str, Tensor]) -> dict[str, Tensor] | None:
    """By the filter that timm has for a network's published files."""
    try:
        net = build(
            name, pretrained=True, pretrained_cfg_overlay={"state_dict": dict(state), "custom_load": False}
        )
    except Exception:  # whatever a filter meets in a file that is not for it
        return None
    return net.state_dict()
