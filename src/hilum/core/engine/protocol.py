"""What a stage may ask of the place where its tasks run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Engine(Protocol):
    """What a stage may ask of the place where its tasks run."""

    @property
    def cores(self) -> int:
        """How many tasks run at the same time."""

    @property
    def cores_here(self) -> int:
        """How many of them on this machine."""

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
        here: bool = False,
        alone: int = 0,
        killed: Callable[[Task], Result] | None = None,
    ) -> Iterator[Result]:
        """Yield `function(task)` for each task, in the order of the tasks, which are taken only a little ahead of need.

        Args:
            function: Does one task. It must be picklable, as tasks and results must.
            tasks: The tasks.
            here: Do the tasks in this process: all of them together take less time than a process takes to begin, or they need what only
                this one has.
            alone: Threads that each task takes for itself, and a GPU where networks run on one; 0 for tasks that take one thread. Such
                tasks are done one after another in a place that keeps `function` and what it holds: here this process, on several
                machines as many places as they have room for.
            killed: What a task is answered with that ends the process it runs in; the other tasks are done all the same.

        Raises:
            HilumError: What a task raised; or a process was ended from outside and `killed` was not given.
        """

    def unseen(self, paths: Sequence[Path], workspace: Path | None = None) -> list[str]:
        """What tasks could not read where they run, a sentence each: files, and a workspace, whose folder must be the same one there."""

    def close(self) -> None:
        """Give back what it holds; an engine that is closed is not asked again."""
