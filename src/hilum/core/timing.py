"""Seconds of a piece of work by itself, whatever else the machine does: the fastest of several calls."""

from __future__ import annotations

import time
from collections.abc import Callable


def shortest(work: Callable[[], object], seconds: float = 1.0) -> float:
    """Seconds of the fastest call; the first, which loads and compiles, does not count.

    Args:
        work: What is timed; it has ended when it returns.
        seconds: That it is tried for, twice at least.
    """
    work()
    tried, end = list[float](), time.perf_counter() + seconds
    while len(tried) < 2 or time.perf_counter() < end:
        start = time.perf_counter()
        work()
        tried.append(time.perf_counter() - start)
    return min(tried)
