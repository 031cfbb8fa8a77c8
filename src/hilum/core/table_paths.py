r"""Where the paths of a table lead, which another system may have written.

Convention: a path is relative to the table's folder. One that Windows wrote (``images\covid\a.png``, ``C:\study\a.png``) is read so where
nothing has it for a name as it stands.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath


def absolute(path: Path) -> Path:
    """Absolute and without "..", links kept."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links


@dataclass(frozen=True, slots=True)
class TableFolder:
    """The folder (absolute) that a table's paths start from.

    `dropped` first parts of its paths with a drive name folders of another machine; the rest lies below `folder`.
    """

    csv_path: Path
    folder: Path
    dropped: int = 0

    @classmethod
    def of(cls, csv_path: Path, names: Iterable[str]) -> TableFolder:
        """The folder of a table with these paths: of paths with a drive as few parts are dropped as lead most of them to a file."""
        folder = absolute(csv_path.parent)
        ways = [
            PureWindowsPath(n).parts[1:]
            for n in names
            if _is_windows(n) and PureWindowsPath(n).drive and not is_there(folder / n)
        ]
        found = [
            sum(is_there(folder.joinpath(*w[k:])) for w in ways if k < len(w))
            for k in range(max(map(len, ways), default=0))
        ]
        return cls(csv_path, folder, found.index(max(found)) if found else 0)

    def locate(self, name: str) -> str:
        """Where a path of the table leads, absolute: as it stands where something is there, else as Windows means it."""
        path = os.path.abspath(os.path.join(self.folder, name))  # noqa: PTH100, PTH118 - text, for tables of many rows
        if not name.isascii() and not is_there(Path(path)):
            for other in other_forms(name):
                if is_there(self.folder / other):
                    return str(absolute(self.folder / other))
        if not _is_windows(name) or is_there(Path(path)):
            return path
        way = PureWindowsPath(name)
        return str(
            absolute(self.folder.joinpath(*(way.parts[1 + self.dropped :] if way.drive else way.parts)))
        )

    def tried(self, name: str) -> str:
        """What to add to a message about a path that leads nowhere: how its backslashes were read."""
        way = PureWindowsPath(name)
        if not _is_windows(name):
            return ""
        what = "a drive" if way.drive and "\\" not in name else "backslashes"
        return f"; it has {what}, as Windows writes paths, and was looked for as {self.locate(name)!r}"


def is_there(path: Path) -> bool:
    """Whether a file is there; a name that no file can have, such as one too long, is not."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def other_forms(name: str) -> list[str]:
    """How other systems write the accents of a name: macOS as letters of their own, the others within the letter.

    >>> [len(n) for n in other_forms("\u00e9.png")], other_forms("e.png")
    ([6], [])
    """
    return [n for form in ("NFC", "NFD") if (n := unicodedata.normalize(form, name)) != name]


def windows_tails(name: str) -> list[str]:
    """What a path with backslashes or a drive may be called by, the longest first; nothing for other paths.

    >>> windows_tails(r"C:\\films\\covid\\a.png"), windows_tails("covid/a.png")
    (['films/covid/a.png', 'covid/a.png', 'a.png'], [])
    """
    way = PureWindowsPath(name)
    if not _is_windows(name):
        return []
    if way.drive:
        return ["/".join(way.parts[k:]) for k in range(1, len(way.parts))]
    return [way.as_posix()]


def _is_windows(name: str) -> bool:
    """Whether a path has a backslash or a drive."""
    return "\\" in name or name[1:2] == ":"
