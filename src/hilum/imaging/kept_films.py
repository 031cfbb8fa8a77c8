"""Films at the address of a workspace, by the digest of their bytes: for machines that do not see the folder where a manifest has them.

A film is ``films/<first two of its digest>/<digest>``: nothing but a digest is in the name, and who reads one holds it against that.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hilum.artifacts.manifest import FilmRow
from hilum.core.digests import sha256_bytes
from hilum.core.errors import FilmError
from hilum.core.files import write_bytes
from hilum.core.mirror import at_hand, in_force, mirror_of
from hilum.imaging.decode import file_bytes

FILMS = "films"
_AT_ONCE = 8


def _place(root: Path, sha256: str) -> Path:
    return root / FILMS / sha256[:2] / sha256


def kept_film(sha256: str) -> Path | None:
    """A film of a workspace whose mirror is in force here, brought; None where no such film is kept."""
    places = (at_hand(_place(m.root, sha256)) for m in in_force()) if sha256 else ()
    return next((p for p in places if p.is_file()), None)


def kept_digests(workspace: Path) -> set[str]:
    """Digests of the films at the address of a workspace."""
    found = mirror_of(workspace)
    return {name.rpartition("/")[2] for name in found[0].at.listing(FILMS)} if found is not None else set()


def keep_films(films: Iterable[FilmRow], workspace: Path) -> int:
    """Put films at the address of a workspace that are not there yet, for other machines; gives how many were put.

    A film that cannot be read, or is another one than at ingest, is left out: who needs it says so.
    """
    found, there = mirror_of(workspace), kept_digests(workspace)
    if found is None:
        return 0
    todo = {f.sha256: f.path for f in films if f.sha256 and f.sha256 not in there}

    def keep(sha256: str) -> bool:
        try:
            data = file_bytes(Path(todo[sha256]))
        except FilmError:
            return False
        if sha256_bytes(data) == sha256:
            write_bytes(_place(found[0].root, sha256), data)
            return True
        return False

    with ThreadPoolExecutor(_AT_ONCE) as several:
        return sum(several.map(keep, todo))
