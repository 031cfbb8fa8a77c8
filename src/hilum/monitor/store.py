"""``monitor.db``: a row a film that a service answered, what readers said of it, and each look at a window. SQLite, in WAL mode.

Convention: times are seconds since 1970, UTC. No pixels, no file names, nothing about a patient: a film is known by the digest of its
bytes and by the request that it came with. Films, looks and readers' words older than the retention are deleted; readers' words are never
changed, the last one of a film counts.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hilum.core.errors import InputError

MONITOR: Final = "monitor.db"
DAY_S: Final = 86400.0
_WAIT_S: Final = 30.0
_VERSION: Final = 1
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS bundles (digest TEXT PRIMARY KEY, name TEXT NOT NULL, folder TEXT NOT NULL, classes TEXT NOT NULL,
  positive TEXT NOT NULL, since REAL NOT NULL);
CREATE TABLE IF NOT EXISTS films (id INTEGER PRIMARY KEY, at REAL NOT NULL, bundle TEXT NOT NULL, request TEXT NOT NULL,
  sha256 TEXT NOT NULL, seconds REAL NOT NULL, outcome TEXT NOT NULL, why TEXT NOT NULL, most_likely TEXT NOT NULL, called_positive INTEGER,
  logits BLOB, strangeness REAL, properties BLOB, shape BLOB);
CREATE INDEX IF NOT EXISTS films_by_bundle ON films (bundle, id);
CREATE INDEX IF NOT EXISTS films_counted ON films (bundle, outcome, why, most_likely, at, seconds);
CREATE INDEX IF NOT EXISTS films_by_time ON films (at);
CREATE INDEX IF NOT EXISTS films_by_request ON films (request);
CREATE INDEX IF NOT EXISTS films_by_sha256 ON films (sha256);
CREATE TABLE IF NOT EXISTS feedback (id INTEGER PRIMARY KEY, at REAL NOT NULL, film INTEGER NOT NULL, label TEXT NOT NULL,
  who TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS feedback_by_film ON feedback (film);
CREATE TABLE IF NOT EXISTS looks (id INTEGER PRIMARY KEY, at REAL NOT NULL, bundle TEXT NOT NULL, film INTEGER NOT NULL,
  films INTEGER NOT NULL, part TEXT NOT NULL, statistic TEXT NOT NULL, method TEXT NOT NULL, value REAL NOT NULL, threshold REAL NOT NULL,
  reference REAL, mean REAL);
CREATE INDEX IF NOT EXISTS looks_by_bundle ON looks (bundle, film);
"""


@dataclass(frozen=True)
class KnownBundle:
    """A bundle that the store has films of."""

    digest: str
    name: str
    folder: Path
    classes: tuple[str, ...]
    positive: str
    since: float


@contextmanager
def opened(path: Path, create: bool = False) -> Iterator[sqlite3.Connection]:
    """A connection to a store, for one thread; what is done in the block is one transaction.

    Raises:
        InputError: No such file, not hilum's, or of a later hilum.
    """
    if not create and not path.is_file():
        raise InputError(
            f"{path}: no {MONITOR} here; `hilum serve` and `hilum node` write one into their --state folder"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=_WAIT_S)
    try:
        with connection:
            if create:
                connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            _known_version(connection, create, path)
            yield connection
    except sqlite3.DatabaseError as e:
        raise InputError(f"{path}: cannot be used as a store of the monitor: {e}") from None
    finally:
        connection.close()


def _known_version(connection: sqlite3.Connection, create: bool, path: Path) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == 0 and create:
        connection.executescript(_SCHEMA)
        connection.execute(f"PRAGMA user_version = {_VERSION}")
    elif version != _VERSION:
        raise InputError(
            f"{path}: expected a store of version {_VERSION}, got {version}; another hilum wrote it, or it is no monitor.db"
        )


def add_bundle(connection: sqlite3.Connection, bundle: KnownBundle) -> None:
    """Note a bundle; of one that is known, the name and place are those of now."""
    connection.execute(
        "INSERT INTO bundles VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (digest) DO UPDATE SET name = excluded.name, folder = excluded.folder",
        (
            bundle.digest,
            bundle.name,
            str(bundle.folder),
            "\n".join(bundle.classes),
            bundle.positive,
            bundle.since,
        ),
    )


def bundles(connection: sqlite3.Connection) -> list[KnownBundle]:
    """Every bundle, the one that was watched first first."""
    rows = connection.execute(
        "SELECT digest, name, folder, classes, positive, since FROM bundles ORDER BY since, digest"
    )
    return [KnownBundle(d, n, Path(f), tuple(c.split("\n")), p, s) for d, n, f, c, p, s in rows]


def forget(connection: sqlite3.Connection, before: float) -> int:
    """Delete what is older; gives the number of films."""
    connection.execute("DELETE FROM feedback WHERE film IN (SELECT id FROM films WHERE at < ?)", (before,))
    connection.execute("DELETE FROM looks WHERE at < ?", (before,))
    return int(connection.execute("DELETE FROM films WHERE at < ?", (before,)).rowcount)
