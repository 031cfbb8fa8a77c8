"""Where the tasks of a stage run. Every stage hands its tasks to an engine and to nothing else; `Local` is this machine.

A task is a small picklable value; the function that does it writes its own outputs and returns a small value, so where it ran makes no
difference. A new engine is a class with the members of `Engine`, and one entry in `ENGINES`.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Protocol, TypeVar

from hilum.core.errors import require_known
from hilum.core.processes import pool

Task = TypeVar("Task")
Result = TypeVar("Result")

AHEAD, KEPT = 3, 8
"""For each core: tasks that are not finished, and results that wait for a slow task before them. No core is idle, and what is held in
memory does not grow with the number of tasks."""


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Engine(Protocol):
    """What a stage may ask of the place where its tasks run."""

    @property
    def cores(self) -> int:
        """How many tasks run at the same time."""

    @property
    def device(self) -> str:
        """Where networks run: ``cpu``, ``cuda``, or ``auto`` for a GPU where there is one."""

    @property
    def description(self) -> str:
        """The engine in words, for plans."""

    def map(
        self,
        function: Callable[[Task], Result],
        tasks: Iterable[Task],
        *,
        alone: bool = False,
        killed: Callable[[Task], Result] | None = None,
    ) -> Iterator[Result]:
        """Yield `function(task)` for each task, in the order of the tasks, which are taken only a little ahead of need.

        Args:
            function: Does one task. It must be picklable, as tasks and results must.
            tasks: The tasks.
            alone: Do the tasks in their order, one after another, in one place, which keeps `function` and what it holds: each task needs
                the whole machine, or all of them together take less time than a process takes to begin.
            killed: What a task is answered with that ends the process it runs in; the other tasks are done all the same.

        Raises:
            HilumError: What a task raised; or a process was ended from outside and `killed` was not given.
        """


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
    def description(self) -> str:
        """As in ``2 workers``."""
        return f"{self.cores} worker{'' if self.cores == 1 else 's'}"

    def map(
        self,
        function: Callable[[Task], Result],
        tasks: Iterable[Task],
        *,
        alone: bool = False,
        killed: Callable[[Task], Result] | None = None,
    ) -> Iterator[Result]:
        """As `Engine.map`. Processes are started fresh (never forked), so that threads and locks of this one do no harm there."""
        rest = iter(tasks)
        first = list(islice(rest, 2))
        rest = chain(first, rest)
        if alone or self.cores == 0 or (killed is None and min(self.cores, len(first)) < 2):
            yield from map(function, rest)
        elif killed is None:
            with pool(self.cores) as processes:
                yield from _in_order(processes, function, rest, self.cores, deque())
        else:
            yield from _surviving(function, rest, self.cores, killed)


def _in_order(
    processes: Executor,
    function: Callable[[Task], Result],
    tasks: Iterator[Task],
    cores: int,
    sent: deque[Task],
) -> Iterator[Result]:
    """Results in the order of the tasks; `sent` is kept as the tasks that were taken and whose results were not yielded yet."""
    answers: deque[Future[Result]] = deque()
    while True:
        pending = [a for a in answers if not a.done()]
        room = min(AHEAD * cores - len(pending), KEPT * cores - len(answers))
        for task in islice(tasks, max(room, 0)):
            sent.append(task)
            answers.append(processes.submit(function, task))
            pending.append(answers[-1])
        if not answers:
            return
        if answers[0].done():
            result = answers.popleft().result()
            sent.popleft()
            yield result
        else:
            wait(pending, return_when=FIRST_COMPLETED)  # at once if one was done since room was counted


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


ENGINES: dict[str, Callable[[int], Engine]] = {"local": Local}
"""Every engine by the name that ``--engine`` takes: what makes one with that many tasks at the same time."""


def engine_named(name: str, cores: int) -> Engine:
    """An engine of `ENGINES`, for that many tasks at the same time.

    Raises:
        InputError: There is none of that name.
    """
    require_known(name, ENGINES, "unknown engine")
    return ENGINES[name](cores)
