"""Actors that each keep one function, such as a loaded backbone: a task goes to whichever is free, and one that died is replaced.

A thread attends each place for an actor. Where a node died there may be no room for another actor: that thread waits for room, and the
other actors take its tasks meanwhile. Ray's own restarts would keep the task with the actor that waits.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from queue import PriorityQueue
from typing import Any

import ray
from ray.exceptions import RayActorError

from hilum.core.engine.ray.work import Keeper

RETRIES = 3
"""So often a task is done again whose process, or node, was lost."""
_LOOK_S = 0.5


@dataclass(order=True)
class _Call:
    """A task on its way; one that was lost comes before those that were not begun."""

    number: float
    task: bytes = field(default=b"", compare=False)
    answer: Future[bytes] = field(default_factory=Future, compare=False)
    lost: int = field(default=0, compare=False)


_NO_MORE = float("inf")


class _Lost(Exception):
    """An actor died that had begun."""


class Keepers:
    """Some actors.

    Args:
        places: How many there may be.
        options: Of each: CPUs and GPUs.
        asked: Who asks (`hilum.core.engine.ray.work.Asked`), as it travels.
        function: What they keep, as it travels.
    """

    def __init__(self, places: int, options: dict[str, Any], asked: bytes, function: bytes) -> None:
        make = ray.remote(Keeper).options(max_restarts=0, max_task_retries=0, **options)
        self._make: Callable[[], Any] = lambda: make.remote(asked, function)
        self._calls: PriorityQueue[_Call] = PriorityQueue()
        self._numbers = count()
        self._ended = threading.Event()
        self._actors: set[Any] = set()
        self._threads = [threading.Thread(target=self._attend, daemon=True) for _ in range(places)]
        for thread in self._threads:
            thread.start()

    def submit(self, task: bytes) -> Future[bytes]:
        """Have a task done; its future has what `Keeper.do` gives, or Ray's error where it was lost too often."""
        call = _Call(next(self._numbers), task)
        self._calls.put(call)
        return call.answer

    def close(self) -> None:
        """End the actors; tasks that are on their way are lost."""
        self._ended.set()
        for actor in tuple(self._actors):
            self._end(actor)
        for _ in self._threads:
            self._calls.put(_Call(_NO_MORE))
        for thread in self._threads:
            thread.join()

    def _attend(self) -> None:
        never_began = 0
        while not self._ended.is_set():
            actor = None
            try:
                actor = self._make()
                self._actors.add(actor)
                if self._is_ready(actor):
                    never_began = 0
                    self._serve(actor)
            except _Lost:
                continue
            except Exception as e:  # of Ray's, whatever it is: whoever waits for an answer has one
                never_began += 1
                if never_began > RETRIES:
                    self._calls.get().answer.set_exception(e)
            finally:
                self._end(actor)

    def _end(self, actor: Any) -> None:
        if actor is not None:
            self._actors.discard(actor)
            with suppress(Exception):  # it is dead, or Ray is gone
                ray.kill(actor)

    def _is_ready(self, actor: Any) -> bool:
        """Wait until the actor has room and has begun; false where none is wanted any more.

        Raises:
            Exception: It cannot begin.
        """
        begun = actor.ready.remote()
        while not self._ended.is_set():
            if ray.wait([begun], timeout=_LOOK_S)[0]:
                ray.get(begun)
                return True
        return False

    def _serve(self, actor: Any) -> None:
        """Have the actor do tasks until no more come.

        Raises:
            _Lost: It died; its task is among the others again.
        """
        while (call := self._calls.get()).number != _NO_MORE:
            if self._ended.is_set():
                return
            try:
                data = ray.get(actor.do.remote(call.task))
            except RayActorError as e:
                call.lost += 1
                if call.lost > RETRIES:
                    call.answer.set_exception(e)
                else:
                    self._calls.put(call)
                raise _Lost from e
            except Exception as e:
                call.answer.set_exception(e)
            else:
                call.answer.set_result(data)
