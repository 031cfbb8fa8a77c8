"""split.json: which film is in which part. The type refuses leakage: a `Split` that leaks cannot be constructed.

A group is what may not be divided: the films of one patient, and copies of one film, joined where they touch
(a connected component). Every film of a split has a group; a group is in one part only.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Self

from hilum.artifacts.header import (
    Header,
    as_written,
    checked,
    kind_of,
    read_object,
    require_digest,
    write_json,
)
from hilum.artifacts.manifest import Manifest
from hilum.core.digests import digest
from hilum.core.errors import InputError, LeakageError, require_known

PARTS = ("train", "valid", "test")
PART_SPELLINGS = {
    word: part
    for part, words in (
        ("train", "train training train_set training_set trainset"),
        ("valid", "val valid validation val_set valid_set validation_set dev development"),
        ("test", "test testing test_set testing_set testset holdout hold-out"),
    )
    for word in words.split()
}
"""How sources call their parts, in lower case -> the part."""


class AnySplit:
    """Films by part: what a leak-free split and an unsafe one share. A function that takes either asks for this.

    Args:
        parts: Part (``train``, ``valid``, ``test``) -> image ids.
        group_of: image_id -> group; every film of `parts` has one.
        header: Where it comes from; ``inputs["manifest"]`` is the digest of the whole manifest.

    Raises:
        InputError: An unknown part, or a film without a group.
    """

    kind: ClassVar[str]

    def __init__(
        self, parts: Mapping[str, Sequence[str]], group_of: Mapping[str, str], header: Header
    ) -> None:
        for part in parts:
            require_known(part, PARTS, "unknown part")
        self.parts: dict[str, tuple[str, ...]] = {p: tuple(sorted(parts.get(p, ()))) for p in PARTS}
        self.header = replace(header, kind=self.kind)
        films = [i for ids in self.parts.values() for i in ids]
        missing = [i for i in films if i not in group_of]
        if missing:
            raise InputError(f"film {missing[0]!r} of the split has no group ({len(missing)} such films)")
        self.group_of: dict[str, str] = {i: group_of[i] for i in films}

    @cached_property
    def part_of(self) -> dict[str, str]:
        """image_id -> part."""
        return {i: p for p, ids in self.parts.items() for i in ids}

    @cached_property
    def digest(self) -> str:
        """Digest of what is in which part."""
        return digest([self.parts, self.group_of])

    def check(self, manifest: Manifest) -> None:
        """Check against the manifest itself.

        Raises:
            DigestError: It is not the one that the split was drawn from.
        """
        require_digest("manifest", self.header.inputs["manifest"], manifest.digest, "split")

    def write(self, path: Path) -> None:
        """Write split.json."""
        n_films = {p: len(ids) for p, ids in self.parts.items()}
        films = {p: {i: self.group_of[i] for i in ids} for p, ids in self.parts.items()}
        write_json(path, {"header": self.header, "n_films": n_films, "films": films})

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read split.json, of this kind of split only.

        Raises:
            InputError: Missing, malformed, or of another kind.
            LeakageError: A leak-free split that was edited so that it leaks.
        """
        value = read_object(path)
        header = Header.from_dict(value.get("header"), cls.kind, path)
        with as_written(path):
            films = checked(value["films"], dict[str, dict[str, str]], path)
        return cls(
            {p: list(ids) for p, ids in films.items()},
            {i: g for ids in films.values() for i, g in ids.items()},
            header,
        )


class Split(AnySplit):
    """A leak-free split: no film and no group is in two parts.

    Raises:
        LeakageError: A film or a group is in two parts.
        InputError: An unknown part, or a film without a group.
    """

    kind = "split"

    def __init__(
        self, parts: Mapping[str, Sequence[str]], group_of: Mapping[str, str], header: Header
    ) -> None:
        super().__init__(parts, group_of, header)
        seen: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for part, ids in self.parts.items():
            for i in ids:
                seen[self.group_of[i]][part].append(i)
        for group, by_part in sorted(seen.items()):
            if len(by_part) > 1:
                (a, films_a), (b, films_b) = list(by_part.items())[:2]
                raise LeakageError(
                    f"group {group!r} (films of one patient, or copies of one film) is in {a} and {b}: "
                    f"{films_a[0]!r} and {films_b[0]!r}; a group may be in one part only. "
                    "Rebuild the split with `hilum split`."
                )
        for part, ids in self.parts.items():
            if len(set(ids)) != len(ids):
                raise LeakageError(f"a film is twice in part {part!r}; a film may be in a part once")

    def check(self, manifest: Manifest) -> None:
        """Check against the manifest itself: no patient id and no equal pixels cross parts.

        Raises:
            DigestError: The manifest is not the one that it was drawn from.
            LeakageError: A patient, or two equal films, in two parts.
        """
        super().check(manifest)
        for what, column in (("patient", "patient_id"), ("film with pixels", "pixels_sha256")):
            first: dict[str, tuple[str, str]] = {}
            films = [(part, i) for part, ids in self.parts.items() for i in ids]
            values = manifest.texts_of(column, (i for _, i in films))
            for (part, i), value in zip(films, values, strict=True):
                other_part, other = first.setdefault(value, (part, i)) if value else (part, i)
                if other_part != part:
                    raise LeakageError(
                        f"{what} {value[:40]!r} is in {other_part} and {part} (films {other!r}, {i!r}); it may be in one "
                        "part only. Rebuild the split with `hilum split`, or correct the ids in the manifest."
                    )


class UnsafeSplit(AnySplit):
    """A split that may leak, on purpose: what the published scripts did, to measure what it is worth.

    It is no `Split` and its file has a kind of its own, so that nothing takes it for one; only a study with a switch of ``[unsafe]`` on
    makes one. Its header names the switches. A film may be in several parts.
    """

    kind = "unsafe split"

    @cached_property
    def n_shared(self) -> int:
        """Test films that are in train or validation too."""
        return len(set(self.parts["test"]) & {*self.parts["train"], *self.parts["valid"]})

    @cached_property
    def leaked(self) -> tuple[int, int]:
        """Test films with another film of their patient, or another copy, in train; and the pairs that these make."""
        test = set(self.parts["test"])
        trained = Counter(self.group_of[i] for i in self.parts["train"] if i not in test)
        pairs = [n for i in self.parts["test"] if (n := trained[self.group_of[i]])]
        return len(pairs), sum(pairs)


def read_split(path: Path) -> AnySplit:
    """Read a split of either kind; for evaluating a study's own results, not for drawing from.

    Raises:
        InputError: Missing or malformed.
        LeakageError: A leak-free split that was edited so that it leaks.
    """
    return (UnsafeSplit if kind_of(path) == UnsafeSplit.kind else Split).read(path)
