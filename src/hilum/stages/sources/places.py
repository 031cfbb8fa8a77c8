"""What films are called by where they lie: a path's last parts, never a machine's own folders.

Convention: parts are joined by "/" on every system; of several films all take the same number of parts, the smallest that tells
them apart, so that the names depend on nothing above the films.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path


def absolute(path: Path) -> Path:
    """Absolute and without "..", links kept."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links


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
