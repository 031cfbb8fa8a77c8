"""Tasks and results on their way between machines whose mirrors lie at different places: paths below the mirror are sent relative to it.

A path is a `Path`, or a text that begins as the mirror's root does, wherever in the value it stands. Anything else is a plain pickle.

>>> there = unpacked(packed({"shard": ("/here/ws/features/a.npy", 3), "folder": Path("/here/ws")}, Path("/here/ws")), Path("/mnt/there"))
>>> there["shard"], str(there["folder"])
(('/mnt/there/features/a.npy', 3), '/mnt/there')
"""

from __future__ import annotations

import io
import os
import pickle
from pathlib import Path
from typing import Any

_PATH, _TEXT = "path", "text"


def packed(value: Any, root: Path) -> bytes:
    """A picklable value with its paths below `root` relative to it.

    Args:
        value: A task, a result, or a function with what it holds.
        root: The mirror's folder here, absolute and without links.
    """
    data = io.BytesIO()
    _Packer(data, os.fspath(root)).dump(value)
    return data.getvalue()


def unpacked(data: bytes, root: Path) -> Any:
    """What `packed` made, with these paths below another root. The data must come from a process that is trusted, as any pickle must."""
    return _Unpacker(io.BytesIO(data), os.fspath(root)).load()


class _Packer(pickle.Pickler):
    def __init__(self, to: io.BytesIO, root: str) -> None:
        super().__init__(to, pickle.HIGHEST_PROTOCOL)
        self._root = root

    def persistent_id(self, value: Any) -> tuple[str, str] | None:
        """What stands for a path below the root; None for anything else."""
        if isinstance(value, Path):
            below = _below(os.fspath(value), self._root)
            return None if below is None else (_PATH, below)
        if type(value) is str:
            below = _below(value, self._root)
            return None if below is None else (_TEXT, below)
        return None


class _Unpacker(pickle.Unpickler):
    def __init__(self, data: io.BytesIO, root: str) -> None:
        super().__init__(data)
        self._root = root

    def persistent_load(self, found: tuple[str, str]) -> Any:
        """The path that was meant, below this root."""
        kind, below = found
        place = f"{self._root}{below}"
        return Path(place) if kind == _PATH else place


def _below(text: str, root: str) -> str | None:
    """The rest of a path after the root, with its slash; empty for the root itself."""
    rest = text.removeprefix(root)
    return rest if len(rest) < len(text) and (not rest or rest.startswith("/")) else None
