"""State dicts in files: read without running anything, brought to a network's names and shapes by named rules, or refused.

Understood, and said: wrappers and prefixes that trainers add; a classifier of other classes, missing or extra (it is cut off anyway, and
where the network must have one it is zeros); a first convolution of another number of channels. Everything else must fit strictly.
"""

from __future__ import annotations

import pickle
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import load_file
from torch import Tensor

from hilum.core.errors import InputError
from hilum.models.registry import Backbone

WRAPPERS = ("state_dict", "model", "model_state_dict")
"""Under one of these a training's checkpoint keeps the network's state."""
PREFIXES = ("module", "model", "backbone", "net", "encoder", "_orig_mod")
"""What stands before the names of a network that was wrapped; several may."""


class Fitted(NamedTuple):
    """A state that fits a network, and what was done to it, a phrase each."""

    state: dict[str, Tensor]
    notes: tuple[str, ...]


def read_state(path: Path) -> dict[str, Tensor]:
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
    if isinstance(held, dict) and (key := next((k for k in WRAPPERS if isinstance(held.get(k), dict)), "")):
        held = held[key]
    elif isinstance(held, dict) and "state_dict" in held:
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


def fit(b: Backbone, path: Path, wanted: Mapping[str, Tensor]) -> Fitted:
    """The state in a file, if it is one of this network: every name, shape and type, every value finite.

    Args:
        b: The backbone.
        path: The file.
        wanted: The network's own state; on the ``meta`` device where only names, shapes and types count.

    Raises:
        InputError: The file does not fit the network.
    """
    held = read_state(path)
    notes: list[str] = []
    state = _without_prefix(_spelled(b, held, wanted), wanted, notes)
    if b.made_of and not _is_whole(b, state, wanted):
        from hilum.models.libraries import translated

        state = translated(b.made_of, held) or state
    state = _with_its_channels(state, wanted, notes)
    state = _with_its_classifier(b, state, wanted, notes)
    for name in wanted.keys() - state.keys():
        if name.endswith("num_batches_tracked"):  # files of before torch counted them
            state[name] = torch.zeros(wanted[name].shape, dtype=wanted[name].dtype)
    _require_fit(path, state, wanted)
    return Fitted(state, tuple(notes))


def _spelled(b: Backbone, state: dict[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Bring the foreign spellings that the backbone's entry knows to the library's."""
    if b.renamed is not None:
        state = {re.sub(*b.renamed, name): v for name, v in state.items()}
    same_shapes = [v.shape for v in state.values()] == [v.shape for v in wanted.values()]
    if same_shapes and b.renamed_whole in state:
        return dict(zip(wanted, state.values(), strict=True))
    return state


def _without_prefix(
    state: dict[str, Tensor], wanted: Mapping[str, Tensor], notes: list[str]
) -> dict[str, Tensor]:
    """Take off what stands before most of the names, if it is made of `PREFIXES`."""
    before = Counter[str]()
    for name in state:
        words = name.split(".")
        own = next((k for k in range(len(words)) if ".".join(words[k:]) in wanted), None)
        if own is not None:
            before[".".join(words[:own])] += 1
    prefix = before.most_common(1)[0][0] if before else ""
    if not prefix or not set(prefix.split(".")) <= set(PREFIXES):
        return state
    notes.append(f"prefix {prefix!r} taken off")
    return {name.removeprefix(f"{prefix}."): v for name, v in state.items()}


def _of_classifier(b: Backbone, names: Iterable[str]) -> set[str]:
    """Those of a network's names that are its classifier's: outside the body, or what is cut off it."""
    body = f"{b.body}." if b.body else ""
    cut = f"{body}{b.cut}."
    return {n for n in names if not n.startswith(body) or (b.cut and n.startswith(cut))}


def _is_whole(b: Backbone, state: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> bool:
    return all(n in state for n in wanted.keys() - _of_classifier(b, wanted))


def _with_its_channels(
    state: dict[str, Tensor], wanted: Mapping[str, Tensor], notes: list[str]
) -> dict[str, Tensor]:
    """A first convolution of three channels for a network of one, or the other way round."""
    first = next((n for n, v in wanted.items() if v.ndim == 4), None)
    if first is None or first not in state or state[first].ndim != 4:
        return state
    has, takes = state[first].shape[1], wanted[first].shape[1]
    if (has, takes) == (3, 1):
        notes.append("first convolution summed over its 3 channels")
        return {**state, first: state[first].sum(dim=1, keepdim=True)}
    if (has, takes) == (1, 3):
        notes.append("first convolution of 1 channel divided by 3 and repeated")
        return {**state, first: (state[first] / 3).repeat(1, 3, 1, 1)}
    return state


def _with_its_classifier(
    b: Backbone, state: dict[str, Tensor], wanted: Mapping[str, Tensor], notes: list[str]
) -> dict[str, Tensor]:
    """Leave out a foreign classifier, and give zeros for one that the network must have and the file has not."""
    own = _of_classifier(b, wanted)
    parts = {n.split(".")[0] for n in wanted.keys() - own}
    extra = [n for n in state if n not in wanted and n.split(".")[0] not in parts]
    foreign = [n for n in own if n in state and state[n].shape != wanted[n].shape]
    missing = [n for n in own if n not in state]
    left_out = sorted({*extra, *foreign})
    if not _is_whole(b, state, wanted) or not (left_out or missing):
        return state
    if left_out:
        classes = next((str(len(state[n])) for n in left_out if n.endswith("bias")), "")
        heads = ", ".join(dict.fromkeys(n.rpartition(".")[0] or n for n in left_out))
        notes.append(f"classifier {heads}{f' of {classes} outputs' if classes else ''} left out")
    elif missing:
        notes.append("without a classifier")
    kept = {n: v for n, v in state.items() if n not in left_out}
    zeros = {n: torch.zeros(wanted[n].shape, dtype=wanted[n].dtype) for n in (*missing, *foreign)}
    return {**kept, **zeros}


def _require_fit(path: Path, state: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> None:
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


def _plain(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
