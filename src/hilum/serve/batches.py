"""Films of many requests, answered by one network: as many at a time as wait and as its engine takes.

What is said of a film does not depend on who shares its batch (`hilum.inference.engines`), so that waiting for others is never needed.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from hilum.inference.opened import Opened
from hilum.inference.reader import Reading

Answering = Callable[[Sequence[Opened]], list[Reading]]


class Batches:
    """The queue in front of a network.

    Args:
        answers: Films to readings, in order.
        together: Films that go in at a time.
        lanes: Threads.

    Attributes:
        n_films, n_batches: Answered since the start.
    """

    def __init__(self, answers: Answering, together: int, lanes: int = 1) -> None:
        self.answers, self.together = answers, together
        self.n_films = self.n_batches = 0
        self._waiting: queue.SimpleQueue[tuple[Opened, Future[Reading]] | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._run, name=f"network-{k}", daemon=True) for k in range(lanes)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def waiting(self) -> int:
        """Films in the queue."""
        return self._waiting.qsize()

    def submit(self, film: Opened, done: Future[Reading] | None = None) -> Future[Reading]:
        """Queue a film; one that is cancelled before its turn costs nothing. `done`, where there is one already, is told the answer."""
        done = Future() if done is None else done
        self._waiting.put((film, done))
        return done

    def close(self) -> None:
        """Answer what is in the queue, then end."""
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        open_still = True
        while open_still:
            taken, open_still = self._taken()
            batch = [(film, done) for film, done in taken if done.set_running_or_notify_cancel()]
            if batch:
                self._answer(batch)

    def _taken(self) -> tuple[list[tuple[Opened, Future[Reading]]], bool]:
        taken: list[tuple[Opened, Future[Reading]]] = []
        item = self._waiting.get()
        while item is not None:
            taken.append(item)
            if len(taken) == self.together:
                return taken, True
            try:
                item = self._waiting.get_nowait()
            except queue.Empty:
                return taken, True
        return taken, False

    def _answer(self, batch: list[tuple[Opened, Future[Reading]]]) -> None:
        try:
            readings = self.answers([film for film, _ in batch])
        except Exception as e:
            if len(batch) == 1:
                batch[0][1].set_exception(e)
            else:  # one film must not take the others with it
                for one in batch:
                    self._answer([one])
            return
        self.n_films += len(batch)
        self.n_batches += 1
        for (_, done), reading in zip(batch, readings, strict=True):
            done.set_result(reading)
