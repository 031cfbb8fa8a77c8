"""``torchxrayvision/WEIGHTS``: networks of chest films by the name of their weights, cut before the classifier.

They take one channel from -1024 to 1024, which is mean .5 and standard deviation 1 / 2048 of pixels in [0, 1]. The library would bring
films to the size of its weights; here they pass at the study's.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torchvision
from torch import Tensor, nn

from hilum.models.libraries import Cut, Published, require_name
from hilum.models.registry import WeightsFile

with warnings.catch_warnings():  # it would silence all warnings of the process
    import torchxrayvision as xrv

_LICENCE = "Apache-2.0 (torchxrayvision); the films that it learned from have terms of their own"


def names() -> Sequence[str]:
    """Weights by their full name, as ``ARCHITECTURE-resPIXELS-FILMS``."""
    return [n for n in xrv.models.model_urls if "-res" in n]


def _model(name: str) -> dict[str, Any]:
    require_name("torchxrayvision", name, names())
    return cast(dict[str, Any], xrv.models.model_urls[name])


def published(name: str) -> Published:
    """As ``model_urls`` has it."""
    said = _model(name)
    url = said["weights_url"]
    of = WeightsFile(url.rpartition("/")[2], "", url, _LICENCE, f"torchxrayvision {name}, chest films")
    return Published((0.5,), (1 / 2048,), said["input_resolution"], (of,))


def build(name: str) -> nn.Module:
    """The whole network, as the library builds it for these weights, without the thresholds that it scales scores by."""
    architecture, n_classes = name.split("-")[0], len(_model(name)["labels"])
    if architecture.startswith("dense"):
        net: nn.Module = xrv.models.DenseNet(
            num_classes=n_classes, **xrv.models.get_densenet_params(architecture)
        )
        return net
    made = torchvision.models.get_model(architecture, weights=None, num_classes=n_classes)
    made.conv1 = nn.Conv2d(1, 64, kernel_size=7, stride=2, padding=3, bias=False)
    return cast(nn.Module, made)


def cut(name: str, net: nn.Module) -> Cut:
    """What its ``features2``, or ``features``, give."""
    del name
    if hasattr(net, "features"):
        return Cut("after ReLU and global average pooling", body="features", pool=True)
    return Cut("after global average pooling", cut="fc")


def cached(file: WeightsFile) -> Path | None:
    """In the library's own folder."""
    path = Path(xrv.utils.get_cache_dir()).expanduser() / file.filename
    return path if path.is_file() else None


def fetch(name: str) -> None:
    """Download the weights to the library's own folder; nothing in them is run."""
    xrv.models.get_weights(name)


def translated(name: str, state: dict[str, Tensor]) -> dict[str, Tensor] | None:
    """It has one spelling."""
    del name, state
    return None
