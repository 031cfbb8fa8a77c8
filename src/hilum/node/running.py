"""A node that runs: it hears, works and sends at the same time, each in a thread, with nothing but the queue between them.

What fails is tried again later, and what fails again and again has an end that says so: a film that nothing can be said of gets a report of
that, a delivery is given up after days. Films are opened in a process of their own; one that was begun ten times without an end, as where
answering it ended the node, is not opened any more. What the disk puts an end to counts against the disk and not against the film, which
waits until the disk takes its answer. Logs name peers, archives, counts and reasons, and nothing of a film but the number of its row.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from datetime import datetime
from typing import Final

from hilum import RESEARCH_NOTICE, __version__
from hilum.core.errors import HilumError
from hilum.inference.opened import Opened
from hilum.inference.opening import LOST
from hilum.inference.reader import Reading
from hilum.monitor.store import MONITOR
from hilum.monitor.watch import Watch
from hilum.node.answering import Answering
from hilum.node.config import LOOPBACK, Config
from hilum.node.delivering import Delivering
from hilum.node.dicomweb import Poller, WebArchive
from hilum.node.films import Film
from hilum.node.listener import Listener
from hilum.node.loops import Loops, wait_s
from hilum.node.opening import Opening
from hilum.node.polling import Polling
from hilum.node.queue import Queue
from hilum.node.sender import DimseArchive
from hilum.node.source import read_source
from hilum.node.state import NotKept
from hilum.node.tls import of_sender

LOG: Final = logging.getLogger("hilum.node")
NOT_FROM: Final = 10
"""Times that a film was begun before, from which on it is not opened any more."""
_IDLE_S, _KEEPING_S, _DAY_S = 0.5, 600.0, 86_400.0
_DISK_S = 60.0
"""Seconds, at most, until it is seen whether a disk takes answers again."""


class _Unreadable(HilumError):
    """The disk does not give a film's file."""


class Node:
    """A node.

    Args:
        config: What it is.
        answering: What answers; None to make it from the configuration.
        opening: What opens films; None to make it from the configuration.

    Attributes:
        disk_failures: How often, since the start, a film was not answered because of the disk.

    Raises:
        InputError, DigestError, UnsafeError: The bundle cannot be used, or the configuration names what is not there.
    """

    def __init__(
        self, config: Config, answering: Answering | None = None, opening: Opening | None = None
    ) -> None:
        self.config = config
        node, limits = config.node, config.limits
        self.answering = answering or Answering(
            node.bundle,
            node.engine,
            heat_map=node.heat_map,
            segmentation=node.segmentation,
            kept=node.state / "engines",
        )
        self.opening = opening or Opening(self.answering.opener, limits)
        self.watch = Watch(node.state / MONITOR, self.answering.reader.folder, node.ae_title)
        self.queue = Queue(node.state, [a.name for a in config.archive])
        self.queue.films.adopt(self.answering.version)
        self.loops, self._came = Loops(), threading.Event()
        self.disk_failures = self._disk_failures_in_row = 0
        self._to_put_back: tuple[Film, float] | None = None
        self.listener = Listener(config, self.queue, self.answering.version, self._came.set)
        tls = of_sender(config.tls) if config.tls is not None and any(a.tls for a in config.archive) else None
        archives: list[DimseArchive | WebArchive] = [
            WebArchive(a, limits.seconds) if a.url else DimseArchive(a, node.ae_title, limits.seconds, tls if a.tls else None)
            for a in config.archive
        ]  # fmt: skip
        self.delivering = {a.table.name: Delivering(a, self.queue.deliveries, config.retry) for a in archives}
        self.polling = [
            Polling(Poller(p, limits.seconds, limits.megabytes << 20), self.queue, limits, self.answering.version, self._came.set,
                    self.loops.stop)
            for p in config.poll
        ]  # fmt: skip

    def start(self) -> None:
        """Listen, and go on with what the queue holds.

        Raises:
            InputError: The address cannot be had.
        """
        node = self.config.node
        self.listener.start()
        self.opening.start()
        LOG.info(
            "hilum %s, bundle %s, %s. %s",
            __version__,
            self.answering.version[:12],
            self.answering.reader.engine.words,
            RESEARCH_NOTICE,
        )
        LOG.info(
            "listening as %s on %s, port %d; the queue holds %s",
            node.ae_title,
            node.host,
            self.listener.port,
            self.queue.counts() or "nothing",
        )
        if node.host not in LOOPBACK and self.config.tls is None:
            LOG.warning("DIMSE is not encrypted: keep it in a closed network, or add a table [tls]")
        if stranded := self.queue.deliveries.stranded():
            LOG.warning("%d answers wait for archives that are not configured any more", stranded)
        self.loops.run("work", self._work)
        for name, delivering in self.delivering.items():
            self.loops.run(f"send to {name}", delivering.once)
        for polling in self.polling:
            self.loops.run(f"poll {polling.name}", polling.once)
        self.loops.run("keep", self._keep)

    def stop(self) -> None:
        """Stop hearing, finish the film and the sending that were begun, and close."""
        self.loops.stop.set()
        self._came.set()
        self._tell_made()
        self.listener.stop()
        self.loops.join(self.config.limits.seconds)
        self.close()
        LOG.info("stopped; what waits is in %s", self.config.node.state)

    def close(self) -> None:
        """Close what is held; for a node that was not started."""
        self.opening.close()
        self.watch.close()
        self.queue.close()

    def _work(self) -> float:
        """Answer the film that has waited longest; gives the seconds to wait until the next."""
        self._came.clear()
        self._put_back()
        film = self.queue.films.next_film()
        if film is None:
            self._came.wait(_IDLE_S)
            return 0.0
        start = time.perf_counter()
        try:
            self._answer(film)
        except (NotKept, _Unreadable) as error:
            return self._disk_failed(film, error)
        except Exception as error:
            LOG.error("film %d could not be answered (%s); tried again later", film.id, type(error).__name__)
            LOG.debug("film %d", film.id, exc_info=True)
            self.queue.films.later(film, wait_s(self.config.retry, film.tries))
            return 0.0
        self._disk_failures_in_row = 0
        LOG.info("answered film %d in %.1f s", film.id, time.perf_counter() - start)
        self._tell_made()
        return 0.0

    def _answer(self, film: Film) -> None:
        start = time.perf_counter()
        ended = film.tries >= NOT_FROM
        try:
            source = read_source(film.path)
            data = b"" if ended else film.path.read_bytes()
        except OSError as e:
            raise _Unreadable(f"its file cannot be read ({type(e).__name__})") from None
        opened = _failed(film) if ended else self.opening(data)
        if opened.error == LOST:
            LOG.error("film %d: %s", film.id, opened.words)
        when = datetime.fromtimestamp(film.received)

        seen: list[tuple[Reading, float]] = []

        def read(reading: Reading) -> None:
            seen.append((reading, time.perf_counter() - start))

        self.queue.answered(film, self.answering.objects(opened, source, when, read))
        for reading, seconds in seen:  # now that it is not read once more
            self.watch.saw(f"film-{film.id}", reading, seconds, reading.answer.sha256)

    def _disk_failed(self, film: Film, error: NotKept | _Unreadable) -> float:
        """Have a film wait that the disk kept from being answered; gives the seconds that all wait.

        A film that cannot be read waits alone. Where an answer is not kept no other film is begun meanwhile.
        """
        wait = min(wait_s(self.config.retry, self._disk_failures_in_row), _DISK_S)
        self.disk_failures += 1
        self._disk_failures_in_row += 1
        LOG.error(
            "film %d waits %.0f s: %s; failures of the disk so far: %d",
            film.id,
            wait,
            error,
            self.disk_failures,
        )
        for_all = isinstance(error, NotKept)
        self._to_put_back = film, 0.0 if for_all else wait
        with suppress(NotKept):  # else before the next film
            self._put_back()
        return wait if for_all else 0.0

    def _put_back(self) -> None:
        if self._to_put_back is not None:
            self.queue.films.put_back(*self._to_put_back)
            self._to_put_back = None

    def _tell_made(self) -> None:
        for delivering in self.delivering.values():
            delivering.made.set()

    def _keep(self) -> float:
        """Remove what is old, and what peers left half-sent."""
        days = self.config.node.keep_days
        if n := self.queue.forget(time.time() - days * _DAY_S):
            LOG.info(
                "removed %d films, and their answers, that came more than %g days ago and were delivered",
                n,
                days,
            )
        before = time.time() - 10 * self.config.limits.seconds
        for path in self.queue.state.incoming.iterdir():
            if path.stat().st_mtime < before:
                path.unlink(missing_ok=True)
        return _KEEPING_S


def _failed(film: Film) -> Opened:
    return Opened("film", error="failed", words=f"hilum could not answer it, {film.tries} times")
