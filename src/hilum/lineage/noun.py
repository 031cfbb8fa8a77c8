"""An artefact as it describes itself, and small things that descriptions share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from hilum.artifacts.header import Header, header_path, written_digest

T = TypeVar("T")


class Input(NamedTuple):
    """Something that an artefact was made from.

    Attributes:
        role: What the artefact calls it.
        recorded: Digest that it recorded.
        how: How it is found again, a key of `hilum.lineage.inputs.FIND`; the role where empty.
        detail: What that needs to know besides: the name of a file, or why nothing is compared.
    """

    role: str
    recorded: str
    how: str = ""
    detail: str = ""


class Noun(NamedTuple):
    """What an artefact says of itself: its version, facts (those that are None are left out), header, and what it was made from."""

    version: str
    facts: Mapping[str, Any]
    header: Header | None
    inputs: Sequence[Input]


def recorded(header: Header) -> list[Input]:
    """The inputs that a header names."""
    return [Input(role, str(sha256)) for role, sha256 in header.inputs.items()]


def as_written_in(what: str, path: Path) -> Input:
    """A text as its header says that it was written."""
    return Input(f"the {what} as written", written_digest(path), "file", path.name)


def run_version(folder: Path) -> str:
    """Version of a run or a suite: the end of its folder's name."""
    return folder.name.rpartition("-")[2]


def once(read: Callable[[Path], T], path: Path) -> T:
    """What `read` makes of a file, kept for the next question as long as the file and its header stay as they are."""
    there = [p.stat() for p in (path, header_path(path)) if p.is_file()]
    value: T = _kept(read, path.resolve(), tuple((s.st_mtime_ns, s.st_size) for s in there))
    return value


@lru_cache(maxsize=32)
def _kept(read: Callable[[Path], Any], path: Path, _stamps: tuple[tuple[int, int], ...]) -> Any:
    return read(path)
