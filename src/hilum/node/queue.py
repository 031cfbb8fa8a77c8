"""The node's queue: every film that was taken, every object that answers it and every delivery, in SQLite beside the files.

Convention: a film is acknowledged only after its file lies whole on the disk and its row is committed (WAL, synchronous=FULL); its objects
and their deliveries are committed together, after their files. So a process that is killed at any moment finds, when it starts again,
each film in one state:

| film | means |
|---|---|
| waiting | to be answered; `tries` counts the times that it was begun, before each, but for those that the disk put an end to |
| answered | its objects are in ``objects``, each with one row a configured archive in ``deliveries`` |

| delivery | means |
|---|---|
| due | to be sent from `next_try` on |
| sent | the archive took it; the end, where no commitment is asked for |
| asked | the archive took it and was asked to commit itself, in `asked_in`; asked again from `next_try` on |
| committed | the archive said that it keeps it |
| given-up | nobody took it for as long as was configured; it stays on the disk and is tried again when the node starts |

A file that no row names was never acknowledged and is removed at the start. No two takings of a film share the name of a file, so that
what is removed of one is not what another has just brought. Nothing in the names and in the database is about a patient but the UIDs.
"""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from hilum.core.digests import sha256_bytes
from hilum.core.files import write_bytes, writing
from hilum.node.deliveries import DONE, Deliveries
from hilum.node.films import Film, Films
from hilum.node.made import Made
from hilum.node.source import picture_sha256
from hilum.node.state import State, keeping, sync


class Queue:
    """The queue of a node.

    Args:
        folder: Its state; made where it is not there.
        archives: Names of the archives that each object goes to.

    Attributes:
        state: What is on the disk.
        films: Those that wait.
        deliveries: Of the objects that answer them.

    Raises:
        InputError: Another node has this state.
    """

    def __init__(self, folder: Path, archives: Sequence[str]) -> None:
        self.state = State(folder)
        self.films, self.deliveries = Films(self.state), Deliveries(self.state, archives)
        self._sweep()

    def close(self) -> None:
        """Close the database."""
        self.state.close()

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
            OSError: It cannot be read.
            NotKept: Nothing of it was.
        """
        sha256 = picture_sha256(data_path)
        with self.state.writing() as db:
            known = self._known(db, sop_uid, bundle, sha256)
        if known is not None:
            return known
        path = self.state.films / f"{uuid4().hex}.dcm"
        how = ""
        try:
            with keeping():
                with writing(path) as part:
                    shutil.copyfile(data_path, part)
                sync(path.parent)
            with self.state.writing() as db:
                known = self._known(db, sop_uid, bundle, sha256)  # it may have come twice at once
                if known is None:
                    row = (sop_uid, bundle, sha256, path.name, sender, time.time() if now is None else now)
                    db.execute(
                        "INSERT INTO films (sop_uid, bundle, sha256, file, sender, received, state) VALUES (?, ?, ?, ?, ?, ?, 'waiting')",
                        row,
                    )
            how = known or "new"
        finally:
            if how != "new":
                path.unlink(missing_ok=True)
        return how

    def _known(self, db: sqlite3.Connection, sop_uid: str, bundle: str, sha256: str) -> str | None:
        found = db.execute(
            "SELECT id, sha256, state, file FROM films WHERE sop_uid = ? AND bundle = ?", (sop_uid, bundle)
        ).fetchone()
        if found is None:
            return None
        number, picture, state, file = found
        if picture != sha256:
            return "other"
        if state == "waiting" and not (self.state.films / file).is_file():
            db.execute("DELETE FROM films WHERE id = ?", (number,))  # the disk lost it: it is taken anew
            return None
        self.deliveries.begin_again(db, number, time.time())
        return "again"

    def answered(self, film: Film, objects: Sequence[Made]) -> None:
        """Keep the answers of a film, and have them delivered to every archive; those of an earlier taking are replaced.

        Raises:
            NotKept: Nothing is said of the film yet.
        """
        rows = []
        with keeping():
            for made in objects:
                name = f"{sha256_bytes(f'{film.path.name} {made.sop_uid}'.encode())[:32]}.dcm"
                write_bytes(self.state.objects / name, made.data)
                rows.append((film.id, made.kind, made.sop_class, made.sop_uid, name, sha256_bytes(made.data)))
            sync(self.state.objects)
        now = time.time()
        with self.state.writing() as db:
            for row in rows:
                db.execute("DELETE FROM objects WHERE sop_uid = ?", (row[3],))
                number = db.execute(
                    "INSERT INTO objects (film, kind, sop_class, sop_uid, file, sha256) VALUES (?, ?, ?, ?, ?, ?)",
                    row,
                ).lastrowid
                self.deliveries.begin(db, number or 0, now)
            db.execute("UPDATE films SET state = 'answered' WHERE id = ?", (film.id,))

    def counts(self) -> dict[str, int]:
        """How many films and deliveries are in each state."""
        with self.state.reading() as db:
            films = db.execute("SELECT 'film ' || state, count(*) FROM films GROUP BY state").fetchall()
            sent = db.execute(
                "SELECT 'delivery ' || state, count(*) FROM deliveries GROUP BY state"
            ).fetchall()
        return dict([*films, *sent])

    def forget(self, before: float) -> int:
        """Remove films that came before a time and whose answers were all delivered, with their files; gives how many."""
        open_ones = f"SELECT 1 FROM objects o JOIN deliveries d ON d.object = o.id WHERE o.film = f.id AND d.state NOT IN {DONE!r}"
        with self.state.writing() as db:
            old = db.execute(
                f"SELECT id, file FROM films f WHERE state = 'answered' AND received < ? AND NOT EXISTS ({open_ones})",
                (before,),
            ).fetchall()
            files = [self.state.films / f for _, f in old]
            for number, _ in old:
                rows = db.execute("SELECT file FROM objects WHERE film = ?", (number,)).fetchall()
                files += [self.state.objects / r[0] for r in rows]
                db.execute("DELETE FROM films WHERE id = ?", (number,))
        for path in files:
            path.unlink(missing_ok=True)
        return len(old)

    def _sweep(self) -> None:
        """Remove what a killed process left half-done; what was given up is tried again."""
        with self.state.writing() as db:
            known = {r[0] for r in db.execute("SELECT file FROM films UNION SELECT file FROM objects")}
            self.deliveries.retry_given_up(db, time.time())
        for folder in (self.state.films, self.state.objects, self.state.incoming):
            for path in folder.iterdir():
                if folder == self.state.incoming or path.name not in known:
                    path.unlink(missing_ok=True)
