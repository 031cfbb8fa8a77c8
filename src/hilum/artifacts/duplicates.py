"""duplicates.json: which films of a manifest are copies of one another.

A pair is exact in bytes, exact in decoded pixels, or near: confirmed on the aligned pixels, with the two
correlations that decided. Among films with equal pixels each is paired with the first by image_id, and only
that first one is looked for among the others; so k equal films give k - 1 pairs. A group is what the pairs
join (a connected component).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from hilum.artifacts.header import Header, read_artefact, write_json
from hilum.artifacts.manifest import Manifest
from hilum.core.digests import SHORT, digest
from hilum.core.errors import DigestError, InputError

Kind = Literal["exact-bytes", "exact-pixels", "near"]
KINDS: tuple[Kind, ...] = get_args(Kind)
RULES = 4
"""Raised when other films are called copies than before: a workspace's file of copies is named by it."""
_TURNED_DEG, _CROPPED, _PAINTED = 1.0, 0.97, 0.03  # from which on it is said


class Copy(NamedTuple):
    """Two films that are copies, by image_id in order.

    Attributes:
        kind: One of `KINDS`.
        correlation: Of grey values of the aligned films; 1 when exact.
        detail: The same of local contrast.
        mirrored: One is the other's mirror image.
        inverted: One is the other's negative.
        turned_deg: By how much the second is turned against the first, clockwise.
        scale: Side of what the second shows, against the first's side.
        painted: Share of what both show that only one of them shows.
    """

    first: str
    second: str
    kind: Kind
    correlation: float = 1.0
    detail: float = 1.0
    mirrored: bool = False
    inverted: bool = False
    turned_deg: float = 0.0
    scale: float = 1.0
    painted: float = 0.0

    @property
    def differs(self) -> str:
        """What was done to the one to get the other, in words.

        >>> Copy("a", "b", "near", 0.99, 0.97, mirrored=True, turned_deg=-5.1, scale=0.7).differs
        'mirrored, turned 5 degrees, cropped to 70 %'
        """
        if self.kind != "near":
            return self.kind.replace("exact-", "equal ")
        side = min(self.scale, 1 / self.scale)
        strange = _PAINTED * (1 + abs(self.turned_deg) / 8)  # a turned film has black corners
        said = (
            "mirrored" if self.mirrored else "",
            "inverted" if self.inverted else "",
            f"turned {abs(self.turned_deg):.0f} degrees" if abs(self.turned_deg) >= _TURNED_DEG else "",
            f"cropped to {side:.0%}".replace("%", " %") if side <= _CROPPED else "",
            "painted on" if self.painted >= strange else "",
        )
        return ", ".join(filter(None, said)) or "stored again"


def joined(links: Iterable[Sequence[str]]) -> list[tuple[str, ...]]:
    """Connected components of names; each link joins all of its names. Sorted, names in order.

    >>> joined([("b", "a"), ("c",), ("d", "b")])
    [('a', 'b', 'd'), ('c',)]
    """
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for link in links:
        for name in link:
            a, b = root(link[0]), root(name)
            parent[max(a, b)] = min(a, b)
    found: dict[str, list[str]] = defaultdict(list)
    for name in sorted(parent):
        found[root(name)].append(name)
    return sorted(tuple(names) for names in found.values())


@dataclass(frozen=True)
class Duplicates:
    """Copies among films, sorted.

    Attributes:
        films: image_id -> the first digits of its pixels' digest, for every film that was looked at.
        header: Where it comes from; ``inputs["manifest"]`` is the digest of the manifest.

    Raises:
        InputError: A pair names a film that was not looked at.
    """

    pairs: Sequence[Copy]
    films: Mapping[str, str]
    header: Header

    def __post_init__(self) -> None:
        object.__setattr__(self, "pairs", tuple(sorted(self.pairs, key=lambda p: p[:2])))
        object.__setattr__(self, "films", dict(sorted(self.films.items())))
        for p in self.pairs:
            if unknown := [i for i in (p.first, p.second) if i not in self.films]:
                raise InputError(
                    f"duplicates: the pair {p.first!r}, {p.second!r} names an unknown film {unknown[0]!r}"
                )

    @cached_property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """Films that are copies of one another: image ids in order, two or more a group, sorted."""
        return tuple(joined((p.first, p.second) for p in self.pairs))

    @property
    def n_pairs(self) -> dict[str, int]:
        """Kind of copy -> pairs."""
        return {k: sum(p.kind == k for p in self.pairs) for k in KINDS}

    @property
    def largest_group(self) -> int:
        """Films of the largest group; 0 where there is none."""
        return max(map(len, self.groups), default=0)

    @cached_property
    def digest(self) -> str:
        """Digest of which films are copies."""
        return digest([p[:3] for p in self.pairs])

    def check(self, manifest: Manifest) -> None:
        """Check that every film of a manifest, or of a selection from it, was looked at as it is now.

        Raises:
            DigestError: One was not.
        """
        pixels = zip(manifest.films.ids, manifest.texts("pixels_sha256"), strict=True)
        missing = [i for i, sha in pixels if self.films.get(i) != sha[:SHORT]]
        if missing:
            raise DigestError(
                f"{len(missing)} films of the manifest were not looked at for copies, or have changed since, "
                f"such as {missing[0]!r}; look for duplicates again"
            )

    def write(self, path: Path) -> None:
        """Write duplicates.json."""
        write_json(
            path,
            {
                "header": self.header,
                "n_films": len(self.films),
                "n_pairs": self.n_pairs,
                "n_groups": len(self.groups),
                "largest_group": self.largest_group,
                "pairs": self.pairs,
                "groups": self.groups,
                "films": self.films,
            },
        )

    @classmethod
    def read(cls, path: Path) -> Duplicates:
        """Read duplicates.json.

        Raises:
            InputError: Missing or malformed.
        """
        return read_artefact(path, "duplicates", cls)
