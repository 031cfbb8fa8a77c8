"""Whole networks: a backbone of the registry and the study's head behind it, from grey films to logits.

This is the plain network: nothing folded, every weight and BatchNorm statistic where the library has it, so that all of it can be trained.
What a film passes is what it passes on the way to frozen features: the same normalisation, the same tap, the same head.
"""

from __future__ import annotations

import copy
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import Parameter

from hilum.core.errors import HilumError
from hilum.core.seeding import key_entropy
from hilum.models.backbone import Precision, Tap, build_network, evaluated, normalised
from hilum.models.heads import ConvHead, build_head
from hilum.models.registry import Backbone
from hilum.models.weights import RANDOM, Weights

HEAD = "head"


class WholeNetwork(nn.Module):
    """A backbone up to its tap (`body`: normalised films to features), and a head (features to logits)."""

    def __init__(self, b: Backbone, body: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.b, self.body, self.head = b, body, head
        self.register_buffer("mean", torch.tensor(b.mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(b.std).view(1, -1, 1, 1), persistent=False)

    def forward(self, films: Tensor, factors: Tensor | None = None) -> Tensor:
        """Logits (n, n_classes) of films.

        Args:
            films: (n, height, width) as `normalised` takes them, on the network's device.
            factors: What the head's input is multiplied by, shape (n, *`feature_shape`): dropout, drawn by whoever trains, because
                chance is data. None drops nothing.
        """
        features = self.features(films)
        return cast(Tensor, self.head(features if factors is None else features * factors))

    def features(self, films: Tensor) -> Tensor:
        """What the body makes of films, (n, C) or (n, C, h, w); they are given as to `forward`."""
        return cast(Tensor, self.body(normalised(films, cast(Tensor, self.mean), cast(Tensor, self.std))))

    @property
    def dropout(self) -> bool:
        """Whether the head's input is dropped out in training unless a study says otherwise."""
        return isinstance(self.head, ConvHead)

    def stages(self) -> dict[str, dict[str, Parameter]]:
        """Its stages from the input to the head, which is the last: what is unfrozen together and has one learning rate.

        They are the blocks that each network's paper has, as its entry in `hilum.models.registry` names them.

        Returns:
            Name of a stage -> name in the network's state -> weight; every weight is in exactly one stage.

        Raises:
            HilumError: A weight that belongs to no stage.
        """
        of_module = {f"body.net.{module}": name for name, modules in self.b.stages for module in modules}
        of_module["head"] = HEAD
        found: dict[str, dict[str, Parameter]] = {name: {} for name in (*dict(self.b.stages), HEAD)}
        for name, parameter in self.named_parameters():
            stage = next((s for part, s in of_module.items() if f"{name}.".startswith(f"{part}.")), None)
            if stage is None:
                raise HilumError(f"the weight {name!r} of {self.b.name} belongs to no stage")
            found[stage][name] = parameter
        return found

    def feature_shape(self, height: int, width: int) -> torch.Size:
        """Shape of one film's features at this size; the network is left as it was."""
        probe = copy.deepcopy(self.body).to("meta").eval()
        with torch.inference_mode():
            films = torch.empty(1, len(self.b.mean), height, width, device="meta")
            return cast(Tensor, probe(films)).shape[1:]


def build_whole(
    b: Backbone,
    weights: Weights,
    n_classes: int,
    size_px: tuple[int, int],
    seed: int,
) -> WholeNetwork:
    """A network at the start of its training, on the CPU, channels-last, every weight trainable.

    Args:
        b: Which backbone.
        weights: Of the backbone.
        n_classes: Outputs.
        size_px: (height, width) of the films; only heads of flat features depend on it.
        seed: Of the head's first weights, which are those of `hilum.models.heads.build_head`, and of a backbone's random ones.
    """
    body = Tap(build_network(b, weights, seed), b).to(memory_format=torch.channels_last)
    network = WholeNetwork(b, body, nn.Identity())
    n_inputs = b.channels or network.feature_shape(*size_px)[0]
    network.head = build_head(b, n_classes, seed, n_inputs)
    return network.requires_grad_(True)


def reset_first_conv(network: WholeNetwork, seed: int) -> None:
    """Draw the first convolution anew from `seed`, as torch initialises one."""
    conv = next(m for m in network.body.modules() if isinstance(m, nn.Conv2d))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(key_entropy(seed, "first convolution", network.b.name) % 2**63)
        conv.reset_parameters()


def whole_from_state(b: Backbone, n_classes: int, state: dict[str, NDArray[np.generic]]) -> WholeNetwork:
    """A trained network from its stored state, in evaluation. No weights file is needed.

    Raises:
        HilumError: The state does not fit the network.
    """
    with torch.device("meta"):
        body = Tap(build_network(b, RANDOM), b)
        first = (
            state["head.weight" if "head.weight" in state else "head.0.weight"] if not b.channels else None
        )
        head = build_head(b, n_classes, 0, b.channels if first is None else first.shape[1])
    network = WholeNetwork(b, body, head)
    network.mean, network.std = (torch.tensor(v).view(1, -1, 1, 1) for v in (b.mean, b.std))
    try:
        network.load_state_dict({k: torch.from_numpy(v) for k, v in state.items()}, strict=True, assign=True)
    except RuntimeError as e:
        raise HilumError(f"the stored state does not fit {b.name} with {n_classes} classes: {e}") from e
    _fill_what_no_state_has(network, b)
    return network.requires_grad_(False).eval()


def _fill_what_no_state_has(network: WholeNetwork, b: Backbone) -> None:
    """Constants that a library works out when it builds a network, and does not store (places of a window, a mask)."""
    without = [name for name, value in network.body.named_buffers() if value.is_meta]
    built = Tap(build_network(b, RANDOM), b) if without else network.body
    for name in without:
        of, _, own = name.rpartition(".")
        network.body.get_submodule(of).register_buffer(own, built.get_buffer(name), persistent=False)


class NetworkScorer:
    """A trained network as a function from films to logits: it is moved to the device, and put into evaluation."""

    def __init__(self, network: WholeNetwork, precision: Precision = "fp32", device: str = "cpu") -> None:
        network.body.to(memory_format=torch.channels_last)
        self._network = network.to(device).eval()
        self._precision, self._device = precision, device

    def logits(self, films: NDArray[np.uint8], batch: int, precision: Precision | None = None) -> Tensor:
        """Logits of at most `batch` films.

        Args:
            films: uint8, shape (n, height, width), n <= batch.
            batch: The fixed number of films that the network sees (`evaluated`).
            precision: Another than its own.

        Returns:
            float32 on the CPU, (n, n_classes).
        """
        return evaluated(self._network, films, batch, precision or self._precision, self._device).cpu()
