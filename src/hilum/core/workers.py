"""Processes that answer one call after another, each with a limit of memory and of seconds; one that dies or hangs is replaced.

For calls on bytes that nobody trusts: whatever they do, what is lost is the answer to that call (`WorkerLost`), never the caller. Unlike an
engine's tasks the calls come singly, and each wants its answer soon.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import logging
import os
import queue
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from hilum.core.errors import HilumError
from hilum.core.processes import end_with_parent, fresh

_STARTS_S = 120.0
"""A process that is not ready by then is tried again; a busy machine takes seconds."""
_AGAIN_S = 1.0
_ENDS_S = 5.0
"""So long a process that waits for calls may take to end by itself."""
_log = logging.getLogger(__name__)


class WorkerLost(HilumError):
    """A call ended its process, or was stopped; the message says which."""


@dataclass
class _Call:
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    answer: Future[Any] = field(default_factory=Future)


class Workers:
    """Some processes that are kept.

    Args:
        n: How many.
        memory_bytes: What each may take for data (RLIMIT_DATA) where the system has such a limit; 0 for no limit.
        seconds: How long a call may take.
        ready: A function without arguments that each process calls first, so that its imports are done before the first call; named
            ``module:function``.

    Attributes:
        n_lost: Processes that were replaced.
    """

    def __init__(self, n: int, memory_bytes: int, seconds: float, ready: str) -> None:
        self.n, self.memory_bytes, self.seconds, self.ready = n, memory_bytes, seconds, ready
        self.n_lost = 0
        self._ended, self._running = False, set[Any]()
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._attend, name=f"worker-{k}", daemon=True) for k in range(n)
        ]
        for thread in self._threads:
            thread.start()
        # at exit Python waits for its processes, and these do not hear the signal that it sends them first
        atexit.register(self.end)

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Call a function of a module in one of the processes; a call that was cancelled before its turn is left out.

        The future's exception is what the function raised, or `WorkerLost`.
        """
        call = _Call(function, arguments)
        self._calls.put(call)
        return call.answer

    def close(self) -> None:
        """End the processes when what was submitted is done."""
        for _ in self._threads:
            self._calls.put(None)
        for thread in self._threads:
            thread.join()
        atexit.unregister(self.end)

    def end(self) -> None:
        """End the processes now; calls that wait or are under way are lost."""
        self._ended = True
        for process in tuple(self._running):
            process.kill()
        self.close()
        with suppress(queue.Empty):
            while True:
                call = self._calls.get_nowait()
                if call is not None and call.answer.set_running_or_notify_cancel():
                    call.answer.set_exception(WorkerLost("the processes were ended before its turn"))

    def _attend(self) -> None:
        while (started := self._started()) is not None and self._lost_one(*started):
            pass

    def _lost_one(self, process: Any, line: Connection) -> bool:
        """Have a process answer calls until it is lost, or no more come; gives whether it was lost."""
        while (call := self._calls.get()) is not None:
            if not call.answer.set_running_or_notify_cancel():
                continue
            try:
                line.send((call.function, call.arguments))
                if not line.poll(self.seconds):
                    raise WorkerLost(f"it took more than {self.seconds:g} seconds")
                good, value = line.recv()
            except Exception as e:  # whoever waits for an answer has one, and so has the next
                self.n_lost += 1
                self._end(process, line)
                call.answer.set_exception(_lost(e))
                return True
            if good:
                call.answer.set_result(value)
            else:
                call.answer.set_exception(value)
        line.close()  # it waits for a call, and ends when it sees that none can come
        process.join(_ENDS_S)
        self._end(process, line)
        return False

    def _started(self) -> tuple[Any, Connection] | None:
        """A process that is ready; None where there shall be none any more."""
        while not self._ended:
            try:
                here, there = fresh.Pipe()
                process = fresh.Process(
                    target=_answer_calls, args=(there, self.memory_bytes, self.ready), daemon=True
                )
                with there:
                    process.start()
            except OSError as e:  # no memory, or no room for a process
                _log.warning("a process cannot be started: %s", e.strerror or type(e).__name__)
                time.sleep(_AGAIN_S)
                continue
            self._running.add(process)
            with suppress(EOFError, OSError):
                if here.poll(_STARTS_S):
                    here.recv()
                    return process, here
            self._end(process, here)
            if not self._ended:
                _log.warning("a process ended, or was not ready in %g seconds; another is started", _STARTS_S)
                time.sleep(_AGAIN_S)
        return None

    def _end(self, process: Any, line: Connection) -> None:
        line.close()
        process.kill()
        process.join()
        self._running.discard(process)


def _lost(error: Exception) -> WorkerLost:
    if isinstance(error, WorkerLost):
        return error
    if isinstance(error, (EOFError, OSError)):
        return WorkerLost("it ended the process that read it")
    return WorkerLost(f"it, or the answer to it, cannot be passed between processes ({type(error).__name__})")


def _answer_calls(line: Connection, memory_bytes: int, ready: str) -> None:
    """What a process does until its line is closed."""
    end_with_parent()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a service that is told to stop finishes what it took
    module, _, name = ready.partition(":")
    getattr(importlib.import_module(module), name)()
    gc.freeze()
    _limit_memory(memory_bytes)
    line.send(os.getpid())
    while True:
        try:
            function, arguments = line.recv()
        except EOFError:
            return
        try:
            answer = (True, function(*arguments))
        except Exception as e:
            answer = (False, e)
        line.send(answer)


def _limit_memory(n_bytes: int) -> None:
    try:
        import resource
    except ImportError:  # another system
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if n_bytes:
        resource.setrlimit(resource.RLIMIT_DATA, (n_bytes, n_bytes))
