"""A node's state on the disk: a folder that one process has at a time, with the database in it and the files beside that.

Convention: what the disk does not keep is `NotKept`, whoever noticed it, so that it is never taken for a fault of a film. Nothing of it is
half done: a transaction that could not end is undone.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Final

from hilum.core.errors import HilumError, InputError
from hilum.core.files import lock_at_once

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


class NotKept(HilumError):
    """The disk, or the database on it, does not keep what it is given; the message says why, and nothing of a film."""


class State:
    """The state of a node.

    Args:
        folder: Where it lies; made where it is not there.

    Attributes:
        folder: As given.
        films: Folder of films that were taken.
        objects: Folder of the objects that answer them.
        incoming: Folder of films that are coming; what lies there was never acknowledged.

    Raises:
        InputError: Another process has it, or there is another thing in the place of its database.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.films, self.objects, self.incoming = (folder / n for n in ("films", "objects", "incoming"))
        for path in (folder, self.films, self.objects, self.incoming):
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = threading.RLock()
        with ExitStack() as held:
            held.enter_context(lock_at_once(folder / "lock", f"the state {folder} of a node"))
            try:
                database = sqlite3.connect(folder / "queue.db", check_same_thread=False, isolation_level=None)
                self._db = held.enter_context(closing(database))
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.execute("PRAGMA synchronous=FULL")
                self._db.execute("PRAGMA foreign_keys=ON")
                self._db.executescript(_TABLES)
            except sqlite3.Error as e:
                raise InputError(f"{folder / 'queue.db'}: cannot be used as a node's queue: {e}") from None
            sync(folder)
            self._held = held.pop_all()

    def close(self) -> None:
        """Close the database, and let another process have the state."""
        with self._lock:
            self._held.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The database, for questions.

        Raises:
            NotKept: It cannot be read.
        """
        with self._lock, keeping():
            yield self._db

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The database, for one transaction: all of it is on the disk when the block has ended, or nothing of it is there.

        Raises:
            NotKept: It was undone.
        """
        with self._lock, keeping():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # a full disk may have ended it
                    self._db.execute("ROLLBACK")
                raise


@contextmanager
def keeping() -> Iterator[None]:
    """What is written in the block is kept, or `NotKept` is raised."""
    try:
        yield
    except (OSError, InputError, sqlite3.Error) as e:
        cause = e.__cause__ if isinstance(e.__cause__, OSError) else e
        why = (cause.strerror if isinstance(cause, OSError) else str(cause)) or type(cause).__name__
        raise NotKept(f"the disk of the node's state does not keep it: {why}") from e


def sync(folder: Path) -> None:
    """Have the names in a folder on the disk, as `hilum.core.files.writing` has the contents."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
