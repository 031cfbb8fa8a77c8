"""Threads of a node that do something again and again until the node stops, and how long what fails waits for its next time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

from hilum.core.errors import HilumError
from hilum.node.config import RetryTable

LOG: Final = logging.getLogger("hilum.node")
_AFTER_ERROR_S: Final = 5.0


class Loops:
    """Threads that stop together.

    Attributes:
        stop: Set when they are to end.
    """

    def __init__(self) -> None:
        self.stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def run(self, name: str, once: Callable[[], float]) -> None:
        """Do something again and again, with the seconds to wait that it gives; what it raises is said and waited for."""

        def loop() -> None:
            while not self.stop.is_set():
                try:
                    wait = once()
                except Exception as error:  # a thread of a node never ends
                    LOG.error(
                        "%s: %s", name, error if isinstance(error, HilumError) else type(error).__name__
                    )
                    LOG.debug("%s", name, exc_info=True)
                    wait = _AFTER_ERROR_S
                if wait:
                    self.stop.wait(wait)

        thread = threading.Thread(target=loop, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def join(self, seconds: float) -> None:
        """Wait for each to end, at most so long; `stop` was set."""
        for thread in self._threads:
            thread.join(seconds)


def say_which_end() -> None:
    """Have the log say which thread of the process ended with an error, those of pynetdicom too.

    Named are the thread and the type of the error: its words may be a film's.
    """

    def said(ended: threading.ExceptHookArgs) -> None:
        name = ended.thread.name if ended.thread is not None else "unknown"
        LOG.error("the thread %s ended: %s", name, ended.exc_type.__name__)

    threading.excepthook = said


def wait_s(retry: RetryTable, tries: int) -> float:
    """Seconds until the next time, after so many before: they double up to a limit.

    >>> [wait_s(RetryTable(first_s=10, longest_s=100), tries) for tries in (0, 1, 3, 4, 500)]
    [10.0, 20.0, 80.0, 100.0, 100.0]
    """
    return float(min(retry.first_s * 2.0 ** min(tries, 30), retry.longest_s))
