"""Run a stage's tasks on this machine: plain functions of picklable inputs, in processes of their own.

A task writes its own outputs and returns a small value, so where it ran makes no difference. Results come in the order of
the tasks. With one worker everything runs in this process.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from hilum.core.processes import pool

Task = TypeVar("Task")
Result = TypeVar("Result")


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_tasks(function: Callable[[Task], Result], tasks: Sequence[Task], workers: int) -> Iterator[Result]:
    """Yield `function(task)` for each task, in order.

    Workers are started fresh (never forked), so that threads and locks of this process do no harm there.
    A worker's error is raised here; what other tasks wrote stays.
    """
    if workers <= 1 or len(tasks) <= 1:
        for task in tasks:
            yield function(task)
        return
    with pool(min(workers, len(tasks))) as processes:
        yield from processes.map(function, tasks)
