"""Films out of one archive: it is asked for new ones, and each is fetched and taken as one that was sent."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import date
from typing import Final

from hilum.core.errors import FilmError
from hilum.node.config import LimitsTable
from hilum.node.dicomweb import Poller
from hilum.node.queue import Queue
from hilum.node.sender import NotOffered, Unreachable
from hilum.node.source import read_source
from hilum.node.taking import no_room, take

LOG: Final = logging.getLogger("hilum.node")


class Polling:
    """Polls one archive.

    Args:
        poller: It.
        queue: Where films go.
        limits: Of the node.
        version: Of the bundle that answers them.
        came: Called after a film was taken.
        stop: Set when no other film is to be fetched.
    """

    def __init__(
        self, poller: Poller, queue: Queue, limits: LimitsTable, version: str, came: Callable[[], None],
        stop: threading.Event,
    ) -> None:  # fmt: skip
        self.poller, self.queue, self.limits, self.version = poller, queue, limits, version
        self.name = poller.table.name
        self._came, self._stop = came, stop
        self._left: set[str] = set()

    def once(self) -> float:
        """Ask, and fetch what is not known; gives the seconds to wait until the next time."""
        try:
            for film in self.poller.films(date.today()):
                if self._stop.is_set():
                    break
                if film[2] in self._left or self.queue.films.knows(film[2], self.version):
                    continue
                if (full := no_room(self.queue, self.limits)) is not None:
                    LOG.warning("poll %s: %s", self.name, full.words)
                    break
                try:
                    self._fetch(film)
                except NotOffered as e:  # it does not hold up the others, and is asked for again next time
                    LOG.warning("poll %s: a film was not given: %s", self.name, e)
        except Unreachable as e:
            LOG.warning("poll %s: %s", self.name, e)
        return self.poller.table.every_s

    def _fetch(self, film: tuple[str, str, str]) -> None:
        """Fetch a film and take it; one that is not taken is not fetched again before the next start."""
        path = self.queue.state.incoming / f"poll-{threading.get_ident()}.dcm"
        try:
            self.poller.fetch(film, path)
            refused = take(self.queue, path, read_source(path), self.version, f"poll {self.name}", self._came)
            why = "" if refused is None else refused.words
        except FilmError as e:
            why = e.reason
        finally:
            path.unlink(missing_ok=True)
        if why:
            self._left.add(film[2])
            LOG.warning("poll %s: a film was left: %s", self.name, why)
