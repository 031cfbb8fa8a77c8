"""Rounds of tasks in one block are done by the same processes, which end with the block; one that broke is not kept."""

from __future__ import annotations

import os

import pytest

from hilum.core.engine import Local
from hilum.core.errors import FilmError, InputError
from hilum.core.kept_processes import at_rest, kept_processes


def here(_: int) -> int:
    return os.getpid()


def refuse(n: int) -> int:
    raise FilmError("truncated", f"film {n} ends early")


def end_process(_: int) -> int:
    os._exit(9)


def round_of(n: int = 8) -> set[int]:
    return set(Local(2).map(here, range(n)))


def running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_rounds_in_one_block_share_their_processes_and_other_rounds_do_not() -> None:
    with kept_processes():
        first = round_of()
        with kept_processes():  # the outermost ends them
            both = first | round_of()
        both |= round_of()
        assert len(both) <= 2
        assert os.getpid() not in both
    assert at_rest() is None
    assert not any(map(running, both))
    assert not round_of() & both


def test_two_rounds_at_once_have_processes_of_their_own() -> None:
    with kept_processes():
        outer = Local(2).map(here, range(4))
        first = next(outer)
        assert first not in round_of()
        assert len(list(outer)) == 3


@pytest.mark.parametrize(("task", "error"), [(refuse, FilmError), (end_process, InputError)])
def test_processes_of_a_round_that_failed_are_not_kept(task: object, error: type[Exception]) -> None:
    with kept_processes():
        before = round_of()
        with pytest.raises(error):
            list(Local(2).map(task, range(4)))  # type: ignore[arg-type]
        assert at_rest() == {}
        assert not any(map(running, before))
        assert round_of()


def test_what_ends_the_block_ends_its_processes() -> None:
    kept = set[int]()

    def stopped() -> None:
        with kept_processes():
            kept.update(round_of())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert not any(map(running, kept))
