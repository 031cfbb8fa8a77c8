"""A node that runs: it hears, works and sends at the same time, each in a thread, with nothing but the queue between them.

What fails is tried again later, and what fails again and again has an end that says so: a film that nothing can be said of gets a report of
that, a delivery is given up after days. Films are opened in a process of their own; one that was begun ten times without an end, as where
answering it ended the node, is not opened any more. Logs name peers, archives, counts and reasons, and nothing of a film but the number of
its row.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import date, datetime
from typing import Final

from hilum import RESEARCH_NOTICE, __version__
from hilum.core.errors import FilmError, HilumError
from hilum.inference.opened import Opened
from hilum.inference.opening import LOST
from hilum.inference.reader import Reading
from hilum.monitor.store import MONITOR
from hilum.monitor.watch import Watch
from hilum.node.answering import Answering
from hilum.node.config import LOOPBACK, Config
from hilum.node.dicomweb import Poller, WebArchive
from hilum.node.listener import Listener, take
from hilum.node.opening import Opening
from hilum.node.queue import Delivery, Film, Queue
from hilum.node.sender import DimseArchive, NotOffered, Unreachable
from hilum.node.source import read_source
from hilum.node.tls import of_sender

LOG: Final = logging.getLogger("hilum.node")
NOT_FROM: Final = 10
"""Times that a film was begun before, from which on it is not opened any more."""
_IDLE_S, _KEEPING_S, _DAY_S, _NEVER_S = 0.5, 600.0, 86_400.0, 3e9


class Node:
    """A node.

    Args:
        config: What it is.
        answering: What answers; None to make it from the configuration.
        opening: What opens films; None to make it from the configuration.

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
        self.queue.adopt(self.answering.version)
        self._stop, self._came, self._made = threading.Event(), threading.Event(), threading.Event()
        self.listener = Listener(config, self.queue, self.answering.version, self._came.set)
        tls = of_sender(config.tls) if config.tls is not None and any(a.tls for a in config.archive) else None
        self.archives: dict[str, DimseArchive | WebArchive] = {
            a.name: WebArchive(a, limits.seconds) if a.url else DimseArchive(a, node.ae_title, limits.seconds, tls if a.tls else None)
            for a in config.archive
        }  # fmt: skip
        self.pollers = [Poller(p, limits.seconds, limits.megabytes << 20) for p in config.poll]
        self._threads: list[threading.Thread] = []
        self._left: set[tuple[str, str]] = set()

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
        if stranded := self.queue.stranded():
            LOG.warning("%d answers wait for archives that are not configured any more", stranded)
        self._run("work", self._work)
        for name in self.archives:
            self._run(f"send to {name}", lambda name=name: self._deliver(name))  # type: ignore[misc]
        for poller in self.pollers:
            self._run(f"poll {poller.table.name}", lambda poller=poller: self._poll(poller))  # type: ignore[misc]
        self._run("keep", self._keep)

    def stop(self) -> None:
        """Stop hearing, finish the film and the sending that were begun, and close."""
        self._stop.set()
        self._came.set()
        self._made.set()
        self.listener.stop()
        for thread in self._threads:
            thread.join(self.config.limits.seconds)
        self.close()
        LOG.info("stopped; what waits is in %s", self.config.node.state)

    def close(self) -> None:
        """Close what is held; for a node that was not started."""
        self.opening.close()
        self.watch.close()
        self.queue.close()

    def _run(self, name: str, once: Callable[[], float]) -> None:
        """Do something again and again, with the seconds to wait that it gives; what it raises is said and waited for."""

        def loop() -> None:
            while not self._stop.is_set():
                try:
                    wait = once()
                except Exception as error:  # a thread of a node never ends
                    LOG.error(
                        "%s: %s", name, error if isinstance(error, HilumError) else type(error).__name__
                    )
                    LOG.debug("%s", name, exc_info=True)
                    wait = 5.0
                if wait:
                    self._stop.wait(wait)

        thread = threading.Thread(target=loop, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    # films to answers

    def _work(self) -> float:
        self._came.clear()
        film = self.queue.next_film()
        if film is None:
            self._came.wait(_IDLE_S)
            return 0.0
        start = time.perf_counter()
        try:
            self._answer(film)
        except Exception as error:
            LOG.error("film %d could not be answered (%s); tried again later", film.id, type(error).__name__)
            LOG.debug("film %d", film.id, exc_info=True)
            self.queue.later(film, self._wait_s(film.tries))
            return 0.0
        LOG.info("answered film %d in %.1f s", film.id, time.perf_counter() - start)
        self._made.set()
        return 0.0

    def _answer(self, film: Film) -> None:
        start = time.perf_counter()
        opened = self._opened(film)
        if opened.error == LOST:
            LOG.error("film %d: %s", film.id, opened.words)
        source, when = read_source(film.path), datetime.fromtimestamp(film.received)

        def seen(reading: Reading) -> None:
            self.watch.saw(f"film-{film.id}", reading, time.perf_counter() - start, reading.answer.sha256)

        self.queue.answered(film, self.answering.objects(opened, source, when, seen))

    def _opened(self, film: Film) -> Opened:
        if film.tries >= NOT_FROM:
            return Opened("film", error="failed", words=f"hilum could not answer it, {film.tries} times")
        return self.opening(film.path.read_bytes())

    # answers to archives

    def _deliver(self, name: str) -> float:
        self._made.clear()
        archive = self.archives[name]
        due = self.queue.due(name)
        if gone := [d for d in due if not d.path.is_file()]:
            self._failed(name, gone, "the file of an answer is not there")
            return 0.0
        if due:
            answered: set[int] = set()

            def done(delivery: Delivery, why: str) -> None:
                answered.add(delivery.object)
                if why:
                    self._failed(name, [delivery], why)
                else:
                    self.queue.sent(name, delivery)

            try:
                archive.send(due, done)
                LOG.info("sent %d answers to %s", len(answered), name)
            except Unreachable as e:
                self._failed(name, [d for d in due if d.object not in answered], str(e))
            return 0.0
        if isinstance(archive, DimseArchive) and archive.table.commitment:
            taken = self.queue.to_ask_for(name)
            if taken:
                self._ask(name, archive, taken)
                return 0.0
        self._made.wait(_IDLE_S)
        return 0.0

    def _ask(self, name: str, archive: DimseArchive, taken: list[Delivery]) -> None:
        """Ask for storage commitment; what was not answered for in all that time is asked for no more."""
        retry = self.config.retry
        before = time.time() - retry.give_up_days * _DAY_S
        if old := [d for d in taken if d.since < before]:
            LOG.error(
                "%s: %d answers were sent, and not committed to in %g days",
                name,
                len(old),
                retry.give_up_days,
            )
            self.queue.not_asked(name, old, _NEVER_S)
            return
        transaction = archive.transaction()
        # written first: an archive may answer before the question's own response is read
        self.queue.asked(name, taken, transaction, retry.commitment_s)
        try:
            archive.ask(taken, transaction)
        except NotOffered as e:
            LOG.warning("%s: storage commitment: %s; asked again in a day", name, e)
            self.queue.not_asked(name, taken, _DAY_S)
        except Unreachable as e:
            LOG.warning("%s: storage commitment: %s", name, e)
            self.queue.not_asked(name, taken, retry.first_s)

    def _failed(self, name: str, deliveries: list[Delivery], why: str) -> None:
        if not deliveries:
            return
        wait = self._wait_s(max(d.tries for d in deliveries))
        LOG.warning("%s: %s; %d answers wait %.0f s", name, why, len(deliveries), wait)
        self.queue.failed(name, deliveries, why, wait)
        longest = self.config.retry.give_up_days * _DAY_S
        if old := [d for d in deliveries if time.time() - d.since > longest]:
            LOG.error(
                "%s: gave up %d answers after %g days; they are kept",
                name,
                len(old),
                self.config.retry.give_up_days,
            )
            self.queue.given_up(name, old)

    def _wait_s(self, tries: int) -> float:
        return float(min(self.config.retry.first_s * 2.0 ** min(tries, 30), self.config.retry.longest_s))

    # films from archives

    def _poll(self, poller: Poller) -> float:
        name, version = poller.table.name, self.answering.version
        try:
            for film in poller.films(date.today()):
                if self._stop.is_set() or self.queue.waiting() >= self.config.limits.waiting:
                    break
                if (name, film[2]) in self._left or self.queue.knows(film[2], version):
                    continue
                self._fetch(poller, film)
        except Unreachable as e:
            LOG.warning("poll %s: %s", name, e)
        return poller.table.every_s

    def _fetch(self, poller: Poller, film: tuple[str, str, str]) -> None:
        """Fetch a film and take it; one that is not taken is not fetched again before the next start."""
        name = poller.table.name
        path = self.queue.folder / "incoming" / f"poll-{threading.get_ident()}.dcm"
        try:
            poller.fetch(film, path)
            refused = take(self.queue, path, self.answering.version, f"poll {name}", self._came.set)
            why = "" if refused is None else refused.words
        except FilmError as e:
            why = e.reason
        finally:
            path.unlink(missing_ok=True)
        if why:
            self._left.add((name, film[2]))
            LOG.warning("poll %s: a film was left: %s", name, why)

    # the rest

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
        for path in (self.queue.folder / "incoming").iterdir():
            if path.stat().st_mtime < before:
                path.unlink(missing_ok=True)
        return _KEEPING_S
