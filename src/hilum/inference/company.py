"""Whether a call of an engine has company: one that is alone may take every core, others keep to one each."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

ALONE_S: Final = 0.05
"""A call is alone when no two were inside for so long."""


class Company:
    """The calls that are inside.

    Under load a call that finds nobody inside has come between two others that are back at once: it is not alone.

    Args:
        clock: Seconds of a clock that does not go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._inside, self._shared_at = 0, -math.inf

    @contextmanager
    def joined(self) -> Iterator[bool]:
        """Be inside; yields whether the call is alone."""
        with self._lock:
            now, others = self._clock(), self._inside
            self._inside += 1
            if others:
                self._shared_at = now
            alone = not others and now - self._shared_at > ALONE_S
        try:
            yield alone
        finally:
            with self._lock:
                self._inside -= 1
                if self._inside:
                    self._shared_at = self._clock()
