"""Tasks come back in order, wherever they ran, and a task's error reaches the caller."""

import os

import pytest

from hilum.core.engine import run_tasks
from hilum.core.errors import FilmError


def square(n: int) -> tuple[int, int]:
    return n * n, os.getpid()


def refuse(n: int) -> int:
    if n == 2:
        raise FilmError("truncated", "film 2 ends early")
    return n


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_order(workers: int) -> None:
    done = list(run_tasks(square, range(5), workers))
    assert [n for n, _ in done] == [0, 1, 4, 9, 16]
    assert all((pid == os.getpid()) == (workers == 1) for _, pid in done)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_a_task_is_raised_here_with_its_reason(workers: int) -> None:
    with pytest.raises(FilmError, match="film 2 ends early") as e:
        list(run_tasks(refuse, [1, 2, 3], workers))
    assert e.value.reason == "truncated"
