"""JSON as artefacts have it, made in parts: of long lists some rows at a time, so that no text of all of it is in memory."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import partial
from typing import Any

from hilum.core.columns import blocks


@dataclass(frozen=True)
class Lines:
    """A long list, or object, whose rows come as JSON, each one line: of so many rows a line each is easier to read, and Python's encoder
    that sets every value on its own takes ten times as long.

    Attributes:
        texts: Of each row; in an object the key, a colon and the value.
        ends: ``[`` and ``]``, or ``{`` and ``}``.
    """

    texts: Iterable[str]
    ends: tuple[str, str] = ("[", "]")


def json_parts(value: Any) -> Iterator[str]:
    """The text of a JSON value; of an object with long lists and objects some rows at a time, which may come as any sequence or mapping.

    >>> "".join(json_parts({"a": [1, 2], "b": {}})) == json.dumps({"a": [1, 2], "b": {}}, indent=1)
    True
    >>> print("".join(json_parts({"a": Lines(["[1, 2]", "[3]"])})))
    {
     "a": [
      [1, 2],
      [3]
     ]
    }
    """
    text = partial(json.dumps, indent=1, ensure_ascii=False, allow_nan=False, default=members)
    value = members(value) if is_dataclass(value) and not isinstance(value, type) else value
    if not isinstance(value, dict) or not value or not all(isinstance(key, str) for key in value):
        yield text(value)
        return
    for n, (key, member) in enumerate(value.items()):
        yield ("," if n else "{") + f"\n {text(key)}: "
        rows: Iterator[str] = iter(())
        first, last = "[]"
        if isinstance(member, Lines):
            (first, last), rows = member.ends, map(_lines, blocks(member.texts))
        elif isinstance(member, Mapping):
            (first, last), rows = "{}", (_inside(text(dict(block))) for block in blocks(member.items()))
        elif isinstance(member, Sequence) and not isinstance(member, str):
            rows = map(_inside, map(text, blocks(member)))
        else:
            first, last = text(member).replace("\n", "\n "), ""
        begun = False
        for row in rows:
            yield ("," if begun else first) + row
            begun = True
        yield f"\n {last}" if begun else first + last
    yield "\n}"


def _lines(texts: Sequence[str]) -> str:
    return "\n  " + ",\n  ".join(texts)


def _inside(text: str) -> str:
    """What stands between the ends of a list or an object, a step further in."""
    return text[1:-2].replace("\n", "\n ")


def members(value: Any) -> dict[str, Any]:
    """Field -> value of a dataclass, in order: what an artefact holds beside its header."""
    return {f.name: getattr(value, f.name) for f in fields(value)}
