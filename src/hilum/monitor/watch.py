"""A bundle watched while it works: what it answers goes to the store in a thread of its own, and every few films the window is looked at.

`Watch.saw` only puts the film into a queue. Where films come faster than they can be stored, or the disk does not take them, they are left
out and counted, each for itself; an answer never waits for the watch. Several watches may share one store, of several processes too.
"""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from threadpoolctl import ThreadpoolController

from hilum.artifacts.bundle import REFERENCE, Bundle, bundle_version
from hilum.monitor import feedback, films, looks, store
from hilum.monitor.drift import STEP, WINDOW, Checker
from hilum.monitor.films import FilmLine
from hilum.monitor.looks import Look
from hilum.monitor.reference import Reference
from hilum.monitor.seen import seen_of
from hilum.monitor.status import MonitorStatus, status_of
from hilum.monitor.store import DAY_S, KnownBundle

if TYPE_CHECKING:
    from hilum.inference.reader import Reading

KEEP_DAYS: Final = 365.0
_WAITING: Final = 2000
_TOGETHER: Final = 256
_WAIT_S: Final = 1.0
_FORGET_EVERY_S: Final = 3600.0
SEEN_A_SECOND: Final = 10
"""Films whose properties are looked at, at most: of a service under load every film is counted, and some of them are looked at."""
_log = logging.getLogger(__name__)
_Saw = tuple[float, str, str, float, "Reading"]


class Watch:
    """A bundle's watch.

    Args:
        path: The store, ``monitor.db``; made where it is not there.
        folder: The bundle; its `REFERENCE` is what windows are held against.
        name: What the service calls the bundle; else the folder's name.
        window: Films of a window.
        keep_days: What is older is deleted.
        a_second: Films a second of which properties are looked at, at most; all are counted.

    Attributes:
        bundle: What the store knows of the bundle.
        note: Why there is nothing about drift; empty where there is.

    Raises:
        InputError: No bundle, a store or a reference that cannot be used.
        DigestError: The reference is another bundle's.
    """

    def __init__(
        self, path: Path, folder: Path, name: str = "", window: int = WINDOW, keep_days: float = KEEP_DAYS,
        a_second: float = SEEN_A_SECOND,
    ) -> None:  # fmt: skip
        bundle, _, _ = Bundle.described(folder)
        reference = Reference.of_bundle(folder)
        self.path, self._window, self._keep_days = path, window, keep_days
        self.bundle = KnownBundle(
            bundle_version(folder),
            name or folder.resolve().name,
            folder.resolve(),
            bundle.classes,
            bundle.positive,
            time.time(),
        )
        self.note = (
            ""
            if reference
            else f"the bundle has no {REFERENCE}, so drift is not looked for; make one: hilum drift {folder} --make-reference"
        )
        self._checker = Checker(reference) if reference else None
        self._queue: queue.Queue[_Saw | threading.Event] = queue.Queue(_WAITING)
        self._dropped = self._unstored = self._since_look = 0
        self._forgot = 0.0
        self._next_seen, self._a_second = 0.0, a_second
        self._threads = ThreadpoolController()
        with store.opened(path, create=True) as connection:
            store.add_bundle(connection, self.bundle)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._work, name="hilum-monitor", daemon=True)
        self._thread.start()

    def saw(self, request_id: str, reading: Reading, seconds: float, sha256: str = "") -> None:
        """Note a film that was answered; returns at once.

        Args:
            request_id: Of its request.
            reading: Of `hilum.inference.reader.Reader`.
            seconds: From request to answer.
            sha256: Digest of the film's bytes, by which readers' labels find it.
        """
        slim = replace(
            reading, opened=replace(reading.opened, pixels=None, facts={})
        )  # neither is needed, both weigh
        try:
            self._queue.put_nowait((time.time(), request_id, sha256, seconds, slim))
        except queue.Full:
            self._dropped += 1

    def feedback(self, label: str, who: str, *, request_id: str = "", sha256: str = "") -> None:
        """Note what a reader says of a film.

        Args:
            label: The reader's class; a class that the bundle does not know counts as negative.
            who: The reader's name, or that of the token.
            request_id: Of the film's request.
            sha256: Digest of the film's bytes; one of the two, or both.

        Raises:
            InputError: No such film, or several of the request.
        """
        self.flush()
        with store.opened(self.path) as connection:
            feedback.add_feedback(
                connection, (self.bundle.digest, request_id, sha256), label, who, time.time()
            )

    def status(self) -> MonitorStatus:
        """How the bundle stands, by what is stored so far."""
        with store.opened(self.path) as connection:
            found = status_of(connection, self.bundle, note=self.note)
        return replace(
            found, dropped=self._dropped, unstored=self._unstored, has_reference=self._checker is not None
        )

    def histogram(self, buckets_s: Sequence[float]) -> tuple[list[tuple[str, float]], float]:
        """Films by seconds: (upper end as text, films up to it) with ``+Inf`` last, and the sum of seconds; of all that is stored."""
        with store.opened(self.path) as connection:
            return films.histogram(connection, self.bundle.digest, buckets_s)

    def flush(self, seconds: float = 30.0) -> None:
        """Wait until what was seen so far is stored."""
        done = threading.Event()
        if self._thread.is_alive():
            self._queue.put(done, timeout=seconds)
            done.wait(seconds)

    def close(self) -> None:
        """Store what is left and end the thread."""
        self.flush()
        self._closed.set()
        self._thread.join(timeout=30)

    def _work(self) -> None:
        while not self._closed.is_set() or not self._queue.empty():
            batch = self._batch()
            try:
                self._keep([item for item in batch if not isinstance(item, threading.Event)])
            except Exception:  # whatever it is, the next films are to be stored
                _log.exception("monitor: films could not be stored in %s", self.path.name)
                self._unstored += sum(not isinstance(item, threading.Event) for item in batch)
            for item in batch:
                if isinstance(item, threading.Event):
                    item.set()

    def _batch(self) -> list[_Saw | threading.Event]:
        """What came within a second, at most `_TOGETHER`, for a write costs a commit. Who waits for it need not."""
        batch: list[_Saw | threading.Event] = []
        end = time.monotonic() + _WAIT_S
        with suppress(queue.Empty):
            while len(batch) < _TOGETHER and not (batch and isinstance(batch[-1], threading.Event)):
                batch.append(self._queue.get(timeout=max(0.0, end - time.monotonic())))
        return batch

    def _keep(self, saw: list[_Saw]) -> None:
        now = time.time()
        forget = now - self._forgot > _FORGET_EVERY_S
        if not saw and not forget:
            return
        lines = [self._line(*film) for film in saw]
        with store.opened(self.path, create=True) as connection:
            for line in lines:
                films.add_films(connection, [line])
                self._since_look += line.seen is not None
                if self._since_look >= STEP:
                    self._since_look = 0
                    self._look(connection, line.at)
            if forget:
                store.forget(connection, now - self._keep_days * DAY_S)
                self._forgot = now

    def _line(self, at: float, request: str, sha256: str, seconds: float, reading: Reading) -> FilmLine:
        answer, seen = reading.answer, None
        failed = reading.scored.logits is None or reading.scored.prepared is None
        if not failed and at >= self._next_seen:
            seen = seen_of(reading)
            self._next_seen = at + 1 / self._a_second
        reasons = ",".join(dict.fromkeys(r.code for r in answer.gate.reasons))
        outcome: films.Outcome = "failed" if failed else "abstained" if answer.abstained else "answered"
        return FilmLine(
            at, self.bundle.digest, request, sha256, seconds, outcome, _code(answer.error) if failed else reasons,
            answer.most_likely, answer.called_positive, seen,
        )  # fmt: skip

    def _look(self, connection: sqlite3.Connection, at: float) -> None:
        if self._checker is None:
            return
        window, last = films.last_films(connection, self.bundle.digest, self._window)
        with self._threads.limit(limits=1, user_api="blas"):  # the network of the service wants the cores
            checks = self._checker.checks(window)
        if checks:
            looks.add_look(connection, self.bundle.digest, Look(at, last, len(window), tuple(checks)))


def _code(error: str) -> str:
    """The reason of a film without scores, without what follows a colon: a stable word, nothing of the film."""
    return (error.partition(":")[0].strip() or "unknown").replace(",", " ")[:60]
