"""Pretrained weights: found, checked by digest, loaded strictly. Never guessed, never silently random.

A study names for each backbone ``"imagenet"`` (the known files of the registry), ``"none"`` (random, and every table
says so), or a path. ``"imagenet"`` is looked for in this order: ``HILUM_WEIGHTS`` (a file, or a folder that holds one of
the known files), the installed package that ships it, the library's own cache (where ``hilum weights fetch`` puts it); of a library's
backbone it means the library's own default weights. A run never downloads.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from pkgutil import resolve_name
from typing import cast

import torch
from torch import nn

from hilum.core.digests import sha256_bytes, sha256_file
from hilum.core.errors import DigestError, HilumError, InputError
from hilum.models import hub
from hilum.models.registry import BACKBONES, Backbone, WeightsFile, backbone
from hilum.models.states import fit


@dataclass(frozen=True)
class Weights:
    """Weights as a run uses them.

    Attributes:
        choice: What the study said: ``imagenet``, ``none`` or a path.
        path: The file, or None for random weights.
        sha256: Digest of the file's bytes, or None.
        source: One phrase for tables.
        licence: As its publisher states.
    """

    choice: str
    path: Path | None
    sha256: str | None
    source: str
    licence: str

    @property
    def pretrained(self) -> bool:
        """Whether these are learned weights."""
        return self.path is not None


RANDOM = Weights("none", None, None, "random weights", "-")


def plain_network(b: Backbone) -> nn.Module:
    """The whole network as its library builds it, with random weights; under the ``meta`` device without memory."""
    make = resolve_name(b.build)
    return cast(nn.Module, make(b.made_of) if b.made_of else make())


@cache
def fitted(b: Backbone, path: Path, sha256: str) -> tuple[str, ...]:
    """What must be done to the state in a file so that it fits its network, a phrase each.

    Args:
        b: The backbone.
        path: The file.
        sha256: Its digest, by which the answer is kept.

    Raises:
        InputError: The file does not fit the network.
    """
    del sha256
    with torch.device("meta"):
        wanted = plain_network(b).state_dict()
    return fit(b, path, wanted).notes


def _places(b: Backbone) -> Iterator[tuple[Path, WeightsFile | None]]:
    """Where weights may lie, and which of the known files it is that is called so."""
    if named := os.environ.get("HILUM_WEIGHTS"):
        root = Path(named).absolute()  # on other machines too
        yield from [(root / w.filename, w) for w in b.weights] if root.is_dir() else [(root, None)]
    if b.package and find_spec(b.package.split(":")[0]):
        yield Path(resolve_name(b.package)()), None
    if b.made_of:
        from hilum.models.libraries import library

        yield from ((p, w) for w in b.weights if (p := library(b.library).cached(w)))
        return
    yield from ((hub.in_torch(w), w) for w in b.weights)


def known_file(b: Backbone, digest: str) -> WeightsFile | None:
    """The known weights file with this digest, if it is one."""
    return next((w for w in b.weights if w.sha256 and digest.startswith(w.sha256)), None)


def find(b: Backbone, choice: str = "imagenet", sha256: str | None = None) -> Weights:
    """Find the weights that a study names.

    Args:
        b: The backbone.
        choice: ``imagenet``, ``none`` or a path. A network that nobody has published weights of is always random.
        sha256: The declared digest of a file given by path.

    Raises:
        InputError: There is no such file here; says how to get it. Or it does not fit the network, or there is no network.
        DigestError: A file is there but is not the declared one.
    """
    b.require_network()
    if choice == "none" or (choice == "imagenet" and b.from_scratch):
        return RANDOM
    return _published(b) if choice == "imagenet" else _of_file(b, choice, sha256)


def _of_file(b: Backbone, choice: str, sha256: str | None) -> Weights:
    path = Path(choice).absolute()
    if not path.is_file():
        raise InputError(
            f"weights of {b.name}: expected 'imagenet', 'none' or a file, got {choice!r}, which is no file"
        )
    try:
        got = sha256_file(path)
    except OSError as e:
        raise InputError(f"{path}: cannot be read: {e.strerror or type(e).__name__}") from None
    if sha256 is not None and got != sha256.lower():
        raise DigestError(f"{path}: declared sha256 {sha256}, the file has {got}")
    if known := known_file(b, got):
        return Weights(choice, path, got, known.source, known.licence)
    words = "; ".join([f"file {path.name}", *fitted(b, path, got)])
    return Weights(choice, path, got, words, "not stated")


def _published(b: Backbone) -> Weights:
    wrong: list[str] = []
    for path, named in _places(b):
        if not path.is_file():
            continue
        got = sha256_file(path)
        blob = path.resolve().name  # the hub's cache names a file by its digest
        sound = blob == got or not re.fullmatch("[0-9a-f]{64}", blob)
        known = known_file(b, got) or (named if named and sound and not named.sha256 else None)
        if known is not None:
            return Weights("imagenet", path, got, known.source, known.licence)
        if named is not None:
            wrong.append(f"{path} has sha256 {got[:16]}..., which is not that of the published file")
    if wrong:
        raise DigestError(
            f"weights of {b.name}: {'; '.join(wrong)}. Remove it and fetch it again: hilum weights fetch {b.name}"
        )
    key = f'"{b.name}"' if b.made_of else b.name
    if not b.weights:
        raise InputError(
            f'nobody has published weights of {b.name} that hilum reads; name a file, or say weights.{key} = "none"'
        )
    names = " or ".join(w.filename for w in b.weights)
    if b.package:
        names += (
            f" (it is in the package {b.package.split(':')[0].replace('_', '-')}, of the extra 'backbones')"
        )
    kind = "default" if b.made_of else "ImageNet"
    raise InputError(
        f"no {kind} weights of {b.name} here. Fetch them with `hilum weights fetch {b.name}`; offline, put {names} into a "
        f'folder and set HILUM_WEIGHTS to it; or say weights.{key} = "none" in the study for random weights (every table will say so)'
    )


def load_into(net: nn.Module, b: Backbone, weights: Weights) -> None:
    """Load weights into a whole network, strictly. Random weights leave it as it is.

    Raises:
        InputError: The file does not fit the network.
    """
    if weights.path is not None:
        net.load_state_dict(fit(b, weights.path, net.state_dict()).state, strict=True)


def state_sha256(net: nn.Module, names: Iterable[str] | None = None) -> str:
    """Digest of a network's weights and BatchNorm statistics: names, dtypes, shapes and values.

    Args:
        net: The network.
        names: Only these of its state; None for all.
    """
    state = net.state_dict()
    parts = []
    for name in sorted(state if names is None else names):
        values = state[name].detach().cpu().contiguous()
        of_values = hashlib.sha256(values.numpy().data).hexdigest()  # no copy: a layer may have 450 MB
        parts.append(f"{name}{values.dtype}{tuple(values.shape)}{of_values}")
    return sha256_bytes("\n".join(parts).encode())


def fetch(name: str) -> Path:
    """Download the preferred known weights of a backbone to where `find` looks, checked by the digits in the file's name.

    Raises:
        InputError: They cannot be downloaded (offline?), come in a package that is not there, or nobody has published any.
    """
    if "/" in name:
        from hilum.models.libraries import library

        of, _, own = name.partition("/")
        try:
            library(of).fetch(own)
        except HilumError:
            raise
        except Exception as e:
            raise _not_fetched(name, e, f"get what {of} downloads of it elsewhere") from e
        return find(backbone(name)).path or Path()
    b = backbone(name)
    if b.from_scratch:
        raise InputError(f"{b.name} is trained from scratch; there are no published weights to fetch")
    for w in b.weights:
        if w.url is None:
            continue
        target = hub.in_torch(w)
        if target.is_file() and sha256_file(target).startswith(w.sha256):
            return target
        try:
            hub.fetch(w)
        except Exception as e:
            raise _not_fetched(
                w.url, e, f"get the file elsewhere, put it into a folder as {w.filename}"
            ) from e
        return target
    return find(b).path or Path()


def _not_fetched(what: str, e: Exception, instead: str) -> InputError:
    return InputError(
        f"{what} could not be fetched ({type(e).__name__}). Without network: {instead}, and set HILUM_WEIGHTS to that folder"
    )


def known_weights() -> list[tuple[str, str, str, str]]:
    """(backbone, file, licence, where it is on this machine or ``-``) of all weights that are known."""
    rows = []
    for b in BACKBONES.values():
        try:
            here = find(b).path
        except HilumError:
            here = None
        rows += [
            (b.name, w.filename, w.licence, str(here) if here and here.name == w.filename else "-")
            for w in b.weights
        ]
    return rows


def libraries_weights(pattern: str) -> list[tuple[str, int, str, str]]:
    """(backbone, side of its films in px, licence, where its default weights are on this machine or ``-``) of libraries' backbones.

    Args:
        pattern: Of their names, as ``timm/*vit*``.

    Raises:
        InputError: No library of that name, or none of its backbones is called so.
        MissingExtraError: It is not installed.
    """
    from hilum.models.libraries import library

    of = pattern.partition("/")[0]
    lib = library(of)
    names = [n for n in lib.names() if fnmatchcase(f"{of}/{n}", pattern)]
    if not names:
        raise InputError(
            f"no backbone of {of} is called {pattern!r}; `hilum weights list '{of}/*'` lists all"
        )
    rows = []
    for name in names:
        said = lib.published(name)
        here = next((str(p) for w in said.weights if (p := lib.cached(w))), "-")
        licence = said.weights[0].licence if said.weights else "no weights"
        rows.append((f"{of}/{name}", said.size_px, licence, here))
    return rows
