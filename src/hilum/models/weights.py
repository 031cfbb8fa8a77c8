"""Pretrained weights: found, checked by digest, loaded strictly. Never guessed, never silently random.

A study names for each backbone ``"imagenet"`` (the known files of the registry), ``"none"`` (random, and every table
says so), or a path. ``"imagenet"`` is looked for in this order: ``HILUM_WEIGHTS`` (a file, or a folder that holds one of
the known files), the installed package that ships it, torch's own cache (where ``hilum weights fetch`` puts it). A run never downloads.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from hilum.core.digests import sha256_bytes, sha256_file
from hilum.core.errors import DigestError, HilumError, InputError
from hilum.models.registry import BACKBONES, Backbone, WeightsFile


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


def _places(b: Backbone) -> Iterator[Path]:
    if named := os.environ.get("HILUM_WEIGHTS"):
        root = Path(named)
        yield from [root / w.filename for w in b.weights] if root.is_dir() else [root]
    if b.package and find_spec(b.package.split(":")[0]):
        yield Path(resolve_name(b.package)())
    cache = Path(torch.hub.get_dir()) / "checkpoints"
    yield from (cache / w.filename for w in b.weights)


def known_file(b: Backbone, digest: str) -> WeightsFile | None:
    """The known weights file with this digest, if it is one."""
    return next((w for w in b.weights if digest.startswith(w.sha256)), None)


def find(b: Backbone, choice: str = "imagenet", sha256: str | None = None) -> Weights:
    """Find the weights that a study names.

    Args:
        b: The backbone.
        choice: ``imagenet``, ``none`` or a path. A network that nobody has published weights of is always random.
        sha256: The declared digest of a file given by path.

    Raises:
        InputError: There is no such file here; says how to get it.
        DigestError: A file is there but is not the declared one.
    """
    if choice == "none" or (choice == "imagenet" and b.from_scratch):
        return RANDOM
    if choice != "imagenet":
        path = Path(choice)
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
        known = known_file(b, got)
        source, licence = (known.source, known.licence) if known else (f"file {path.name}", "not stated")
        return Weights(choice, path, got, source, licence)
    wrong: list[str] = []
    for path in _places(b):
        if not path.is_file():
            continue
        got = sha256_file(path)
        known = known_file(b, got)
        if known is not None:
            return Weights(choice, path, got, known.source, known.licence)
        if any(path.name == w.filename for w in b.weights):
            wrong.append(f"{path} has sha256 {got[:16]}..., which is not that of the published file")
    if wrong:
        raise DigestError(
            f"weights of {b.name}: {'; '.join(wrong)}. Remove it and fetch it again: hilum weights fetch {b.name}"
        )
    names = " or ".join(w.filename for w in b.weights)
    if b.package:
        names += (
            f" (it is in the package {b.package.split(':')[0].replace('_', '-')}, of the extra 'backbones')"
        )
    raise InputError(
        f"no ImageNet weights of {b.name} here. Fetch them with `hilum weights fetch {b.name}`; offline, put {names} into a "
        f'folder and set HILUM_WEIGHTS to it; or say weights.{b.name} = "none" in the study for random weights (every table will say so)'
    )


def _read_state(path: Path) -> dict[str, Tensor]:
    """The state dict in a file; nothing that a pickle would run is run.

    Raises:
        InputError: It is none; says what it is.
    """
    if path.is_file() and path.stat().st_size == 0:
        raise InputError(f"{path}: expected a state dict of tensors, got an empty file")
    try:
        if path.suffix == ".safetensors":
            held: Any = dict(load_file(str(path)))
        else:
            held = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as e:
        raise InputError(
            f"{path}: expected a state dict of tensors, got a pickled object, which is not run; save the model's own with "
            "torch.save(model.state_dict(), FILE)"
        ) from e
    except OSError as e:
        raise InputError(f"{path}: cannot be read: {e.strerror or type(e).__name__}") from e
    except Exception as e:
        raise InputError(f"{path}: cannot be read as a state dict: {type(e).__name__}") from e
    if isinstance(held, dict) and "state_dict" in held:
        held = held["state_dict"]
    if not isinstance(held, dict) or not held:
        what = "an empty dict" if held == {} else f"a {type(held).__name__}"
        raise InputError(f"{path}: expected a state dict of tensors, got {what}")
    for name, value in held.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise InputError(
                f"{path}: expected a state dict of tensors by name, got {name!r}: {type(value).__name__}"
            )
        if value.layout != torch.strided or value.is_quantized:
            raise InputError(f"{path}: {name!r} is a sparse or quantised tensor; expected plain float32")
    return held


def _fit_names(b: Backbone, state: dict[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Bring the foreign spellings that the backbone's entry knows to the library's."""
    if b.renamed is not None:
        state = {re.sub(*b.renamed, name): v for name, v in state.items()}
    same_shapes = [v.shape for v in state.values()] == [v.shape for v in wanted.values()]
    if same_shapes and b.renamed_whole in state:
        return dict(zip(wanted, state.values(), strict=True))
    return state


def read_for(b: Backbone, path: Path, wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state in a file, if it is one of this network: every name, shape and type, every value finite.

    Args:
        b: The backbone.
        path: The file.
        wanted: The network's own state; on the ``meta`` device where only names, shapes and types count.

    Raises:
        InputError: The file does not fit the network.
    """
    state = _fit_names(b, _read_state(path), wanted)
    missing, extra = wanted.keys() - state.keys(), state.keys() - wanted.keys()
    both = sorted(wanted.keys() & state.keys())
    wrong = [k for k in both if wanted[k].shape != state[k].shape]
    if missing or extra or wrong:
        k = sorted(missing or extra or wrong)[0]
        raise InputError(
            f"{path}: it does not fit the network: {len(missing)} tensors missing, {len(extra)} unknown, "
            f"{len(wrong)} of another shape (first: {k!r})"
        )
    for k in both:
        if wanted[k].dtype != state[k].dtype:
            raise InputError(
                f"{path}: {k!r} holds {_plain(state[k].dtype)}, expected {_plain(wanted[k].dtype)}; save the whole network in single "
                "precision (model.float())"
            )
    bad = [k for k in both if not bool(torch.isfinite(state[k]).all())]
    if bad:
        raise InputError(f"{path}: {len(bad)} tensors hold values that are not finite (first: {bad[0]!r})")
    return state


def _plain(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def load_into(net: nn.Module, b: Backbone, weights: Weights) -> None:
    """Load weights into a whole network, strictly. Random weights leave it as it is.

    Raises:
        InputError: The file does not fit the network.
    """
    if weights.path is not None:
        net.load_state_dict(read_for(b, weights.path, net.state_dict()), strict=True)


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


def fetch(b: Backbone) -> Path:
    """Download the preferred known weights into torch's cache, checked by the digits in the file's name.

    Raises:
        InputError: They cannot be downloaded (offline?), come in a package that is not there, or nobody has published any.
    """
    if b.from_scratch:
        raise InputError(f"{b.name} is trained from scratch; there are no published weights to fetch")
    for w in b.weights:
        if w.url is None:
            continue
        target = Path(torch.hub.get_dir()) / "checkpoints" / w.filename
        if target.is_file() and sha256_file(target).startswith(w.sha256):
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(w.url, str(target), hash_prefix=w.sha256, progress=True)
        except Exception as e:
            raise InputError(
                f"{w.url} could not be fetched ({type(e).__name__}). Without network: get the file elsewhere, put it into a "
                f"folder as {w.filename}, and set HILUM_WEIGHTS to that folder"
            ) from e
        return target
    return find(b).path or Path()


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
