"""This machine: tasks run in processes of their own, or in this one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

from hilum.core.engine.order import in_order
from hilum.core.engine.protocol import Result, Task, available_cores
from hilum.core.processes import pool


@dataclass(frozen=True)
class Local:
    """This machine: tasks run in processes of their own, or in this one where there is one core or one task.

    Attributes:
        cores: Tasks at the same time; 0 for everything in this process, also tasks that may end it.
        device: ``cpu``, ``cuda``, or ``auto`` for a GPU where there is one.
    """

    cores: int = field(default_factory=available_cores)
    device: str = "auto"

    @property
    def cores_here(self) -> int:
        """All of them."""
        return self.cores

    @property
    def description(self) -> str:
        """As in ``2 workers``."""
        return f"{self.cores} worker{'' if self.cores == 1 else 's'}"

    def map(
        self,
        function: Callable[[Task], Result],
        tasks: Iterable[Task],
        *,
        here: bool = False,
        alone: int = 0,
        killed: Callable[[Task], Result] | None = None,
    ) -> Iterator[Result]:
        """As `Engine.map`. Processes are started fresh (never forked), so that threads and locks of this one do no harm there."""
        rest = iter(tasks)
        first = list(islice(rest, 2))
        rest = chain(first, rest)
        if here or alone or self.cores == 0 or (killed is None and min(self.cores, len(first)) < 2):
            yield from map(function, rest)
        elif killed is None:
            with pool(self.cores) as processes:
                yield from _in_order(processes, function, rest, self.cores, deque())
        else:
            yield from _surviving(function, rest, self.cores, killed)

    def unseen(self, paths: Sequence[Path], workspace: Path | None = None) -> list[str]:  # noqa: ARG002
        """Nothing: tasks see what this process sees."""
        return []

    def close(self) -> None:
        """Nothing is held between two calls of `map`."""


def _in_order(
    processes: Executor,
    function: Callable[[Task], Result],
    tasks: Iterator[Task],
    cores: int,
    sent: deque[Task],
) -> Iterator[Result]:
    def send(task: Task) -> Future[Result]:
        return processes.submit(function, task)

    return in_order(send, _result, tasks, cores, sent)


def _result(_: Task, answer: Future[Result]) -> Result:
    return answer.result()


def _surviving(
    function: Callable[[Task], Result], tasks: Iterator[Task], cores: int, killed: Callable[[Task], Result]
) -> Iterator[Result]:
    """The same; where a process was ended, the tasks on their way are done one by one, to find out which of them ends it."""
    sent: deque[Task] = deque()
    while True:
        with pool(cores) as processes, suppress(BrokenProcessPool):
            yield from _in_order(processes, function, tasks, cores, sent)
            return
        while sent:
            with pool(1) as processes:
                processes.submit(int).result()  # a process that cannot even begin is no fault of a task
                with suppress(BrokenProcessPool):
                    while sent:
                        result = processes.submit(function, sent[0]).result()
                        sent.popleft()
                        yield result
            if sent:
                yield killed(sent.popleft())


def local(workers: int | None) -> Local:
    """This machine with so many processes; one a core for None."""
    return Local() if workers is None else Local(workers)
