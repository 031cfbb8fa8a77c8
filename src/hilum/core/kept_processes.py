"""Processes that are kept from one round of tasks to the next: what they have imported is then imported once.

A process takes half a second to begin and to import what a task needs, with torch three. What takes several rounds (a search for copies,
a study) says so by `kept_processes`; where there is no such block, processes end with their round (`hilum.core.processes.pool`).
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar

_AT_REST: ContextVar[dict[int, ProcessPoolExecutor] | None] = ContextVar("at rest", default=None)


def at_rest() -> dict[int, ProcessPoolExecutor] | None:
    """Number of processes -> a pool of so many that has nothing to do now; None where none is kept."""
    return _AT_REST.get()


@contextmanager
def kept_processes() -> Iterator[None]:
    """Within it, the processes of a round are not ended with it: the next round of as many is theirs. The outermost block ends them."""
    if _AT_REST.get() is not None:
        yield
        return
    kept: dict[int, ProcessPoolExecutor] = {}
    token = _AT_REST.set(kept)
    try:
        yield
    except BaseException:
        for executor in kept.values():
            terminate(executor)
        raise
    finally:
        _AT_REST.reset(token)
        for executor in kept.values():
            executor.shutdown(wait=True, cancel_futures=True)


def terminate(executor: ProcessPoolExecutor) -> None:
    """End its processes now, whatever they are at."""
    # ProcessPoolExecutor has no method of its own for this before Python 3.14
    for process in list((getattr(executor, "_processes", None) or {}).values()):
        process.terminate()
