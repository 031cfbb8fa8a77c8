"""Films of a node's queue that wait for an answer: which is next, and which were taken before."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from hilum.node.state import State


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


class Films:
    """The films of a queue.

    Args:
        state: Of the node.
    """

    def __init__(self, state: State) -> None:
        self._state = state

    def knows(self, sop_uid: str, bundle: str) -> bool:
        """Whether a film was taken for a bundle."""
        with self._state.reading() as db:
            return bool(
                db.execute(
                    "SELECT 1 FROM films WHERE sop_uid = ? AND bundle = ?", (sop_uid, bundle)
                ).fetchone()
            )

    def waiting(self) -> int:
        """How many films wait for an answer."""
        with self._state.reading() as db:
            return int(db.execute("SELECT count(*) FROM films WHERE state = 'waiting'").fetchone()[0])

    def adopt(self, bundle: str) -> None:
        """What waits for a bundle that was exchanged is for this one now."""
        with self._state.writing() as db:
            db.execute("UPDATE OR IGNORE films SET bundle = ? WHERE state = 'waiting'", (bundle,))

    def next_film(self) -> Film | None:
        """The film that has waited longest, counted as begun; None where none is due."""
        with self._state.writing() as db:
            found = db.execute(
                "SELECT id, file, received, tries FROM films WHERE state = 'waiting' AND next_try <= ? ORDER BY id LIMIT 1",
                (time.time(),),
            ).fetchone()
            if found is None:
                return None
            db.execute("UPDATE films SET tries = tries + 1 WHERE id = ?", (found[0],))
        return Film(found[0], self._state.films / found[1], found[2], found[3])

    def later(self, film: Film, seconds: float) -> None:
        """Begin a film again after a while."""
        with self._state.writing() as db:
            db.execute("UPDATE films SET next_try = ? WHERE id = ?", (time.time() + seconds, film.id))

    def put_back(self, film: Film, seconds: float) -> None:
        """Begin a film again after a while, as if it had not been begun: it was not the film that failed."""
        with self._state.writing() as db:
            db.execute(
                "UPDATE films SET tries = ?, next_try = ? WHERE id = ?",
                (film.tries, time.time() + seconds, film.id),
            )
