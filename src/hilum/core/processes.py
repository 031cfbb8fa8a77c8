"""Processes for a stage's work, started fresh, that end when the command does, however it ends.

Ctrl-C reaches every process of a terminal, so processes that are started here never see it: the command that started them ends them.
They end too when the command was killed and could not.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.context import SpawnContext, SpawnProcess

from hilum.core.errors import InputError
from hilum.core.kept_processes import at_rest, terminate


class _Deaf(SpawnProcess):
    """A process that is started with SIGINT blocked: what is blocked here stays so there. It does not run the script again."""

    def start(self) -> None:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            with _nameless_main():
                super().start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _nameless_main() -> Iterator[None]:
    """Hide where ``__main__`` comes from: a process that is started meanwhile does not import it, so that a script without
    ``if __name__ == "__main__"`` may call hilum. No task is of ``__main__``."""
    main = vars(sys.modules["__main__"])
    hidden: dict[str, object] = {name: main.pop(name) for name in ("__spec__", "__file__") if name in main}
    main["__spec__"] = None
    try:
        yield
    finally:
        main.update({"__spec__": None, **hidden})


class _Fresh(SpawnContext):
    # fresh, never forked: this process may hold threads and locks, which a forked child would inherit half
    Process = _Deaf


fresh = _Fresh()
"""Where processes are started."""


@contextmanager
def pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """A pool of processes; left with an error or by Ctrl-C, they are ended at once.

    Raises:
        InputError: A process was ended from outside, as the system does where memory runs out.
    """
    kept = at_rest()
    executor = kept.pop(workers, None) if kept is not None else None
    if executor is None:
        executor = ProcessPoolExecutor(workers, mp_context=fresh, initializer=end_with_parent)
    try:
        yield executor
        if kept is not None and workers not in kept and not getattr(executor, "_broken", False):
            kept[workers] = executor
    except BrokenProcessPool as e:
        raise InputError(
            "a worker process was ended from outside, as the system does where memory runs out: give fewer --workers and go on, what was "
            "finished is kept"
        ) from e
    except BaseException:
        terminate(executor)
        raise
    finally:
        if kept is None or kept.get(workers) is not executor:
            executor.shutdown(wait=True, cancel_futures=True)


def end_with_parent() -> None:
    """This process ends when the one that started it has ended, however it did."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_wait_for, args=(parent,), daemon=True).start()


def _wait_for(parent: multiprocessing.process.BaseProcess) -> None:
    parent.join()
    os._exit(1)
