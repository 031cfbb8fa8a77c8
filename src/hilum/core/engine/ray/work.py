"""What is done on a node: one task, its answer as bytes, and whether the node is one whose answers are those of the machine that asks.

A task, its function and its answer travel as bytes of this module's, so that Ray passes them on and looks at none: an error of a task is an
answer like any other, which reaches the caller as it was raised, and which Ray does not take for a reason to try again.
"""

from __future__ import annotations

import pickle
import socket
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from platform import python_version
from typing import Any

from hilum import __version__
from hilum.core.errors import HilumError, InputError
from hilum.core.mirror import Mirror, brought, mirrored
from hilum.core.mirror_places import bound_gib, place_of
from hilum.core.packed import packed, unpacked
from hilum.core.processor import cpu_name

_PACKAGES = ("torch", "torchvision", "timm", "numpy", "scipy", "numba", "pillow", "simplejpeg")
"""Whose version makes a difference to results."""


@dataclass(frozen=True)
class Kind:
    """A kind of machine: nodes of one kind give the same results to the last bit.

    Attributes:
        processor: Its name.
        versions: (package, version) of hilum, Python and what hilum computes with.
    """

    processor: str
    versions: tuple[tuple[str, str], ...]

    def differences(self, node: Kind) -> list[str]:
        """What a node has else, a phrase each."""
        found = []
        if node.processor != self.processor:
            found.append(f"its processor is {node.processor!r}, here it is {self.processor!r}")
        here, there = dict(self.versions), dict(node.versions)
        for name in here:
            if there.get(name) != here[name]:
                found.append(f"it has {name} {there.get(name, 'not')}, here it is {here[name]}")
        return found


@cache
def kind_here() -> Kind:
    """The kind of this machine."""
    found = [("hilum", __version__), ("Python", python_version())]
    return Kind(cpu_name(), (*found, *((name, _version(name)) for name in _PACKAGES)))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


@dataclass(frozen=True)
class Asked:
    """Who asks a node for work.

    Attributes:
        kind: Of the machine that asks; a node of another is refused.
        marker: A file in the workspace that a node must see; None where nothing was said of a workspace.
        url: The address of the workspace, whose mirror a node has for itself; None for one that is a folder.
    """

    kind: Kind
    marker: Path | None = None
    url: str | None = None

    def require(self) -> None:
        """Refuse to work here.

        Raises:
            InputError: This node's results would not be those of the machine that asks, or they would not reach it.
        """
        for text in self.kind.differences(kind_here()):
            raise InputError(f"node {socket.gethostname()}: {text}; {MEND}")
        if self.marker is not None and not self.marker.is_file():
            raise InputError(f"node {socket.gethostname()} {unshared(self.marker.parent)}")


MEND = "results are the same to the last bit on machines of one kind with the same packages only: take the node out, or make it alike"


def unshared(workspace: Path) -> str:
    """What is said of a node that does not see a workspace."""
    return f"does not see the workspace {workspace}: every node needs that folder at the same path, as a shared file system has it"


class Elsewhere(Exception):
    """Where an error came from: the trace of the process that raised it."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def sent(value: Any, root: Path | None) -> bytes:
    """A function, a task or an answer as it travels; paths below `root`, the mirror's of a workspace at an address, relative to it."""
    return pickle.dumps(value) if root is None else packed(value, root)


def _opened(data: bytes, root: Path | None) -> Any:
    return pickle.loads(data) if root is None else unpacked(data, root)


def done(asked: bytes, function: bytes, task: bytes) -> bytes:
    """Do one task; gives the answer, which is an error too."""
    return _answered(asked, lambda root: _opened(function, root)(_opened(task, root)))


class Keeper:
    """Does one task after another with one function, which it keeps with all that it holds, such as a loaded backbone."""

    def __init__(self, asked: bytes, function: bytes) -> None:
        self._asked, self._sent = asked, function
        self._function: Callable[[Any], Any] | None = None

    def ready(self) -> None:
        """Answer once it can be asked."""

    def do(self, task: bytes) -> bytes:
        """Do one task; gives the answer, which is an error too."""

        def answer(root: Path | None) -> Any:
            if self._function is None:
                self._function = _opened(self._sent, root)
            return self._function(_opened(task, root))

        return _answered(self._asked, answer)


def _answered(asked: bytes, answer: Callable[[Path | None], Any]) -> bytes:
    root = None
    try:
        who: Asked = pickle.loads(asked)
        who.require()
        with ExitStack() as held:
            if who.url is not None:
                root = held.enter_context(mirrored(_mirror(who.url))).root
            return sent((True, answer(root), ""), root)
    except Exception as e:
        trace = f"on node {socket.gethostname()}\n{traceback.format_exc()}"
        return sent((False, _that_travels(e), trace), root)


@cache
def _mirror(url: str) -> Mirror:
    """This machine's mirror of a workspace, with the files that lie right in it."""
    root = place_of(url)
    root.mkdir(parents=True, exist_ok=True)
    found = Mirror(root.resolve(), url, int(bound_gib() * 2**30))
    with mirrored(found):
        brought(found.root, below=False)
    return found


def _that_travels(error: Exception) -> Exception:
    """The error, or where it cannot be pickled its words."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return HilumError(f"{type(error).__name__}: {error}")
    return error


def answer_of(data: bytes, root: Path | None) -> Any:
    """The result that an answer holds.

    Raises:
        Exception: What the task raised, as it was raised there.
    """
    good, value, trace = _opened(data, root)
    if good:
        return value
    raise value from Elsewhere(trace)
