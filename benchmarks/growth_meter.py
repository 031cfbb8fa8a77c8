"""What a stage takes: seconds, processor seconds, memory at its most and afterwards; for `growth.py`."""

from __future__ import annotations

import ctypes
import gc
import json
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from hilum.core.memory import watch_memory


def anonymous_bytes() -> int:
    """Memory of this process that no file backs, after everything that can be given back was."""
    gc.collect()
    with suppress(OSError, AttributeError):  # another C library keeps what it keeps
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    memory = psutil.Process().memory_info()
    return int(memory.rss - getattr(memory, "shared", 0))


def processor_seconds() -> float:
    """Of this process and of those that it started and that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files below a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(p.stat().st_size for p in files if p.is_file())


class Meter:
    """Measures stages of one number of films; each is a row."""

    def __init__(self, n_films: int, disk: Path) -> None:
        self.n_films, self.disk = n_films, disk
        self.rows: list[dict[str, Any]] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure the block as a stage."""
        before, began_bytes = size_of(self.disk), anonymous_bytes()
        began, used = time.perf_counter(), processor_seconds()
        with watch_memory() as peak:
            yield
        seconds, processor = time.perf_counter() - began, processor_seconds() - used
        held = anonymous_bytes()
        self.rows.append(
            {
                "films": self.n_films,
                "stage": name,
                "seconds": round(seconds, 3),
                "processor_s": round(processor, 3),
                "peak_mib": round(max(peak.anonymous_bytes, held) / 2**20, 1),
                "held_mib": round((held - began_bytes) / 2**20, 1),
                "disk_mib": round((size_of(self.disk) - before) / 2**20, 2),
            }
        )
        print(json.dumps(self.rows[-1]), file=sys.stderr, flush=True)  # a large number takes an hour
