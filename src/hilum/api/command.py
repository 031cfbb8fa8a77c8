"""The command that does what a call does: pages say it, so that anybody can make them again."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from inspect import Parameter, signature
from os import PathLike, fspath
from typing import Any

from hilum.core.errors import InputError

_TYPED: ContextVar[str] = ContextVar("typed", default="")


@contextmanager
def as_typed(command: str) -> Iterator[None]:
    """Within the block, calls come from this command."""
    before = _TYPED.set(command)
    try:
        yield
    finally:
        _TYPED.reset(before)


def command_of(function: Callable[..., Any], given: Mapping[str, Any], name: str = "") -> str:
    """The command as it was typed, or else the one that a call with these arguments is; its name is the function's unless it is given."""
    if typed := _TYPED.get():
        return typed
    words, options = ["hilum", *(name or function.__name__).split()], list[str]()
    for p in signature(function).parameters.values():
        value = given[p.name]
        if p.default is Parameter.empty:
            words += _texts(value)
        elif value != p.default and p.name != "quiet":
            option = f"--{p.name.replace('_', '-')}"
            options += [option] if value is True else [w for text in _texts(value) for w in (option, text)]
    return shlex.join([*words, *options])


def _texts(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [f"{k}={v}" for k, v in value.items()]
    if isinstance(value, list | tuple):
        return [text for v in value for text in _texts(v)]
    return [fspath(value) if isinstance(value, str | PathLike) else str(value)]


def overrides(values: Mapping[str, Any]) -> list[str]:
    """Keys of a study and their values in Python, as ``--set`` takes them.

    >>> overrides({"training.epochs": 5, "grid.pipelines": ["baseline", "crop"], "unsafe.overlapping_split": True})
    ['training.epochs=5', 'grid.pipelines=["baseline", "crop"]', 'unsafe.overlapping_split=true']
    """
    return [f"{key}={toml(value)}" for key, value in values.items()]


def toml(value: Any) -> str:
    """A value as TOML has it.

    >>> toml({"train": 0.7, "name": 'a "b"'}), toml(None)
    Traceback (most recent call last):
    ...
    hilum.core.errors.InputError: set: expected a text, a number, True or False, a list or a dictionary of these, got None
    """
    if isinstance(value, int | float):
        return repr(value).lower()  # of True, true
    if isinstance(value, str | PathLike):
        return _quoted(fspath(value))
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_quoted(str(k))} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple | range):
        return "[" + ", ".join(map(toml, value)) + "]"
    raise InputError(
        f"set: expected a text, a number, True or False, a list or a dictionary of these, got {value!r}"
    )


def _quoted(text: str) -> str:
    """A basic string: JSON's escapes are TOML's, but for DEL, and signs beyond 16 bits stay as they are."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
