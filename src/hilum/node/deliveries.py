"""Deliveries of a node's queue: which object goes to which archive, when, and what the archive said of it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hilum.node.state import State

DONE: Final = ("sent", "committed")


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


class Deliveries:
    """The deliveries of a queue.

    Args:
        state: Of the node.
        archives: Names of the archives that each object goes to.
    """

    def __init__(self, state: State, archives: Sequence[str]) -> None:
        self._state, self.archives = state, tuple(archives)

    def begin(self, db: sqlite3.Connection, number: int, now: float) -> None:
        """Have an object delivered to every archive, in a transaction of the state."""
        db.executemany(
            "INSERT INTO deliveries (object, archive, state, since) VALUES (?, ?, 'due', ?)",
            [(number, archive, now) for archive in self.archives],
        )

    def begin_again(self, db: sqlite3.Connection, film: int, now: float) -> None:
        """Have the objects of a film delivered once more, in a transaction of the state."""
        db.execute(
            "UPDATE deliveries SET state = 'due', tries = 0, next_try = 0, since = ?, why = '' "
            "WHERE state != 'due' AND object IN (SELECT id FROM objects WHERE film = ?)",
            (now, film),
        )

    def retry_given_up(self, db: sqlite3.Connection, now: float) -> None:
        """Have what was given up tried again, in a transaction of the state."""
        db.execute(
            "UPDATE deliveries SET state = 'due', tries = 0, next_try = 0, since = ? WHERE state = 'given-up'",
            (now,),
        )

    def due(self, archive: str, most: int = 50) -> list[Delivery]:
        """What is to be sent to an archive now, the oldest first."""
        return self._deliveries("d.state = 'due' AND d.next_try <= ?", archive, most)

    def to_ask_for(self, archive: str, most: int = 200) -> list[Delivery]:
        """What an archive is to be asked to commit itself to: what it took, and what it has not answered for in time."""
        return self._deliveries("d.state IN ('sent', 'asked') AND d.next_try <= ?", archive, most)

    def _deliveries(self, which: str, archive: str, most: int) -> list[Delivery]:
        with self._state.reading() as db:
            rows = db.execute(
                "SELECT o.id, o.sop_class, o.sop_uid, o.file, d.tries, d.since FROM deliveries d JOIN objects o ON o.id = d.object "
                f"WHERE {which} AND d.archive = ? ORDER BY o.id LIMIT ?",
                (time.time(), archive, most),
            ).fetchall()
        return [Delivery(r[0], r[1], r[2], self._state.objects / r[3], r[4], r[5]) for r in rows]

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

    def committed(
        self, transaction: str, kept: Sequence[str], refused: Sequence[str], wait_s: float
    ) -> tuple[int, int]:
        """What the archive answered: SOP Instance UIDs that it keeps, and those that it does not, which are sent again after a while.

        Not at once: an archive that takes an object and then does not keep it would be sent it without end.

        Returns:
            How many deliveries are committed, and how many are due again; none for a transaction that nobody asked for.
        """
        of = "asked_in = ? AND state = 'asked' AND object IN (SELECT id FROM objects WHERE sop_uid = ?)"
        counts = []
        with self._state.writing() as db:
            for uids, to, values in (
                (kept, "state = 'committed'", ()),
                (refused, "state = 'due', tries = tries + 1, next_try = ?", (time.time() + wait_s,)),
            ):
                rows = [
                    db.execute(f"UPDATE deliveries SET {to} WHERE {of}", (*values, transaction, uid)).rowcount
                    for uid in uids
                ]
                counts.append(sum(rows))
        return counts[0], counts[1]

    def _set(self, archive: str, deliveries: Sequence[Delivery], to: str, *values: Any) -> None:
        with self._state.writing() as db:
            for d in deliveries:
                db.execute(
                    f"UPDATE deliveries SET {to} WHERE object = ? AND archive = ?",
                    (*values, d.object, archive),
                )

    def stranded(self) -> int:
        """How many deliveries are open to archives that are not configured any more."""
        marks = ", ".join("?" * len(self.archives))
        which = f"state NOT IN {DONE!r} AND archive NOT IN ({marks})"
        with self._state.reading() as db:
            return int(
                db.execute(f"SELECT count(*) FROM deliveries WHERE {which}", self.archives).fetchone()[0]
            )
