"""Tasks sent ahead of need, and their results in the order of the tasks, whatever does them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from itertools import islice
from typing import TypeVar

from hilum.core.engine.protocol import Result, Task

Answer = TypeVar("Answer")

AHEAD, KEPT = 3, 8
"""For each core: tasks that are not finished, and results that wait for a slow task before them. No core is idle, and what is held in
memory does not grow with the number of tasks."""


def in_order(
    send: Callable[[Task], Future[Answer]],
    received: Callable[[Task, Future[Answer]], Result],
    tasks: Iterator[Task],
    cores: int,
    sent: deque[Task],
) -> Iterator[Result]:
    """Results in the order of the tasks.

    Args:
        send: Has a task done somewhere.
        received: The result, of a task and its answer that has come.
        tasks: The tasks; they are taken as there is room for them.
        cores: Tasks that are done at the same time.
        sent: Is kept as the tasks that were taken and whose results were not yielded yet.
    """
    answers: deque[Future[Answer]] = deque()
    while True:
        pending = [a for a in answers if not a.done()]
        room = min(AHEAD * cores - len(pending), KEPT * cores - len(answers))
        for task in islice(tasks, max(room, 0)):
            sent.append(task)
            answers.append(send(task))
            pending.append(answers[-1])
        if not answers:
            return
        if answers[0].done():
            result = received(sent[0], answers.popleft())
            sent.popleft()
            yield result
        else:
            wait(pending, return_when=FIRST_COMPLETED)  # at once if one was done since room was counted
