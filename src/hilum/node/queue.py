"""The node's queue: every film that was taken, every object that answers it and every delivery, in SQLite beside the files.

Convention: a film is acknowledged only after its file lies whole on the disk and its row is committed (WAL, synchronous=FULL); its objects
and their deliveries are committed together, after their files. So a process that is killed at any moment finds, when it starts again,
each film in one state:

| film | means |
|---|---|
| waiting | to be answered; `tries` counts the times that it was begun, before each |
| answered | its objects are in ``objects``, each with one row a configured archive in ``deliveries`` |

| delivery | means |
|---|---|
| due | to be sent from `next_try` on |
| sent | the archive took it; the end, where no commitment is asked for |
| asked | the archive took it and was asked to commit itself, in `asked_in`; asked again from `next_try` on |
| committed | the archive said that it keeps it |
| given-up | nobody took it for as long as was configured; it stays on the disk and is tried again when the node starts |

A file that no row names was never acknowledged and is removed at the start. Names of files are UIDs' digests; nothing in the database is
about a patient but the UIDs themselves.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hilum.core.digests import sha256_bytes
from hilum.core.errors import InputError
from hilum.core.files import write_bytes, writing
from hilum.node.made import Made
from hilum.node.source import picture_sha256

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS films (
    id INTEGER PRIMARY KEY, sop_uid TEXT NOT NULL, bundle TEXT NOT NULL, sha256 TEXT NOT NULL, file TEXT NOT NULL, sender TEXT NOT NULL,
    received REAL NOT NULL, state TEXT NOT NULL CHECK (state IN ('waiting', 'answered')), tries INTEGER NOT NULL DEFAULT 0,
    next_try REAL NOT NULL DEFAULT 0, UNIQUE (sop_uid, bundle));
CREATE TABLE IF NOT EXISTS objects (
    id INTEGER PRIMARY KEY, film INTEGER NOT NULL REFERENCES films (id) ON DELETE CASCADE, kind TEXT NOT NULL, sop_class TEXT NOT NULL,
    sop_uid TEXT NOT NULL UNIQUE, file TEXT NOT NULL, sha256 TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS deliveries (
    object INTEGER NOT NULL REFERENCES objects (id) ON DELETE CASCADE, archive TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('due', 'sent', 'asked', 'committed', 'given-up')), since REAL NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0, next_try REAL NOT NULL DEFAULT 0, asked_in TEXT NOT NULL DEFAULT '', why TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (object, archive));
CREATE INDEX IF NOT EXISTS films_waiting ON films (state, next_try);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (archive, state, next_try);
"""
DONE: Final = ("sent", "committed")


@dataclass(frozen=True)
class Film:
    """A film that was taken.

    Attributes:
        id: Its row.
        path: Its file.
        received: When it came, in seconds since 1970.
        tries: How often it was begun before.
    """

    id: int
    path: Path
    received: float
    tries: int


@dataclass(frozen=True)
class Delivery:
    """An object on its way to an archive.

    Attributes:
        object: Its row.
        sop_class, sop_uid: Its UIDs.
        path: Its file.
        tries: How often it was sent in vain.
        since: When it was first due.
    """

    object: int
    sop_class: str
    sop_uid: str
    path: Path
    tries: int
    since: float


class Queue:
    """The queue of a node.

    Args:
        folder: Its state; made where it is not there.
        archives: Names of the archives that each object goes to.

    Raises:
        InputError: Another node has this state.
    """

    def __init__(self, folder: Path, archives: Sequence[str]) -> None:
        self.folder, self.archives = folder, tuple(archives)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in ("films", "objects", "incoming"):
            (folder / name).mkdir(exist_ok=True, mode=0o700)
        self._held = _hold(folder / "lock")
        self._lock = threading.RLock()
        self._db = sqlite3.connect(folder / "queue.db", check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute("PRAGMA foreign_keys=ON")
        self._db.executescript(_TABLES)
        self._sweep()

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._db.close()
        os.close(self._held)

    # films

    def take(self, data_path: Path, sop_uid: str, bundle: str, sender: str, now: float | None = None) -> str:
        """Take a film that lies at a path: when this returns, nothing loses it any more.

        Args:
            data_path: Its file, which may be removed afterwards.
            sop_uid: Its SOP Instance UID.
            bundle: The version of the bundle that will answer it.
            sender: Who sent it.
            now: When it came.

        Returns:
            ``new``; ``again`` for the same picture, whose answers are then sent again; ``other`` for another one under the same UID, which
            is not taken.

        Raises:
            FilmError: It is no data set.
            OSError, InputError: It could not be kept.
        """
        sha256 = picture_sha256(data_path)
        known = self._known(sop_uid, bundle, sha256)
        if known is not None:
            return known
        name = f"{sha256_bytes(f'{sop_uid} {bundle} {sha256}'.encode())[:32]}.dcm"
        with writing(self.folder / "films" / name) as part:
            part.write_bytes(data_path.read_bytes())
        _sync(self.folder / "films")
        with self._writing() as db:
            row = (sop_uid, bundle, sha256, name, sender, time.time() if now is None else now)
            done = db.execute(
                "INSERT OR IGNORE INTO films (sop_uid, bundle, sha256, file, sender, received, state) VALUES (?, ?, ?, ?, ?, ?, 'waiting')",
                row,
            )
        return "new" if done.rowcount else "again"

    def _known(self, sop_uid: str, bundle: str, sha256: str) -> str | None:
        with self._writing() as db:
            found = db.execute(
                "SELECT id, sha256 FROM films WHERE sop_uid = ? AND bundle = ?", (sop_uid, bundle)
            ).fetchone()
            if found is None:
                return None
            if found[1] != sha256:
                return "other"
            now = time.time()
            db.execute(
                "UPDATE deliveries SET state = 'due', tries = 0, next_try = 0, since = ?, why = '' "
                "WHERE state != 'due' AND object IN (SELECT id FROM objects WHERE film = ?)",
                (now, found[0]),
            )
            return "again"

    def knows(self, sop_uid: str, bundle: str) -> bool:
        """Whether a film was taken for a bundle."""
        with self._lock:
            return bool(
                self._db.execute(
                    "SELECT 1 FROM films WHERE sop_uid = ? AND bundle = ?", (sop_uid, bundle)
                ).fetchone()
            )

    def waiting(self) -> int:
        """How many films wait for an answer."""
        with self._lock:
            return int(self._db.execute("SELECT count(*) FROM films WHERE state = 'waiting'").fetchone()[0])

    def adopt(self, bundle: str) -> None:
        """What waits for a bundle that was exchanged is for this one now."""
        with self._writing() as db:
            db.execute("UPDATE OR IGNORE films SET bundle = ? WHERE state = 'waiting'", (bundle,))

    def next_film(self) -> Film | None:
        """The film that has waited longest, counted as begun; None where none is due."""
        with self._writing() as db:
            found = db.execute(
                "SELECT id, file, received, tries FROM films WHERE state = 'waiting' AND next_try <= ? ORDER BY id LIMIT 1",
                (time.time(),),
            ).fetchone()
            if found is None:
                return None
            db.execute("UPDATE films SET tries = tries + 1 WHERE id = ?", (found[0],))
        return Film(found[0], self.folder / "films" / found[1], found[2], found[3])

    def answered(self, film: Film, objects: Sequence[Made]) -> None:
        """Keep the answers of a film, and have them delivered to every archive."""
        rows = []
        for made in objects:
            name = f"{sha256_bytes(made.sop_uid.encode())[:32]}.dcm"
            write_bytes(self.folder / "objects" / name, made.data)
            rows.append((film.id, made.kind, made.sop_class, made.sop_uid, name, sha256_bytes(made.data)))
        _sync(self.folder / "objects")
        now = time.time()
        with self._writing() as db:
            for row in rows:
                db.execute("DELETE FROM objects WHERE sop_uid = ?", (row[3],))
                number = db.execute(
                    "INSERT INTO objects (film, kind, sop_class, sop_uid, file, sha256) VALUES (?, ?, ?, ?, ?, ?)",
                    row,
                ).lastrowid
                for archive in self.archives:
                    db.execute(
                        "INSERT INTO deliveries (object, archive, state, since) VALUES (?, ?, 'due', ?)",
                        (number, archive, now),
                    )
            db.execute("UPDATE films SET state = 'answered' WHERE id = ?", (film.id,))

    def later(self, film: Film, seconds: float) -> None:
        """Begin a film again after a while."""
        with self._writing() as db:
            db.execute("UPDATE films SET next_try = ? WHERE id = ?", (time.time() + seconds, film.id))

    # deliveries

    def due(self, archive: str, most: int = 50) -> list[Delivery]:
        """What is to be sent to an archive now, the oldest first."""
        return self._deliveries("d.state = 'due' AND d.next_try <= ?", archive, most)

    def to_ask_for(self, archive: str, most: int = 200) -> list[Delivery]:
        """What an archive is to be asked to commit itself to: what it took, and what it has not answered for in time."""
        return self._deliveries("d.state IN ('sent', 'asked') AND d.next_try <= ?", archive, most)

    def _deliveries(self, which: str, archive: str, most: int) -> list[Delivery]:
        with self._lock:
            rows = self._db.execute(
                "SELECT o.id, o.sop_class, o.sop_uid, o.file, d.tries, d.since FROM deliveries d JOIN objects o ON o.id = d.object "
                f"WHERE {which} AND d.archive = ? ORDER BY o.id LIMIT ?",
                (time.time(), archive, most),
            ).fetchall()
        return [Delivery(r[0], r[1], r[2], self.folder / "objects" / r[3], r[4], r[5]) for r in rows]

    def sent(self, archive: str, delivery: Delivery) -> None:
        """The archive took it."""
        self._set(archive, [delivery], "state = 'sent', tries = 0, next_try = 0, why = ''")

    def failed(self, archive: str, deliveries: Sequence[Delivery], why: str, wait_s: float) -> None:
        """The archive did not take it; it is tried again after a while."""
        self._set(archive, deliveries, "tries = tries + 1, next_try = ?, why = ?", time.time() + wait_s, why)

    def given_up(self, archive: str, deliveries: Sequence[Delivery]) -> None:
        """Nobody took it in all that time."""
        self._set(archive, deliveries, "state = 'given-up'")

    def asked(self, archive: str, deliveries: Sequence[Delivery], transaction: str, wait_s: float) -> None:
        """The archive was asked to commit itself, in a transaction; it is asked again where it says nothing for so long."""
        self._set(
            archive,
            deliveries,
            "state = 'asked', asked_in = ?, next_try = ?",
            transaction,
            time.time() + wait_s,
        )

    def not_asked(self, archive: str, deliveries: Sequence[Delivery], wait_s: float) -> None:
        """The archive took it and was not asked, or did not answer; it is asked after a while."""
        self._set(archive, deliveries, "state = 'sent', asked_in = '', next_try = ?", time.time() + wait_s)

    def committed(self, transaction: str, kept: Sequence[str], refused: Sequence[str]) -> tuple[int, int]:
        """What the archive answered: SOP Instance UIDs that it keeps, and those that it does not, which are sent again.

        Returns:
            How many deliveries are committed, and how many are due again; none for a transaction that nobody asked for.
        """
        of = "asked_in = ? AND state = 'asked' AND object IN (SELECT id FROM objects WHERE sop_uid = ?)"
        counts = []
        with self._writing() as db:
            for uids, to in (
                (kept, "state = 'committed'"),
                (refused, "state = 'due', tries = tries + 1, next_try = 0"),
            ):
                counts.append(
                    sum(
                        db.execute(f"UPDATE deliveries SET {to} WHERE {of}", (transaction, u)).rowcount
                        for u in uids
                    )
                )
        return counts[0], counts[1]

    def _set(self, archive: str, deliveries: Sequence[Delivery], to: str, *values: Any) -> None:
        with self._writing() as db:
            for d in deliveries:
                db.execute(
                    f"UPDATE deliveries SET {to} WHERE object = ? AND archive = ?",
                    (*values, d.object, archive),
                )

    # the whole

    def stranded(self) -> int:
        """How many deliveries are open to archives that are not configured any more."""
        marks = ", ".join("?" * len(self.archives))
        which = f"state NOT IN {DONE!r} AND archive NOT IN ({marks})"
        with self._lock:
            return int(
                self._db.execute(f"SELECT count(*) FROM deliveries WHERE {which}", self.archives).fetchone()[
                    0
                ]
            )

    def counts(self) -> dict[str, int]:
        """How many films and deliveries are in each state."""
        with self._lock:
            films = self._db.execute("SELECT 'film ' || state, count(*) FROM films GROUP BY state").fetchall()
            sent = self._db.execute(
                "SELECT 'delivery ' || state, count(*) FROM deliveries GROUP BY state"
            ).fetchall()
        return dict([*films, *sent])

    def forget(self, before: float) -> int:
        """Remove films that came before a time and whose answers were all delivered, with their files; gives how many."""
        open_ones = f"SELECT 1 FROM objects o JOIN deliveries d ON d.object = o.id WHERE o.film = f.id AND d.state NOT IN {DONE!r}"
        with self._writing() as db:
            old = db.execute(
                f"SELECT id, file FROM films f WHERE state = 'answered' AND received < ? AND NOT EXISTS ({open_ones})",
                (before,),
            ).fetchall()
            files = [self.folder / "films" / f for _, f in old]
            for number, _ in old:
                rows = db.execute("SELECT file FROM objects WHERE film = ?", (number,)).fetchall()
                files += [self.folder / "objects" / r[0] for r in rows]
                db.execute("DELETE FROM films WHERE id = ?", (number,))
        for path in files:
            path.unlink(missing_ok=True)
        return len(old)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _sweep(self) -> None:
        """Remove what a killed process left half-done; what was given up is tried again."""
        with self._writing() as db:
            known = {r[0] for r in db.execute("SELECT file FROM films UNION SELECT file FROM objects")}
            db.execute(
                "UPDATE deliveries SET state = 'due', tries = 0, next_try = 0, since = ? WHERE state = 'given-up'",
                (time.time(),),
            )
        for name in ("films", "objects", "incoming"):
            for path in (self.folder / name).iterdir():
                if name == "incoming" or path.name not in known:
                    path.unlink(missing_ok=True)


def _hold(path: Path) -> int:
    """A file with a lock that is held until it is closed, or the process ends in whatever way."""
    number = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(number)
        words = "another node has this state; stop it, or give this one a state of its own"
        raise InputError(f"{path.parent}: {words}") from None
    return number


def _sync(folder: Path) -> None:
    """Have the names in a folder on the disk, as `writing` has the contents."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
