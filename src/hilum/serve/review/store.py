"""``reviews.db``: queues and what readers said, in SQLite. Only ever added to: triggers refuse to change, replace or delete a row.

Convention: WAL, and each write is on the disk before it is answered. Every call opens the file anew, so that threads and processes share
it; a writer waits for others. What a reader said counts from the moment that `add` returns.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hilum.core.errors import InputError
from hilum.serve.review.records import Answer, Item, Queue, QueueAsked, Said

NAME = "reviews.db"
_WAIT_S = 60
_TABLES = {
    "queues": "id INTEGER PRIMARY KEY AUTOINCREMENT, asked TEXT NOT NULL, classes TEXT NOT NULL, positive TEXT NOT NULL, "
    "n_items INTEGER NOT NULL, made_by TEXT NOT NULL, made_at TEXT NOT NULL",
    "items": "id INTEGER PRIMARY KEY AUTOINCREMENT, queue INTEGER NOT NULL REFERENCES queues(id), n INTEGER NOT NULL, "
    "film TEXT NOT NULL, UNIQUE (queue, n)",
    "openings": "id INTEGER PRIMARY KEY AUTOINCREMENT, queue INTEGER NOT NULL REFERENCES queues(id), n INTEGER NOT NULL, "
    "reader TEXT NOT NULL, at TEXT NOT NULL, UNIQUE (queue, n, reader)",
    "answers": "id INTEGER PRIMARY KEY AUTOINCREMENT, queue INTEGER NOT NULL REFERENCES queues(id), n INTEGER NOT NULL, "
    "reader TEXT NOT NULL, known INTEGER NOT NULL, verdict TEXT NOT NULL, label TEXT NOT NULL, regions TEXT NOT NULL, "
    "comment TEXT NOT NULL, informed INTEGER NOT NULL, at TEXT NOT NULL, key TEXT NOT NULL, UNIQUE (reader, key), "
    "FOREIGN KEY (queue, n) REFERENCES items(queue, n)",
}
_OTHER_KEYS = {
    "queues": "",
    "items": "OR (queue = NEW.queue AND n = NEW.n)",
    "openings": "OR (queue = NEW.queue AND n = NEW.n AND reader = NEW.reader)",
    "answers": "OR (reader = NEW.reader AND key = NEW.key)",
}
"""What besides its id makes a row the same as another: ``INSERT OR REPLACE`` would delete that one without a trigger of deletion."""


class ReviewStore:
    """The reviews of a service.

    Args:
        path: Of the file; it is made where it is not there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._open() as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("BEGIN IMMEDIATE")
            for table, columns in _TABLES.items():
                db.execute(f"CREATE TABLE IF NOT EXISTS {table} ({columns})")
                for verb in ("UPDATE", "DELETE"):
                    db.execute(
                        f"CREATE TRIGGER IF NOT EXISTS {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                        "BEGIN SELECT RAISE(ABORT, 'reviews are only added to'); END"
                    )
                same = f"SELECT 1 FROM {table} WHERE id = NEW.id {_OTHER_KEYS[table]}"
                db.execute(
                    f"CREATE TRIGGER IF NOT EXISTS {table}_no_replace BEFORE INSERT ON {table} WHEN EXISTS ({same}) "
                    "BEGIN SELECT RAISE(ABORT, 'reviews are only added to'); END"
                )
            db.execute("COMMIT")

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        db = sqlite3.connect(self.path, timeout=_WAIT_S, isolation_level=None)
        try:
            db.row_factory = sqlite3.Row
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA foreign_keys = ON")
            yield db
        finally:
            db.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that other writers wait for; whole or not at all."""
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")

    def make_queue(
        self, asked: QueueAsked, items: Sequence[Item], classes: Sequence[str], positive: str, by: str
    ) -> int:
        """Keep a new queue; gives its number."""
        with self._writing() as db:
            made = db.execute(
                "INSERT INTO queues (asked, classes, positive, n_items, made_by, made_at) VALUES (?, ?, ?, ?, ?, ?)",
                (asked.model_dump_json(), json.dumps(list(classes)), positive, len(items), by, now()),
            )
            number = int(made.lastrowid or 0)
            rows = [(number, item.n, item.model_dump_json()) for item in items]
            db.executemany("INSERT INTO items (queue, n, film) VALUES (?, ?, ?)", rows)
        return number

    def queues(self) -> list[Queue]:
        """All queues, the newest first."""
        with self._open() as db:
            return [_queue(row) for row in db.execute("SELECT * FROM queues ORDER BY id DESC")]

    def queue(self, number: int) -> Queue | None:
        """A queue by its number."""
        with self._open() as db:
            row = db.execute("SELECT * FROM queues WHERE id = ?", (number,)).fetchone()
        return None if row is None else _queue(row)

    def items(self, queue: int) -> list[Item]:
        """The films of a queue, in order."""
        with self._open() as db:
            rows = db.execute("SELECT film FROM items WHERE queue = ? ORDER BY n", (queue,)).fetchall()
        return [Item.model_validate_json(row["film"]) for row in rows]

    def item(self, queue: int, n: int) -> Item | None:
        """A film of a queue by its place."""
        with self._open() as db:
            row = db.execute("SELECT film FROM items WHERE queue = ? AND n = ?", (queue, n)).fetchone()
        return None if row is None else Item.model_validate_json(row["film"])

    def note_opening(self, queue: int, n: int, reader: str) -> None:
        """Note that a reader saw a film; the first time counts."""
        with self._writing() as db:
            seen = db.execute(
                "SELECT 1 FROM openings WHERE queue = ? AND n = ? AND reader = ?", (queue, n, reader)
            )
            if seen.fetchone() is None:
                db.execute(
                    "INSERT INTO openings (queue, n, reader, at) VALUES (?, ?, ?, ?)",
                    (queue, n, reader, now()),
                )

    def add(self, queue: Queue, item: Item, reader: str, known: bool, said: Said) -> Answer:
        """Keep what a reader said; the same key of a reader again gives what was kept the first time.

        Raises:
            InputError: A label that is no class of the run; ``agree`` with an answer that is hidden; a key that was used for another film.
        """
        with self._writing() as db:
            kept = db.execute(
                "SELECT * FROM answers WHERE reader = ? AND key = ?", (reader, said.key)
            ).fetchone()
            if kept is None:
                earlier = db.execute(
                    "SELECT 1 FROM answers WHERE queue = ? AND n = ? AND reader = ?",
                    (queue.id, item.n, reader),
                ).fetchone()
                informed = not queue.blinded or earlier is not None
                label = _label(queue, item, said, informed)
                regions = json.dumps([r.model_dump(mode="json") for r in said.regions])
                values = (
                    queue.id, item.n, reader, known, said.verdict, label, regions, said.comment, informed, now(), said.key
                )  # fmt: skip
                db.execute(
                    "INSERT INTO answers (queue, n, reader, known, verdict, label, regions, comment, informed, at, key) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    values,
                )
                kept = db.execute(
                    "SELECT * FROM answers WHERE reader = ? AND key = ?", (reader, said.key)
                ).fetchone()
                return _answer(kept)
            answer = _answer(kept)
            label = said.label if said.verdict == "label" else answer.label
            before = kept["queue"], kept["n"], answer.verdict, answer.label, answer.regions, answer.comment
            if before != (queue.id, item.n, said.verdict, label, said.regions, said.comment):
                raise InputError(
                    "this key was used for another answer; send each answer under a key of its own"
                )
            return answer

    def answers(self, queue: int, reader: str | None = None) -> list[Answer]:
        """All that was said in a queue, or what one reader said, in the order in which it came."""
        of_reader, values = ("", (queue,)) if reader is None else (" AND reader = ?", (queue, reader))
        with self._open() as db:
            rows = db.execute(
                f"SELECT * FROM answers WHERE queue = ?{of_reader} ORDER BY id", values
            ).fetchall()
        return [_answer(row) for row in rows]

    def answered(self, queue: int, reader: str) -> set[int]:
        """Places of the films of a queue that a reader has answered."""
        with self._open() as db:
            rows = db.execute(
                "SELECT DISTINCT n FROM answers WHERE queue = ? AND reader = ?", (queue, reader)
            ).fetchall()
        return {int(row["n"]) for row in rows}

    def unfinished(self, reader: str) -> list[Queue]:
        """Queues that a reader has begun (opened a film of) and has not answered to the end."""
        with self._open() as db:
            rows = db.execute(
                "SELECT * FROM queues q WHERE EXISTS (SELECT 1 FROM openings o WHERE o.queue = q.id AND o.reader = :reader) AND "
                "q.n_items > (SELECT COUNT(DISTINCT a.n) FROM answers a WHERE a.queue = q.id AND a.reader = :reader)",
                {"reader": reader},
            ).fetchall()
        return [_queue(row) for row in rows]


def now() -> str:
    """The time in UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _label(queue: Queue, item: Item, said: Said, informed: bool) -> str:
    """The class that an answer gives."""
    if said.verdict == "agree":
        if not informed:
            raise InputError("the model's answer is hidden in this queue: name a class")
        return item.said
    if said.verdict == "label":
        if said.label not in queue.classes:
            raise InputError(f"expected a class of {', '.join(queue.classes)}, got {said.label!r}")
        return said.label
    return ""


def _queue(row: sqlite3.Row) -> Queue:
    values: dict[str, Any] = json.loads(row["asked"])
    own = {k: row[k] for k in ("id", "positive", "n_items", "made_by", "made_at")}
    return Queue(**values, **own, classes=tuple(json.loads(row["classes"])))


def _answer(row: sqlite3.Row) -> Answer:
    values = {k: row[k] for k in row.keys() if k not in ("queue", "key", "regions", "known", "informed")}  # noqa: SIM118  of a row of SQLite
    flags = {k: bool(row[k]) for k in ("known", "informed")}
    return Answer.model_validate({**values, **flags, "regions": json.loads(row["regions"])})
