"""How much memory this process and its workers took at most: anonymous pages apart from mapped files."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_EVERY_S = 0.25


@dataclass
class MemoryPeak:
    """Most seen at any time, in bytes.

    Attributes:
        resident_bytes: Resident set of the largest process; mapped feature shards count here while they are in memory.
        anonymous_bytes: What is not backed by a file, of this process and its descendants together.
    """

    resident_bytes: int = 0
    anonymous_bytes: int = 0


def _status(pid: int) -> tuple[int, int]:
    resident = anonymous = 0
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                resident = int(line.split()[1]) * 1024
            elif line.startswith("RssAnon:"):
                anonymous = int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return resident, anonymous


def _descendants(pid: int) -> list[int]:
    found, todo = [], [pid]
    while todo:
        p = todo.pop()
        found.append(p)
        for children in Path(f"/proc/{p}/task").glob("*/children"):
            try:
                todo.extend(int(c) for c in children.read_text().split())
            except (OSError, ValueError):
                continue
    return found


@contextmanager
def watch_memory() -> Iterator[MemoryPeak]:
    """Sample memory four times a second while the block runs. Stays at 0 where there is no /proc."""
    peak, stop = MemoryPeak(), threading.Event()

    def look() -> None:
        while True:
            both = [_status(p) for p in _descendants(os.getpid())]
            peak.resident_bytes = max(peak.resident_bytes, *(r for r, _ in both))
            peak.anonymous_bytes = max(peak.anonymous_bytes, sum(a for _, a in both))
            if stop.wait(_EVERY_S):
                return

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        stop.set()
        thread.join()
