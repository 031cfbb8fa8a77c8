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


@contextmanager
def watch_memory() -> Iterator[MemoryPeak]:
    """Sample memory four times a second while the block runs; less often where there are so many processes that a look takes long."""
    peak, stop, this = MemoryPeak(), threading.Event(), psutil.Process()

    def look() -> None:
        while True:
            began, used = time.perf_counter(), []
            for process in [this, *this.children(recursive=True)]:
                with suppress(psutil.Error):  # it ended meanwhile
                    used.append(process.memory_info())
            peak.resident_bytes = max(peak.resident_bytes, *(m.rss for m in used))
            anonymous = sum(m.rss - getattr(m, "shared", 0) for m in used)
            peak.anonymous_bytes = max(peak.anonymous_bytes, anonymous)
            peak.lately = max(peak.lately, anonymous)
            if stop.wait(max(_EVERY_S, 50 * (time.perf_counter() - began))):  # 2 % of a core at most
                return

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        stop.set()
        thread.join()


def anonymous_bytes() -> int:
    """Memory of this process that no file backs, now."""
    used = psutil.Process().memory_info()
    return int(used.rss - getattr(used, "shared", 0))
