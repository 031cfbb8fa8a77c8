"""Where a table's paths lead, and what films are called by where they lie: a path's last parts, never a machine's own folders.

Convention: parts are joined by "/" on every system; of several films all take the same number of parts, the smallest that tells
them apart, so that the names depend on nothing above the films.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath


def absolute(path: Path) -> Path:
    """Absolute and without "..", links kept."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links


@dataclass(frozen=True, slots=True)
class TableFolder:
    """The folder that a table's paths start from, which it may write as Windows does.

    Attributes:
        csv_path: The table.
        folder: Absolute.
        dropped: How many first parts of paths with a drive name folders of another machine, so that the rest lies below `folder`.
    """

    csv_path: Path
    folder: Path
    dropped: int = 0

    @classmethod
    def of(cls, csv_path: Path, names: Iterable[str]) -> TableFolder:
        """The folder of a table with these paths: of paths with a drive as few parts are dropped as lead most of them to a file."""
        folder = absolute(csv_path.parent)
        ways = [w.parts[1:] for n in names if (w := PureWindowsPath(n)).drive and not (folder / n).exists()]
        found = [
            sum(folder.joinpath(*w[k:]).is_file() for w in ways if k < len(w))
            for k in range(max(map(len, ways), default=0))
        ]
        return cls(csv_path, folder, found.index(max(found)) if found else 0)

    def locate(self, name: str) -> Path:
        """Where a path of the table leads: as it stands where something is there, else as Windows means it."""
        path = absolute(self.folder / name)
        way = PureWindowsPath(name)
        if not (way.drive or "\\" in name) or path.exists():
            return path
        return absolute(self.folder.joinpath(*(way.parts[1 + self.dropped :] if way.drive else way.parts)))

    def tried(self, name: str) -> str:
        """What to add to a message about a path that leads nowhere: how its backslashes were read."""
        way = PureWindowsPath(name)
        if not (way.drive or "\\" in name):
            return ""
        what = "a drive" if way.drive and "\\" not in name else "backslashes"
        return f"; it has {what}, as Windows writes paths, and was looked for as {str(self.locate(name))!r}"


def windows_tails(name: str) -> list[str]:
    """What a path with backslashes or a drive may be called by, the longest first; nothing for other paths.

    >>> windows_tails(r"C:\\films\\covid\\a.png"), windows_tails("covid/a.png")
    (['films/covid/a.png', 'covid/a.png', 'a.png'], [])
    """
    way = PureWindowsPath(name)
    if way.drive:
        return ["/".join(way.parts[k:]) for k in range(1, len(way.parts))]
    return [way.as_posix()] if "\\" in name else []


def unique_tails(paths: Sequence[Path], taken: Collection[str] = ()) -> list[str]:
    """The last parts of each path, as few as tell all of them apart.

    Args:
        paths: Absolute, each once.
        taken: Names that are given already.

    >>> unique_tails([Path("/home/a/covid/1.png"), Path("/home/a/normal/1.png")])
    ['covid/1.png', 'normal/1.png']
    """
    deepest = max((len(p.parts) for p in paths), default=0)
    tails: list[str] = []
    for n in range(1, deepest + 1):
        tails = ["/".join(p.relative_to(p.anchor).parts[-n:]) for p in paths]
        if len(set(tails)) == len(tails) and not set(tails) & set(taken):
            break
    return tails


def image_ids(films: Sequence[tuple[str, str]]) -> list[str]:
    """The image_id of films by source and place in it: without ending, but for films that differ in their ending only.

    >>> image_ids([("s", "covid/1.png"), ("s", "covid/2.png"), ("s", "covid/2.dcm")])
    ['s/covid/1', 's/covid/2.png', 's/covid/2.dcm']
    """
    short = [f"{source}/{PurePosixPath(relative).with_suffix('')}" for source, relative in films]
    n = Counter(short)
    return [
        s if n[s] == 1 else f"{source}/{relative}" for s, (source, relative) in zip(short, films, strict=True)
    ]
