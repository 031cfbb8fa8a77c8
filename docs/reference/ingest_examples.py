"""Write what `hilum ingest` prints for each example of ``public-set-examples.md``; ``python docs/reference/ingest_examples.py``.

An example of the page is a ``<details>``: a text block with the films' paths, a block a table headed by its path in backticks, the
command in backticks, and the block that it printed. A test makes every example's folder of the page itself and holds the last block to
what is printed.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import re
import shlex
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

PAGE = Path(__file__).with_name("public-set-examples.md")
_EXAMPLE = re.compile(r"<details.*?<summary>(?P<title>.*?)</summary>\n(?P<body>.*?)</details>", re.DOTALL)
_FILMS = re.compile(r"```text\n(?P<films>.*?)```", re.DOTALL)
_TABLE = re.compile(r"^`(?P<path>[^`\n]+)`:\n\n```(?:csv|text)\n(?P<text>.*?)```", re.DOTALL | re.MULTILINE)
_PRINTED = re.compile(
    r"(?P<before>`hilum (?P<command>ingest [^`]*)` prints:\n\n```text\n)(?P<printed>.*?)```", re.DOTALL
)


@dataclass(frozen=True)
class Example:
    """An example of the page.

    Attributes:
        title: What stands in its summary.
        films: Paths of the films.
        tables: Path -> text; one that ends in ``.gz`` is packed.
        command: Words after ``hilum``.
        printed: What the page says that it prints.
    """

    title: str
    films: tuple[str, ...]
    tables: dict[str, str]
    command: str
    printed: str

    def make(self, folder: Path) -> None:
        """Write the films, small and no two alike, and the tables."""
        for k, name in enumerate(self.films):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.random.default_rng(k).integers(0, 256, (20, 20), np.uint8)).save(path)
        for name, text in self.tables.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())

    def prints(self) -> str:
        """What the command prints, run in a folder of its own."""
        from hilum.cli.main import app

        here, out = Path.cwd(), io.StringIO()
        with tempfile.TemporaryDirectory() as folder:
            self.make(Path(folder))
            os.chdir(folder)
            try:
                with contextlib.redirect_stdout(out):
                    app([*shlex.split(self.command), "--workers", "0", "--quiet"], standalone_mode=False)
            finally:
                os.chdir(here)
        return out.getvalue()


def examples(page: str) -> Iterator[Example]:
    """The examples of the page, in order."""
    for found in _EXAMPLE.finditer(page):
        body = found["body"]
        films, printed = _FILMS.search(body), _PRINTED.search(body)
        if films is None or printed is None:
            raise ValueError(
                f"the example {found['title']!r} has no films, or no command with what it prints"
            )
        tables = {t["path"]: t["text"] for t in _TABLE.finditer(body)}
        yield Example(
            found["title"],
            tuple(films["films"].split("\n")[:-1]),
            tables,
            printed["command"],
            printed["printed"],
        )


def filled(page: str) -> str:
    """The page with every printed block written anew."""
    prints = iter([e.prints() for e in examples(page)])
    return _PRINTED.sub(lambda found: f"{found['before']}{next(prints)}```", page)


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
