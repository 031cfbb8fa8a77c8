"""Tasks come back in order, wherever they ran; few are taken ahead of need, and what a task does wrong reaches the caller."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hilum.core.engine import KEPT, Local, available_cores, engine_named
from hilum.core.errors import FilmError, InputError


def square(n: int) -> tuple[int, int]:
    return n * n, os.getpid()


def refuse(n: int) -> int:
    if n == 2:
        raise FilmError("truncated", "film 2 ends early")
    return n


def slow_first(task: tuple[int, Path]) -> int:
    """The first ends when all the others have, or after a minute; how many had."""
    n, folder = task
    (folder / str(n)).touch()
    last = time.monotonic() + 60
    while n == 0 and len(list(folder.iterdir())) < 2 * KEPT and time.monotonic() < last:
        time.sleep(0.01)
    return len(list(folder.iterdir()))


def end_process(n: int) -> int:
    if n % 10 == 7:
        os._exit(9)
    return n


@pytest.mark.parametrize("cores", [0, 1, 2])
def test_results_come_in_order(cores: int) -> None:
    done = list(Local(cores).map(square, range(5)))
    assert [n for n, _ in done] == [0, 1, 4, 9, 16]
    assert all((pid == os.getpid()) == (cores < 2) for _, pid in done)


def test_a_slow_task_holds_back_the_results_of_those_after_it_and_not_their_work(tmp_path: Path) -> None:
    first, *_others = Local(2).map(slow_first, [(n, tmp_path) for n in range(2 * KEPT)])
    assert first == 2 * KEPT


def test_tasks_that_are_done_alone_share_this_process_and_what_the_function_holds() -> None:
    held: list[int] = []
    assert list(Local(2).map(held.append, range(4), alone=2)) == [None] * 4
    assert list(Local(2).map(held.append, range(4, 6), here=True)) == [None] * 2
    assert held == [0, 1, 2, 3, 4, 5]
    assert next(Local(2).map(square, [3])) == (9, os.getpid()), "one task is not worth a process"


@pytest.mark.parametrize("cores", [1, 2])
def test_an_error_of_a_task_is_raised_here_with_its_reason(cores: int) -> None:
    with pytest.raises(FilmError, match="film 2 ends early") as e:
        list(Local(cores).map(refuse, [1, 2, 3]))
    assert e.value.reason == "truncated"


def test_few_tasks_are_made_ahead_of_need() -> None:
    made: list[int] = []

    def tasks() -> Iterator[int]:
        for k in range(1000):
            made.append(k)
            yield k

    results = Local(2).map(square, tasks())
    for k in range(100):
        assert next(results)[0] == k * k
        time.sleep(0.005)  # a stage that takes its time with each result
        assert len(made) <= k + 1 + 2 * KEPT
    results.close()  # type: ignore[attr-defined]
    assert len(made) < 1000
    alone = Local(1).map(square, tasks())
    made.clear()
    next(alone)
    assert len(made) == 2


@pytest.mark.parametrize("cores", [1, 2])
def test_a_task_that_ends_its_process_is_found_and_the_others_are_done(cores: int) -> None:
    """Two of thirty do; who was on the way beside them is done again."""
    done = list(Local(cores).map(end_process, range(20), killed=lambda n: -n))
    assert done == [-n if n % 10 == 7 else n for n in range(20)]


def test_a_task_that_ends_its_process_is_an_error_where_no_answer_is_given_for_it() -> None:
    with pytest.raises(InputError, match="a worker process was ended from outside"):
        list(Local(2).map(end_process, range(20)))


def test_engines_have_names() -> None:
    assert engine_named("local", 3) == Local(3)
    assert Local() == Local(available_cores())
    assert [Local(n).description for n in (1, 2)] == ["1 worker", "2 workers"]
    with pytest.raises(InputError, match=r"^unknown engine 'lcal'; did you mean 'local'\?$"):
        engine_named("lcal", 1)
