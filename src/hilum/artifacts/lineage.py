"""What an artefact is, which version, and what it was made from: a tree that ends at the films.

A version is a SHA-256 digest of the content, shown with 12 digits: two files or names with equal content have one version, wherever they
lie and whatever they are called. A link to an input is *verified* when the digest that the artefact recorded equals that of what is on disk
now, *changed* when what is there has another digest, *missing* when nothing is there, *unchecked* when it was recorded but is not compared
here (the reason says why). This module holds the tree and the versions; it searches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from hilum.artifacts.header import read_json
from hilum.core.digests import digest

State = Literal["verified", "changed", "missing", "unchecked"]
SHOWN = 12
"""Hex digits of a version that are shown."""
_NOT_IN_BUNDLE_VERSION = ("header", "notice")


@dataclass(frozen=True)
class Artefact:
    """Something that hilum made or read.

    Attributes:
        kind: Such as ``manifest``, ``bundle``, ``run``, ``study``, ``pipeline``, ``film``.
        name: What people call it.
        version: Digest of its content; empty where it has none.
        where: Its path; empty for what is part of another file.
        facts: What is worth saying of it, in order.
        header: Its header as stored, where it has one.
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
        """As JSON-able values; what is empty is left out."""
        value = {
            "kind": self.kind,
            "name": self.name,
            "version": self.version,
            "where": self.where,
            "facts": dict(self.facts),
            "header": self.header,
            "inputs": [link.to_dict() for link in self.inputs],
        }
        return {k: v for k, v in value.items() if v or k in ("kind", "name")}

    def links(self) -> Iterator[Link]:
        """Every link of the tree, from the artefact down to the films."""
        for link in self.inputs:
            yield link
            if link.artefact is not None:
                yield from link.artefact.links()


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

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able values; what is empty is left out."""
        value = {"role": self.role, "recorded": self.recorded, "state": self.state, "why": self.why}
        if self.artefact is not None:
            value = {**value, "artefact": self.artefact.to_dict()}  # type: ignore[dict-item]
        return {k: v for k, v in value.items() if v}


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


def bundle_version(folder: Path) -> str:
    """Version of a bundle: of all that bundle.json says but its header; that names the head's weights by digest.

    Raises:
        InputError: No bundle.json, or it is no JSON.
    """
    value = read_json(folder / "bundle.json")
    return digest({k: v for k, v in value.items() if k not in _NOT_IN_BUNDLE_VERSION})
