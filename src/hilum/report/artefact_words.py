"""An artefact in plain text, as an indented tree: what it is, its version, and where it came from."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hilum.artifacts.lineage import Artefact, Link
from hilum.report.table import Column, Table, text_cell

_SHOWN = 12
_WIDE = 120
_SIGN = {"verified": "verified ", "changed": "CHANGED  ", "missing": "MISSING  ", "unchecked": "unchecked"}


def artefact_words(found: Sequence[Artefact]) -> str:
    """What `hilum show` prints: each artefact, and what it was made from."""
    return "\n\n".join("\n".join(_artefact_lines(a)) for a in found)


def _artefact_lines(a: Artefact) -> Iterator[str]:
    yield f"{a.kind} {a.name}" + (f"  version {a.version[:_SHOWN]}" if a.version else "")
    if a.where:
        yield f"  at  {a.where}"
    if a.header:
        seed = "" if a.header.get("seed") is None else f", seed {a.header['seed']}"
        yield f"  by  hilum {a.header.get('hilum', '')}{seed}"
        short = {k: v for k, v in (a.header.get("options") or {}).items() if len(json.dumps(v)) <= 100}
        yield from _fact("options", short, 2)
    for key, value in a.facts.items():
        yield from (_story(value) if key == "in runs" else _fact(key, value, 2))
    if a.inputs:
        yield "made from" if a.kind != "film" else "on disk"
        yield from _link_lines(a.inputs, 1, set())


def _link_lines(links: Sequence[Link], depth: int, seen: set[tuple[str, str]]) -> Iterator[str]:
    for link in links:
        shown = f" {link.recorded[:_SHOWN]}" if link.recorded else ""
        why = f"  ({link.why})" if link.why else ""
        a = link.artefact
        key = (a.kind, a.version) if a else ("", "")
        again = a is not None and key in seen
        above = "  (as above)" if again else ""
        yield f"{'  ' * depth}{_SIGN[link.state]}  {link.role}{shown}{why}{above}"
        if a is None or again:
            continue
        seen.add(key)
        if a.where:
            yield f"{'  ' * depth}    at  {a.where}"
        for name, value in a.facts.items():
            yield from _fact(name, value, 2 * depth + 4)
        yield from _link_lines(a.inputs, depth + 1, seen)


def _fact(key: str, value: Any, indent: int) -> Iterator[str]:
    """A fact on a line; on several where one would be long."""
    space, text = " " * indent, _plain(value)
    if not text:
        return
    if len(text) + len(key) + indent <= _WIDE or not isinstance(value, list | tuple | Mapping):
        yield f"{space}{key}: {text}"
        return
    if isinstance(value, Mapping) and not any(isinstance(v, list | tuple | Mapping) for v in value.values()):
        yield textwrap.fill(f"{key}: {text}", _WIDE, initial_indent=space, subsequent_indent=f"{space}  ")
        return
    yield f"{space}{key}:"
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _fact(str(name), inner, indent + 2)
    else:
        yield from (f"{space}  {_plain(v)}" for v in value)


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {text}" for k, v in value.items() if (text := _plain(v)))
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value))
    if isinstance(value, float):
        return f"{value:.6g}"
    return "" if value is None else str(value)


def _story(runs: Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]]) -> Iterator[str]:
    for run, story in runs.items():
        yield f"in run {run}"
        for k, rows in enumerate(rows for rows in story.values() if rows):
            if k:
                yield ""
            columns = [Column(c, numeric=False) for c in rows[0] if c != "steps"]
            body = [
                [text_cell(f"{v:.4f}" if isinstance(v := r[c.label], float) else str(v)) for c in columns]
                for r in rows
            ]
            yield from (f"  {line}" for line in Table("", "", "", columns, body).to_text().splitlines())
