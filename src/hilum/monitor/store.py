"""``monitor.db``: a row a film that a service answered, what readers said of it, and each look at a window. SQLite, in WAL mode.

Convention: times are seconds since 1970, UTC. No pixels, no file names, nothing about a patient: a film is known by the digest of its
bytes and by the request that it came with. Films, looks and readers' words older than the retention are deleted; readers' words are never
changed, the last one of a film counts.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import InputError
from hilum.monitor.drift import DriftCheck, Window
from hilum.monitor.seen import PROPERTIES, Seen

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
Outcome = Literal["answered", "abstained", "failed"]


@dataclass(frozen=True, eq=False)
class FilmLine:
    """A film as it is stored.

    Attributes:
        at: When it was answered.
        bundle: Digest of the bundle.
        request: Id of its request.
        sha256: Of its bytes; empty where the caller gave none.
        seconds: From request to answer.
        outcome: ``answered``, ``abstained`` (answered, but the gate did not pass it), ``failed`` (no scores).
        why: Codes of the gate's reasons, with commas, or the reason of a film without scores.
        most_likely: Its likeliest class; empty without scores.
        called_positive: None without scores.
        seen: None without scores.
    """

    at: float
    bundle: str
    request: str
    sha256: str
    seconds: float
    outcome: Outcome
    why: str
    most_likely: str
    called_positive: bool | None
    seen: Seen | None


@dataclass(frozen=True)
class KnownBundle:
    """A bundle that the store has films of."""

    digest: str
    name: str
    folder: Path
    classes: tuple[str, ...]
    positive: str
    since: float


@dataclass(frozen=True)
class Look:
    """A window that was looked at: when, its last film and how many it had, and a row a statistic."""

    at: float
    film: int
    films: int
    checks: tuple[DriftCheck, ...]


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


def add_films(connection: sqlite3.Connection, lines: Sequence[FilmLine]) -> None:
    """Store films, in order."""
    connection.executemany(
        "INSERT INTO films (at, bundle, request, sha256, seconds, outcome, why, most_likely, called_positive, logits, "
        "strangeness, properties, shape) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [_values(line) for line in lines],
    )


def _values(line: FilmLine) -> tuple[Any, ...]:
    head = (
        line.at,
        line.bundle,
        line.request,
        line.sha256,
        line.seconds,
        line.outcome,
        line.why,
        line.most_likely,
    )
    called = None if line.called_positive is None else int(line.called_positive)
    seen = line.seen
    if seen is None:
        return (*head, called, None, None, None, None)
    strange = None if np.isnan(seen.strangeness) else seen.strangeness
    return (
        *head,
        called,
        seen.logits.astype("<f8").tobytes(),
        strange,
        seen.properties.astype("<f4").tobytes(),
        seen.shape.astype("<f2").tobytes(),
    )


def add_look(connection: sqlite3.Connection, bundle: str, look: Look) -> None:
    """Store what a look at a window found."""
    connection.executemany(
        "INSERT INTO looks (at, bundle, film, films, part, statistic, method, value, threshold, reference, mean) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                look.at,
                bundle,
                look.film,
                look.films,
                c.group,
                c.statistic,
                c.method,
                c.value,
                c.threshold,
                c.reference,
                c.window,
            )
            for c in look.checks
        ],
    )


def looks_at(connection: sqlite3.Connection, bundle: str, most: int) -> list[Look]:
    """The last looks at a bundle's windows, the oldest first."""
    last = connection.execute(
        "SELECT DISTINCT film FROM looks WHERE bundle = ? ORDER BY film DESC LIMIT ?", (bundle, most)
    ).fetchall()
    found = []
    for (film,) in reversed(last):
        rows = connection.execute(
            "SELECT at, films, part, statistic, method, value, threshold, reference, mean FROM looks "
            "WHERE bundle = ? AND film = ? ORDER BY id",
            (bundle, film),
        ).fetchall()
        found.append(Look(rows[0][0], film, rows[0][1], tuple(DriftCheck(*row[2:]) for row in rows)))
    return found


def last_films(connection: sqlite3.Connection, bundle: str, most: int) -> tuple[Window, int]:
    """The last films with scores of a bundle, the oldest first, and the number of the last of them (0 for none)."""
    rows = connection.execute(
        "SELECT id, logits, strangeness, properties, shape FROM films WHERE bundle = ? AND logits IS NOT NULL ORDER BY id DESC LIMIT ?",
        (bundle, most),
    ).fetchall()[::-1]

    def stacked(column: int, kind: str, width: int) -> NDArray[Any]:
        return np.array([np.frombuffer(r[column], kind) for r in rows]).reshape(
            len(rows), -1 if rows else width
        )

    strange = np.array([np.nan if r[2] is None else r[2] for r in rows], np.float64)
    window = Window(stacked(1, "<f8", 1), strange, stacked(3, "<f4", len(PROPERTIES)), stacked(4, "<f2", 1))
    return window, rows[-1][0] if rows else 0


def histogram(
    connection: sqlite3.Connection, bundle: str, buckets_s: Sequence[float]
) -> tuple[list[tuple[str, float]], float]:
    """Films of a bundle by seconds: (upper end as text, films up to it), ``+Inf`` last; and the sum of seconds."""
    up_to = ", ".join("SUM(seconds <= ?)" for _ in buckets_s)
    row = connection.execute(
        f"SELECT COUNT(*), TOTAL(seconds), {up_to} FROM films WHERE bundle = ?", (*buckets_s, bundle)
    ).fetchone()
    counted = [
        (f"{end:g}" if end % 1 else f"{end:.1f}", float(n or 0))
        for end, n in zip(buckets_s, row[2:], strict=True)
    ]
    return [*counted, ("+Inf", float(row[0]))], float(row[1])


def add_feedback(
    connection: sqlite3.Connection, key: tuple[str, str, str], label: str, who: str, at: float
) -> int:
    """Store what a reader said of a film.

    Args:
        connection: The store.
        key: Digest of the bundle, id of the request and digest of the film; one of the last two may be empty.
        label: The reader's class.
        who: The reader's name, or that of the token.
        at: When.

    Returns:
        The films that it is of: those of the request, or the last answer of the film.

    Raises:
        InputError: No such film, or several of one request and no digest that tells them apart.
    """
    bundle, request, sha256 = key
    found = connection.execute(
        "SELECT id FROM films WHERE bundle = ? AND (? = '' OR request = ?) AND (? = '' OR sha256 = ?) AND outcome <> 'failed' "
        "ORDER BY id DESC LIMIT 2",
        (bundle, request, request, sha256, sha256),
    ).fetchall()
    if not (request or sha256) or not found:
        raise InputError(
            f"no film with scores is stored for request {request!r} and sha256 {sha256[:16]!r}; name the request_id, or the sha256, of "
            "an answer"
        )
    if len(found) > 1 and not sha256:
        raise InputError(
            f"request {request!r} had several films; name the sha256 of the one that the label is of"
        )
    connection.execute(
        "INSERT INTO feedback (at, film, label, who) VALUES (?, ?, ?, ?)", (at, found[0][0], label, who)
    )
    return int(found[0][0])


def feedback_of(connection: sqlite3.Connection, bundle: str, most: int) -> list[tuple[str, bool]]:
    """(label, called positive) of the last films that readers gave a label, each film once, by its last label."""
    rows = connection.execute(
        "SELECT f.sha256, f.id, b.label, f.called_positive FROM feedback b JOIN films f ON f.id = b.film "
        "WHERE f.bundle = ? AND f.called_positive IS NOT NULL ORDER BY b.id DESC",
        (bundle,),
    )
    found: dict[str, tuple[str, bool]] = {}
    for sha256, film, label, called in rows:
        found.setdefault(sha256 or f"film {film}", (label, bool(called)))
        if len(found) == most:
            break
    return list(found.values())


def forget(connection: sqlite3.Connection, before: float) -> int:
    """Delete what is older; gives the number of films."""
    connection.execute("DELETE FROM feedback WHERE film IN (SELECT id FROM films WHERE at < ?)", (before,))
    connection.execute("DELETE FROM looks WHERE at < ?", (before,))
    return int(connection.execute("DELETE FROM films WHERE at < ?", (before,)).rowcount)
