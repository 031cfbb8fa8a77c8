"""Whether files are as they were: by size and the times of change of content and of entry, which no one can set back.

A stamp is not a digest: files of equal content may have other stamps (a copy). Equal stamps are the same file, unchanged.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

Stamp = list[int] | None


def stamp(path: Path) -> Stamp:
    """Size and times of a file, in nanoseconds; None where there is none. Of a folder the times alone."""
    try:
        found = path.stat()
    except OSError:
        return None
    return [found.st_size if not path.is_dir() else 0, found.st_mtime_ns, found.st_ctime_ns]


def stamps_below(folder: Path, leave_out: Iterable[str] = ()) -> dict[str, Stamp]:
    """Stamps of every file below a folder, by its path in there, without files and folders of some names."""
    apart = set(leave_out)
    found: dict[str, Stamp] = {}
    for where, below, names in os.walk(folder):
        below[:] = [name for name in below if name not in apart]
        for name in names:
            if name not in apart:
                path = Path(where) / name
                found[str(path.relative_to(folder))] = stamp(path)
    return dict(sorted(found.items()))
