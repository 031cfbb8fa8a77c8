"""Backbones of other libraries: `hilum.models.registry.Backbone` entries that are made from what the library itself says of a network.

A library is a module of this folder, named as the library, and its name in `LIBRARIES`. It says what it has (`Library`); how many channels
come out, and which stages a network has, is read off the network as it is built without memory (torch's ``meta`` device). Nothing is
downloaded, and a library is imported when one of its backbones is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple, Protocol, cast

import torch
from torch import Tensor, nn

from hilum.core.errors import InputError, MissingExtraError
from hilum.models.registry import Backbone, WeightsFile
from hilum.models.tap import tapped

LIBRARIES = ("timm", "torchvision", "torchxrayvision", "transformers")
EXTRA = "backbones"
"""The extra of hilum that installs all of them."""
_TRUNK = 0.9
"""A part with more than this share of the weights is no stage but is made of stages."""
_SMALL = 2
"""Layers with weights of a part that is no stage of its own (a first convolution and its norm), at most."""


@dataclass(frozen=True)
class Published:
    """What a library says of a network without building it.

    Attributes:
        mean: Per channel of the input, for pixels in [0, 1].
        std: Per channel.
        size_px: Side of the films that its weights were made with.
        weights: The library's own default weights, the preferred file first; empty where it has none.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    size_px: int
    weights: tuple[WeightsFile, ...] = ()


@dataclass(frozen=True)
class Cut:
    """Where a library's network is tapped, and what films it takes; the fields are those of `Backbone`."""

    tap: str
    body: str = ""
    cut: str = ""
    pool: bool = False
    patch: int = 1
    fixed: bool = False
    prefix_tokens: int | None = None


class Library(Protocol):
    """What a library's module has."""

    def names(self) -> Sequence[str]:
        """Every network that can be asked for, without the library's name."""

    def published(self, name: str) -> Published:
        """What is said of a network; the name is one of `names`, or the library refuses it."""

    def build(self, name: str) -> nn.Module:
        """The network with random weights; under the ``meta`` device without memory."""

    def cut(self, name: str, net: nn.Module) -> Cut:
        """Where a network of `build` is tapped."""

    def cached(self, file: WeightsFile) -> Path | None:
        """Where the library keeps a file that it has downloaded, if it has."""

    def fetch(self, name: str) -> None:
        """Download its default weights, and what else the library needs to build it, to where `cached` looks."""

    def translated(self, name: str, state: dict[str, Tensor]) -> dict[str, Tensor] | None:
        """A state in a spelling of its own that the library knows, as the network's; None where it does not know it."""


def library(name: str) -> Library:
    """A library by name.

    Raises:
        InputError: No such library; names the nearest.
        MissingExtraError: It is not installed.
    """
    if name not in LIBRARIES:
        known = ", ".join(f"{n}/..." for n in LIBRARIES)
        raise InputError(f"unknown library {name!r} of backbones; known: {known}")
    if find_spec(name) is None:
        raise MissingExtraError(name, EXTRA)
    return cast(Library, import_module(f"{__name__}.{name}"))


@cache
def entry(name: str) -> Backbone:
    """The entry of a library's backbone, ``LIBRARY/NAME``.

    Raises:
        InputError: No such library or network; names the nearest.
        MissingExtraError: The library is not installed.
    """
    of, _, own = name.partition("/")
    lib = library(of)
    said = lib.published(own)
    with torch.device("meta"):
        net = lib.build(own).eval()
        where = lib.cut(own, net)
        body = tapped(net, where.body, where.cut)
        out = body(torch.empty(2, len(said.mean), said.size_px, said.size_px))
    return Backbone(
        name, f"{__name__}:build", where.tap, int(out.shape[1]), False, "linear", said.mean, said.std,
        stages=tuple(stages_of(body)), weights=said.weights, body=where.body, cut=where.cut, pool=where.pool, made_of=name,
        size_px=said.size_px, patch=where.patch, fixed=where.fixed, prefix_tokens=where.prefix_tokens,
    )  # fmt: skip


def translated(name: str, state: dict[str, Tensor]) -> dict[str, Tensor] | None:
    """A state in another spelling that the library of a backbone knows, as the network's; None where it does not know it."""
    of, _, own = name.partition("/")
    return library(of).translated(own, state)


def require_name(of: str, name: str, known: Sequence[str]) -> None:
    """Refuse a network that a library does not have.

    Raises:
        InputError: It has not; names the nearest.
    """
    if name not in known:
        close = get_close_matches(name, known, n=1, cutoff=0.6)
        hint = f"did you mean '{of}/{close[0]}'?" if close else f"`hilum weights list '{of}/*'` lists them"
        raise InputError(f"unknown backbone '{of}/{name}'; {hint}")


def build(name: str) -> nn.Module:
    """A library's network with random weights, nothing in it left to chance: what is drawn in training, hilum draws."""
    of, _, own = name.partition("/")
    net = library(of).build(own)
    for module in net.modules():
        for rate in ("p", "drop_prob", "dropout", "attention_dropout"):
            if isinstance(getattr(module, rate, None), float):
                setattr(module, rate, 0.0)
    return net


class _Part(NamedTuple):
    """A module, or a single weight, with its name, how many values its weights have, and in how many layers."""

    name: str
    values: int
    layers: int


def _parts(module: nn.Module, name: str) -> Iterator[_Part]:
    """A module's own weights, and its children that have weights, in the order they are registered in."""
    before = f"{name}." if name else ""
    for own, weight in module.named_parameters(recurse=False):
        yield _Part(before + own, weight.numel(), 0)
    for own, child in module.named_children():
        values = sum(p.numel() for p in child.parameters())
        if values:
            layers = sum(any(True for _ in m.parameters(recurse=False)) for m in child.modules())
            yield _Part(before + own, values, layers)


def stages_of(body: nn.Module) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The stages of a network that is tapped: what is unfrozen together, from the input on.

    The trunk, the only part that is not small or one with more than .9 of the weights, is opened, again and again; what then lies beside
    each other are the stages, but for small parts in a row, which are one. So a residual network has its stem and its layers, a
    transformer its blocks.

    Yields:
        Name of a stage, and the names of its modules or weights below the body; every weight is in exactly one.
    """
    parts, total = list(_parts(body, "")), sum(p.numel() for p in body.parameters())
    while True:
        large = [p for p in parts if p.layers > _SMALL]
        trunk = max(large, key=lambda p: p.values, default=None)
        if trunk is None or (len(large) > 1 and trunk.values <= _TRUNK * total):
            break
        k = parts.index(trunk)
        parts[k : k + 1] = _parts(body.get_submodule(trunk.name), trunk.name)
    run: list[_Part] = []
    for part in (*parts, None):
        if run and (part is None or part.layers > _SMALL or run[-1].layers > _SMALL):
            first = run[0].name
            yield ("top" if first == "head" else first), tuple(p.name for p in run)
            run = []
        if part is not None:
            run.append(part)
