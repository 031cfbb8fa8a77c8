"""A bundle's model as a function that can be differentiated: what every method of explanation is asked of.

It is the plain network in fp32 (nothing folded, no activation in place: vision issue 4164, captum issue 973), and its answers are compared
with those of the bundle's `Predictor` on the first film, so that what is explained is what is predicted.
"""

from __future__ import annotations

from math import isqrt
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hilum.artifacts.bundle import Bundle
from hilum.core.errors import HilumError, InputError
from hilum.inference.judged import probabilities
from hilum.inference.predictor import Predictor, plain_network
from hilum.models.networks import WholeNetwork
from hilum.study.several_findings import ONE_FINDING, require_one_class

TOLERANCE = 1e-4
"""How far the probabilities of the explained network may be from the predictor's, both in fp32. (In bf16 the predictor itself is up to
.044 from its fp32: EfficientNet-Lite0 on real films.)"""
_TOKENS_BEFORE = 8
"""At most so many tokens (class, registers) stand before those of the patches."""


class GreyNetwork(nn.Module):
    """Grey films as float32 (n, 1, height, width), 0 to 255, to logits (n, n_classes)."""

    def __init__(self, network: WholeNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, films: Tensor) -> Tensor:
        """Logits."""
        return cast(Tensor, self.network(films[:, 0]))


class Explained:
    """A bundle's model, ready to be explained.

    Args:
        network: Plain, in fp32; it is put into evaluation, and no activation of it stays in place.
        predictor: Of the same bundle.
        device: ``cpu`` or ``cuda``.

    Attributes:
        bundle: As stored; `classes` and `positive` are its.
        predictor: The bundle's own answers.
        net: Grey films as `GreyNetwork` takes them to logits; its weights need no gradient.
        layer: The module in `net` whose output is the last spatial map before the tap, (n, channels, height, width); of a transformer
            the last tokens of the film's patches that the answer depends on, laid out as a map.

    Raises:
        InputError: The network has no map: its features say nothing of places.
    """

    def __init__(self, network: WholeNetwork, predictor: Predictor, device: str = "cpu") -> None:
        self.bundle: Bundle = predictor.bundle
        self.classes, self.positive = self.bundle.classes, self.bundle.positive
        for module in network.modules():
            if getattr(module, "inplace", False):
                setattr(module, "inplace", False)  # noqa: B010 - mypy knows no such attribute
        network.body.to(memory_format=torch.channels_last)
        self.net: nn.Module = GreyNetwork(network).to(device).requires_grad_(False).eval()
        self.network, self.device = network, device
        self.predictor, self._same = predictor, False
        self.layer = last_map(network, predictor.size_px)

    def prepared(self, film: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A decoded film as the network sees it, with its lungs found where the bundle's preparation reads them.

        Raises:
            InputError: They were not found.
        """
        (found,) = self.predictor.prepared([film])
        if isinstance(found, str):
            raise InputError(found)
        return found

    def tensor(self, film: NDArray[np.uint8]) -> Tensor:
        """A prepared film as `net` takes it: float32 (1, 1, height, width) on the device."""
        return torch.from_numpy(np.ascontiguousarray(film)).to(self.device, torch.float32)[None, None]

    def probabilities(self, film: NDArray[np.uint8]) -> NDArray[np.float64]:
        """What the bundle answers of a prepared film, in its own precision: (n_classes,)."""
        return np.asarray(probabilities(self.predictor.passed(film[None]).double().cpu())[0])

    def require_same(self, film: NDArray[np.uint8]) -> None:
        """Compare the answers of predictor and network on a prepared film, once.

        Raises:
            HilumError: The two differ by more than `TOLERANCE`.
        """
        if self._same:
            return
        with torch.inference_mode():
            ours = probabilities(self.net(self.tensor(film)).double().cpu())
        expected = probabilities(self.predictor.passed(film[None], "fp32").double().cpu())
        difference = float(np.abs(ours - expected).max())
        if not difference <= TOLERANCE:
            raise HilumError(
                f"{self.bundle.backbone}: the network to be explained gives probabilities that differ from the predictor's by "
                f"{difference:.2g}, more than {TOLERANCE}; its maps would be of another model"
            )
        self._same = True


def explained(folder: Path, device: str = "cpu", allow_unsafe: bool = False) -> Explained:
    """The model of a bundle, to be explained.

    Args:
        folder: The bundle.
        device: ``cpu`` or ``cuda``.
        allow_unsafe: As for `Predictor`.

    Raises:
        InputError: No bundle, no film path (features made elsewhere), its weights cannot be found, or its features say nothing of places.
        DigestError: The weights found are not the bundle's.
        UnsafeError: The bundle is unsafe, or a probe.
    """
    predictor = Predictor(folder, device, allow_unsafe)
    require_one_class(predictor.bundle.task, f"{folder}: a heat map", ONE_FINDING)
    bundle, _, state = Bundle.read(folder)
    return Explained(plain_network(bundle, folder, state), predictor, device)


class _Grid:
    """How a module's output is laid out: as a map, as a map with its channels last, or as tokens of patches in rows."""

    def __init__(self, shape: torch.Size) -> None:
        self.channels_last = len(shape) == 4 and shape[1] == shape[2] != shape[3]
        self.tokens = len(shape) == 3
        self.side = isqrt(shape[1]) if self.tokens else 0
        self.before = shape[1] - self.side**2 if self.tokens else 0

    def map(self, out: Tensor) -> Tensor:
        """The output as (n, channels, height, width); tokens before the patches' (class, registers) are left out."""
        if self.channels_last:
            return out.permute(0, 3, 1, 2)
        if not self.tokens:
            return out
        patches = out[:, self.before :]
        return patches.reshape(len(out), self.side, self.side, -1).permute(0, 3, 1, 2)

    def back(self, maps: Tensor, out: Tensor) -> Tensor:
        """A map as the module gives it, with the tokens before it as they were in `out`."""
        if self.channels_last:
            return maps.permute(0, 2, 3, 1)
        if not self.tokens:
            return maps
        return torch.cat([out[:, : self.before], maps.permute(0, 2, 3, 1).flatten(1, 2)], dim=1)


def last_map(network: WholeNetwork, size: tuple[int, int]) -> nn.Module:
    """The module whose output is the last map that the features depend on; found on a probe, so for any backbone.

    Args:
        network: In evaluation. Where the last map is not (n, channels, height, width), a module is hung behind it that gives it so.
        size: (height, width) of a film.

    Raises:
        InputError: There is none.
    """
    body, seen = network.body, list[tuple[nn.Module, Tensor]]()

    def keep(module: nn.Module, _: Any, out: Any) -> None:
        if isinstance(out, Tensor) and out.requires_grad and _is_map(out.shape):
            seen.append((module, out))

    # inside attention there are squares of tokens by tokens, which are no maps
    attention = {m for a in body.modules() if "Attention" in type(a).__name__ for m in a.modules()}
    hooks = [m.register_forward_hook(keep) for m in body.modules() if m not in attention]
    wave = torch.linspace(0, 900, size[0] * size[1]).sin().add(1).mul(127).reshape(1, *size)
    with torch.enable_grad():
        features = network.features(wave.to(next(body.parameters()).device).requires_grad_())
        told = (features * torch.linspace(-1, 1, features.numel()).to(features).view_as(features)).sum()
        slopes = torch.autograd.grad(told, [out for _, out in seen], allow_unused=True) if seen else ()
    for hook in hooks:
        hook.remove()
    for (module, out), slope in zip(reversed(seen), reversed(slopes), strict=True):
        grid = _Grid(out.shape)
        if slope is not None and bool(grid.map(slope).any()):
            return _laid_out(module, grid)
    raise InputError(
        f"{network.b.name} has no map to explain: none of its modules gives (films, channels, height, width) or tokens of a square of "
        "patches that its features depend on; explain a bundle of another backbone"
    )


def _is_map(shape: torch.Size) -> bool:
    """Whether an output of one film says something of more than one place."""
    if len(shape) == 3:
        grid = _Grid(shape)
        return shape[0] == 1 and grid.side > 1 and grid.before <= _TOKENS_BEFORE
    return len(shape) == 4 and shape[0] == 1 and min(shape[2:]) > 1


def _laid_out(module: nn.Module, grid: _Grid) -> nn.Module:
    """The module itself where it gives a map, else one behind it, through which its output passes as a map."""
    if not (grid.tokens or grid.channels_last):
        return module
    as_map = nn.Identity()
    module.register_forward_hook(lambda _module, _args, out: grid.back(as_map(grid.map(out)), out))
    return as_map
