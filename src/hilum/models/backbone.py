"""A frozen backbone as a function from films to features: always in eval mode, fused for speed, checked against itself.

BatchNorm is folded into the convolution before it and the memory layout is channels-last; the folded network is compared
with the plain one when it is built, and the plain network's digest is kept, so what was loaded is what was run.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Literal, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from hilum.core.errors import HilumError, InputError
from hilum.core.seeding import key_entropy
from hilum.models.registry import Backbone
from hilum.models.tap import tapped
from hilum.models.weights import Weights, fitted, known_file, load_into, plain_network, state_sha256

Precision = Literal["fp32", "bf16"]

FUSION_TOLERANCE = 1e-3
"""Largest difference between folded and plain features, relative to the largest plain feature."""


def build_network(b: Backbone, weights: Weights, seed: int = 0) -> nn.Module:
    """The whole network of the library, with its weights; random ones are drawn from `seed` alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(key_entropy(seed, "weights", b.name) % 2**63)
        net = plain_network(b)
    load_into(net, b, weights)
    return net.eval().requires_grad_(False)


def check_weights(b: Backbone, weights: Weights) -> None:
    """Check that weights fit their network before there are films. A published file is known by its digest and need not be read again.

    Raises:
        InputError: The file does not fit the network.
    """
    if weights.path is None or (weights.sha256 and known_file(b, weights.sha256)):
        return
    fitted(b, weights.path, weights.sha256 or "")


@cache
def require_size(b: Backbone, height: int, width: int) -> None:
    """Check that a backbone takes films of a size, before there are films.

    Raises:
        InputError: It does not; says what sizes go, or what its library says.
    """
    b.require_size(height, width)
    if not b.made_of:
        return
    with torch.device("meta"):
        body = Tap(plain_network(b), b).eval()
        try:
            body(torch.empty(1, len(b.mean), height, width))
        except Exception as e:  # whatever a library raises
            raise InputError(
                f"{b.name} does not take films of {height} x {width} px ({e}); set augment.size_px, to {b.size_px} for one"
            ) from e


class Tap(nn.Module):
    """The network of `build_network` up to its tap, in the library's own terms; its classifier is taken off."""

    def __init__(self, net: nn.Module, b: Backbone) -> None:
        super().__init__()
        self.pool = b.pool
        self.net = tapped(net, b.body, b.cut)
        self.rectified = nn.ReLU()  # a module, so that its output can be looked at

    def forward(self, x: Tensor) -> Tensor:
        """Features of normalised films (n, channels, height, width)."""
        x = self.net(x)
        return cast(Tensor, self.rectified(x).mean(dim=(2, 3)) if self.pool else x)


def normalised(films: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Grey films (n, height, width) to what a network takes: float32 (n, channels, height, width), channels-last.

    Args:
        films: uint8; or float32 from 0 to 255, where gradients by pixels are asked for. On the device already.
        mean: Shape (1, channels, 1, 1), for pixels in [0, 1]; a grey film is in each channel.
        std: Likewise.
    """
    x = films.div(255.0)[:, None]
    return ((x - mean) / std).contiguous(memory_format=torch.channels_last)


def evaluated(
    network: Callable[[Tensor], Tensor],
    films: NDArray[np.uint8],
    batch: int,
    precision: Precision,
    device: str,
) -> Tensor:
    """What a network in evaluation makes of films. What comes of a film does not depend on who shares its batch.

    Args:
        network: Takes films on the device.
        films: uint8, shape (n, height, width), n <= batch.
        batch: The fixed batch shape; missing films are filled up with blanks and dropped again.
        precision: ``fp32`` or ``bf16`` (autocast).
        device: ``cpu`` or ``cuda``.

    Returns:
        float32 on the device, (n, ...).
    """
    n = len(films)
    if n < batch:
        films = np.concatenate([films, np.zeros((batch - n, *films.shape[1:]), np.uint8)])
    on_device = torch.from_numpy(np.ascontiguousarray(films)).to(device, non_blocking=True)
    half = precision == "bf16"
    with torch.inference_mode(), torch.autocast(torch.device(device).type, torch.bfloat16, enabled=half):
        return network(on_device)[:n].contiguous().float()


def _fold_batchnorm(module: nn.Module) -> None:
    """Fold each BatchNorm into the convolution that stands right before it among its siblings."""
    names = list(module._modules)
    for first, second in pairwise(names):
        conv, norm = module._modules[first], module._modules[second]
        if (
            isinstance(conv, nn.Conv2d)
            and isinstance(norm, nn.BatchNorm2d)
            and norm.num_features == conv.out_channels
            and norm.running_mean is not None
        ):
            module._modules[first] = fuse_conv_bn_eval(conv, norm)
            # timm's BatchNorm carries its activation
            module._modules[second] = cast(nn.Module, getattr(norm, "act", nn.Identity()))
    for child in module.children():
        _fold_batchnorm(child)


def folded(plain: nn.Module, b: Backbone) -> nn.Module:
    """A network in evaluation with BatchNorm folded. A library's that folding would change (its modules may not stand in the order that
    they act in) stays as it is; of one of the registry that is a defect.

    Raises:
        HilumError: Folding changed a network of the registry.
    """
    found = copy.deepcopy(plain)
    try:
        _fold_batchnorm(found)
        _compare(plain, found, b)
    except HilumError:
        if not b.made_of:
            raise
        return plain
    return found


def _compare(plain: nn.Module, found: nn.Module, b: Backbone) -> None:
    side, channels = b.probe_px, len(b.mean)
    probe = torch.linspace(-2, 2, channels * side * side).reshape(1, channels, side, side).sin()
    with torch.inference_mode():
        a, c = plain(probe), found(probe)
    difference = float((a - c).abs().max() / a.abs().max().clamp(min=1e-12))
    if not difference <= FUSION_TOLERANCE:
        raise HilumError(
            f"folding BatchNorm changed {b.name}'s features by {difference:.2g} of their largest value, more than {FUSION_TOLERANCE}"
        )


def require_freezable(b: Backbone) -> None:
    """Check that a backbone can stay as it is.

    Raises:
        InputError: It is only trained as a whole.
    """
    if b.from_scratch:
        raise InputError(
            f"{b.name} is trained from scratch, as a whole; its features cannot be frozen. Give the study a [finetune] table"
        )


class FeatureNetwork(Protocol):
    """A frozen backbone, whatever computes it: `FrozenBackbone` is torch's."""

    b: Backbone
    state_sha256: str

    @property
    def engine(self) -> str:
        """What computes it."""

    @property
    def at_once(self) -> int:
        """Films that one call of `features` should have, where `batch` is fewer."""

    def check_unchanged(self) -> None:
        """Raise HilumError if a frozen weight or statistic moved since the network was built."""

    def features(self, films: NDArray[np.uint8], batch: int, precision: Precision | None = None) -> Tensor:
        """Features of films, float32 (n, C) or (n, C, h, w)."""


class FrozenBackbone:
    """Films to features.

    Args:
        b: Which backbone.
        weights: What it starts from.
        seed: For random weights only.
        precision: ``fp32`` or ``bf16`` (autocast; features come out as fp32).
        device: ``cpu`` or ``cuda``.

    Attributes:
        state_sha256: Digest of the plain network's weights and BatchNorm statistics.

    Raises:
        InputError: The network is one that is only trained as a whole.
    """

    engine = "torch"
    at_once = 1

    def __init__(
        self, b: Backbone, weights: Weights, seed: int = 0, precision: Precision = "fp32", device: str = "cpu"
    ) -> None:
        require_freezable(b)
        net = build_network(b, weights, seed)
        self.b, self.precision, self.device = b, precision, device
        self.state_sha256 = state_sha256(net)
        plain = Tap(net, b).eval()
        net = folded(plain, b)
        self._folded_sha256 = state_sha256(net)
        self._net = net.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._mean = torch.tensor(b.mean, device=device).view(1, -1, 1, 1)
        self._std = torch.tensor(b.std, device=device).view(1, -1, 1, 1)

    def check_unchanged(self) -> None:
        """Raise HilumError if a frozen weight or statistic moved since the network was built."""
        if state_sha256(self._net) != self._folded_sha256:
            raise HilumError(f"a frozen weight of {self.b.name} moved; its features cannot be trusted")

    def features(self, films: NDArray[np.uint8], batch: int, precision: Precision | None = None) -> Tensor:
        """Features of at most `batch` films.

        Args:
            films: uint8, shape (n, height, width), n <= batch.
            batch: The fixed number of films that the network sees (`evaluated`).
            precision: Another than its own.

        Returns:
            float32 on the device, (n, C) or (n, C, h, w).
        """

        def network(on_device: Tensor) -> Tensor:
            return cast(Tensor, self._net(normalised(on_device, self._mean, self._std)))

        return evaluated(network, films, batch, precision or self.precision, self.device)
