"""What of a mirror is surely at its address, in which version, and when it was last asked for: a small database beside the mirror.

Several processes of one machine use it at once. Where it is lost nothing is wrong: what is here is looked at anew.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import sqlite3

_TABLE = """
create table if not exists files (name text primary key, version text, size integer, changed integer, large integer, noted real, used real)
without rowid"""


class Noted(NamedTuple):
    """A file as it was when it was last equal here and at the address.

    Attributes:
        version: At the address.
        size: In bytes.
        changed: Time of change here, in nanoseconds.
        noted: When that was, in seconds.
    """

    version: str
    size: int
    changed: int
    noted: float


class Ledger:
    """The ledger of a mirror.

    Args:
        path: Its file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        import sqlite3  # late: few commands have a mirror

        # opened anew each time: processes and threads come and go
        with closing(sqlite3.connect(self._path, timeout=60)) as db, db:
            db.execute("pragma synchronous = off")
            db.execute(_TABLE)
            yield db

    def note(self, name: str, version: str, here: Path, large: bool) -> None:
        """Note that the file `here` is what the address has under a name, and whether it counts for the bound."""
        stat, now = here.stat(), time.time()
        with self._open() as db:
            row = (name, version, stat.st_size, stat.st_mtime_ns, large, now, now)
            db.execute("insert or replace into files values (?, ?, ?, ?, ?, ?, ?)", row)

    def used(self, name: str) -> None:
        """Note that a file was asked for."""
        with self._open() as db:
            db.execute("update files set used = ? where name = ?", (time.time(), name))

    def forget(self, names: list[str]) -> None:
        """Files that are not here any more."""
        if names:
            with self._open() as db:
                db.executemany("delete from files where name = ?", [(n,) for n in names])

    def noted(self, name: str) -> Noted | None:
        """A file as it was noted; None for one that is not."""
        with self._open() as db:
            row = db.execute(
                "select version, size, changed, noted from files where name = ?", (name,)
            ).fetchone()
            return Noted(*row) if row else None

    def below(self, folder: str) -> dict[str, Noted]:
        """Every file noted below a folder, by name; of "" all."""
        start, end = (f"{folder}/", f"{folder}0") if folder else ("", "\U0010ffff")  # "0" follows "/"
        with self._open() as db:
            rows = db.execute(
                "select name, version, size, changed, noted from files where name >= ? and name < ?",
                (start, end),
            )
            return {name: Noted(*rest) for name, *rest in rows}

    def large_bytes(self) -> int:
        """Bytes of all large files."""
        with self._open() as db:
            return int(db.execute("select total(size) from files where large").fetchone()[0])

    def unused(self, since: float) -> list[tuple[str, int]]:
        """(name, bytes) of large files that nobody asked for since a time, the longest unused first."""
        with self._open() as db:
            return db.execute(
                "select name, size from files where large and used < ? order by used", (since,)
            ).fetchall()
