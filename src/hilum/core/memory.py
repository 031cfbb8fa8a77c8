"""How much memory this process and its workers took at most: anonymous pages apart from mapped files."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil

_EVERY_S = 0.25


@dataclass
class MemoryPeak:
    """The most at any time: resident of the largest process, with mapped feature shards while they are in memory; and what is not backed
    by a file, of this process and its descendants together, at all and `lately`, since whoever asks set that to 0."""

    resident_bytes: int = 0
    anonymous_bytes: int = 0
    lately: int = 0

    def look(self) -> None:
        """See how much it is now."""
        this, used = psutil.Process(), []
        for process in [this, *this.children(recursive=True)]:
            with suppress(psutil.Error):  # it ended meanwhile
                used.append(process.memory_info())
        anonymous = sum(m.rss - getattr(m, "shared", 0) for m in used)
        self.resident_bytes = max(self.resident_bytes, *(m.rss for m in used))
        self.anonymous_bytes = max(self.anonymous_bytes, anonymous)
        self.lately = max(self.lately, anonymous)


@contextmanager
def watch_memory() -> Iterator[MemoryPeak]:
    """Sample memory four times a second while the block runs; less often where there are so many processes that a look takes long."""
    peak, stop = MemoryPeak(), threading.Event()

    def watch() -> None:
        while True:
            began = time.thread_time()  # of this thread: on the clock it waits for whatever else computes
            peak.look()
            if stop.wait(max(_EVERY_S, 50 * (time.thread_time() - began))):  # 2 % of a core at most
                return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        stop.set()
        thread.join()


def available_bytes() -> int:
    """Memory of the machine that a program can have now, mapped files given up for it."""
    return int(psutil.virtual_memory().available)


def anonymous_bytes() -> int:
    """Memory of this process that no file backs, now."""
    used = psutil.Process().memory_info()
    return int(used.rss - getattr(used, "shared", 0))
