"""What a file is called while it is written: a name beside its own."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable
from pathlib import Path

_NAME_KEPT_BYTES = 180
"""Of a long name, in that of the file beside it, so that the second is not too long where the first is not."""
_PART = ".part"


def part_beside(path: Path) -> Path:
    """A new name in the folder of `path`, for what is written before it is renamed."""
    name = os.fsdecode(os.fsencode(path.name)[:_NAME_KEPT_BYTES])
    return path.with_name(f".{name}.{os.getpid()}.{uuid.uuid4().hex[:8]}{_PART}")


def in_part(names: Iterable[str]) -> bool:
    """Whether a path, name by name, leads to something that is still written."""
    return any(name.endswith(_PART) for name in names)
