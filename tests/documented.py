"""The command lines that stand in README and docs, and the options that their prose and tables name."""

from __future__ import annotations

import re
import shlex
from itertools import takewhile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_LINE = re.compile(r"^(?:    |\t|)(?:\$ )?(?:\.venv/bin/)?hilum ([a-z-].*)$")
_QUOTED = re.compile(r"`hilum ([a-z-][^`]*)`")
_WORD = re.compile(r"[a-z][a-z-]*")
_OPTION = re.compile(r"`(--[a-z-]+)[^`]*`")


def lines() -> dict[tuple[str, ...], str]:
    """Words after ``hilum`` of each line that a reader would copy, once each -> its page; in the order of the pages."""
    found: dict[tuple[str, ...], str] = {}
    for page in PAGES:
        fenced = False
        for line in page.read_text(encoding="utf-8").splitlines():
            fenced ^= line.startswith("```")
            match = _LINE.match(line)
            if match and (fenced or line.startswith((" ", "\t"))):
                found.setdefault(tuple(shlex.split(match[1], comments=True)), page.name)
    return found


def mentions() -> set[tuple[str, ...]]:
    """Words after ``hilum`` of each command in backticks."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    return {tuple(shlex.split(words)) for words in _QUOTED.findall(text)}


def table_rows() -> list[tuple[list[str], list[str]]]:
    """Of each row of the table of commands: the commands of its first column, and every option that the row names."""
    rows = []
    for line in (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("| `hilum "):
            first = line.split("|")[1]
            names = [" ".join(takewhile(_WORD.fullmatch, q.split())) for q in _QUOTED.findall(first)]
            rows.append((names, _OPTION.findall(line) + re.findall(r"(--[a-z-]+)", first)))
    return rows
