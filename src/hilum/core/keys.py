"""Keys: what a thing that is found again by digest depends on, named member by member.

A key is a table of members, each with the value at which it is left out. Four rules, so that a key that exists never changes:

* A member that is not named makes no difference, whatever its value.
* A member that comes later is named with the value that stands for what was done before there was one.
* The value at which a member is left out belongs to the key. It stays though the study file's default changes: what differs from it
  is then written out.
* A recorded table is as good as the object that wrote it, also one of an older hilum that lacks a member.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Final

from hilum.core.digests import digest

ALWAYS: Final = object()
"""In place of a value: the member is never left out."""
_NOTHING: Final = object()


class _Rule(ABC):
    """How a member that is more than one value enters a key."""

    @abstractmethod
    def part(self, value: Any) -> Any:
        """The member as it stands in the key, or `_NOTHING`."""


class Key(_Rule):
    """The members of a table. As a member of another key, it is left out where nothing in it differs.

    Args:
        members: Name -> JSON-able value at which the member is left out, or `ALWAYS`, `Each`, `Optional`, or a `Key` of a table within.

    >>> key = Key(epochs=20, seed=ALWAYS)
    >>> key.of({"epochs": 20, "seed": 7, "title": "not named"}), key.of({"epochs": 3, "seed": 7})
    ({'seed': 7}, {'epochs': 3, 'seed': 7})
    """

    def __init__(self, /, **members: Any) -> None:
        self.members = members

    def of(self, table: Mapping[str, Any]) -> dict[str, Any]:
        """What of a table makes a difference."""
        found = {}
        for name, rule in self.members.items():
            if rule is ALWAYS:
                found[name] = table[name]
            elif name in table:
                value = table[name]
                if isinstance(rule, _Rule):
                    value = rule.part(value)
                elif value == rule:
                    value = _NOTHING
                if value is not _NOTHING:
                    found[name] = value
        return found

    def and_(self, /, **members: Any) -> Key:
        """The key with more members."""
        return Key(**self.members, **members)

    def digest(self, table: Mapping[str, Any]) -> str:
        """Digest of what of a table makes a difference."""
        return digest(self.of(table))

    def part(self, value: Any) -> Any:
        return self.of(value) or _NOTHING


class Each(_Rule):
    """A list of tables, or tables by name, each with the same key; an entry that is no table stands as it is."""

    def __init__(self, key: Key) -> None:
        self.key = key

    def part(self, value: Any) -> Any:
        def one(entry: Any) -> Any:
            return self.key.of(entry) if isinstance(entry, Mapping) else entry

        found = (
            {k: one(v) for k, v in value.items()} if isinstance(value, Mapping) else [one(v) for v in value]
        )
        return found or _NOTHING


class ByKind(Key):
    """The key of a table that is of one of several kinds, which its member ``kind`` names; that is in the key too."""

    def __init__(self, kinds: Mapping[str, Key]) -> None:
        super().__init__(kind=ALWAYS)
        self.kinds = kinds

    def of(self, table: Mapping[str, Any]) -> dict[str, Any]:
        """What of a table makes a difference."""
        return {**super().of(table), **self.kinds[table["kind"]].of(table)}


class Optional(_Rule):
    """A table that may not be there; where it is, it stands in the key even if nothing in it differs. What is no table stands as it is."""

    def __init__(self, key: Key) -> None:
        self.key = key

    def part(self, value: Any) -> Any:
        if value is None:
            return _NOTHING
        return self.key.of(value) if isinstance(value, Mapping) else value
