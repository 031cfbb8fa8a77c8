"""What an artefact is, which version, and what it was made from: a tree that ends at the films.

A version is a SHA-256 digest of the content, shown with 12 digits: two files or names with equal content have one version, wherever they
lie and whatever they are called. A link to an input is *verified* when the digest that the artefact recorded equals that of what is on disk
now, *changed* when what is there has another digest, *missing* when nothing is there, *unchecked* when it was recorded but is not compared
here (the reason says why). This module holds the tree; it searches nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

State = Literal["verified", "changed", "missing", "unchecked"]
SHOWN = 12
"""Hex digits of a version that are shown."""


@dataclass(frozen=True)
class Artefact:
    """Something that hilum made or read.

    Attributes:
        kind: Such as ``manifest``, ``bundle``, ``run``, ``study``, ``pipeline``, ``film``.
        name: What people call it.
        version: Digest of its content; empty where it has none.
        where: Its path; empty for what is part of another file.
        facts: What is worth saying of it, in order.
        header: Its header, where it has one.
        inputs: What it was made from.
    """

    kind: str
    name: str
    version: str = ""
    where: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    header: Mapping[str, Any] | None = None
    inputs: tuple[Link, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able values, links and what they lead to as well; what is empty is left out."""
        return asdict(self, dict_factory=_without_empty)


@dataclass(frozen=True)
class Link:
    """An input of an artefact.

    Attributes:
        role: What the artefact calls it.
        recorded: Digest that the artefact recorded.
        state: See the module.
        why: One sentence for any state but ``verified``.
        artefact: What is on disk, where it was found.
    """

    role: str
    recorded: str
    state: State
    why: str = ""
    artefact: Artefact | None = None


def _without_empty(items: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    return {k: v for k, v in items if v or k in ("kind", "name")}


def compared(role: str, recorded: str, found: str | None, why: str, artefact: Artefact | None = None) -> Link:
    """A link whose state follows from two digests; `found` is None where nothing is there, and `why` is then said.

    >>> compared("split", "ab", "ab", "").state, compared("split", "ab", "cd", "").state
    ('verified', 'changed')
    >>> compared("split", "ab", None, "there is no split").why
    'there is no split'
    """
    if found is None:
        return Link(role, recorded, "missing", why, artefact)
    if found == recorded:
        return Link(role, recorded, "verified", "", artefact)
    return Link(role, recorded, "changed", f"what is there has version {found[:SHOWN]}", artefact)
