"""Processes that answer calls: answers, errors, ends, hangs, memory."""

from __future__ import annotations

import errno
import subprocess
import sys
import time
from pathlib import Path

import pytest

import hostile
from hilum.core.processes import fresh
from hilum.core.workers import WorkerLost, Workers
from hostile import ends, fails, fails_unreadably, sleeps, takes, twice, writes_at_its_end

GIB = 1 << 30


@pytest.fixture(scope="module")
def workers():
    found = Workers(1, GIB, 1.0, "hostile:nothing")
    yield found
    found.close()


def test_answers_and_errors_come_back(workers):
    assert [workers.submit(twice, n).result() for n in range(5)] == [0, 2, 4, 6, 8]
    with pytest.raises(ValueError, match="as it was raised"):
        workers.submit(fails, "as it was raised").result()


def test_a_call_that_ends_or_blocks_its_process_is_lost_and_the_next_is_answered(workers):
    before = workers.n_lost
    dead, after = workers.submit(ends), workers.submit(twice, 4)
    with pytest.raises(WorkerLost, match="it ended the process that read it"):
        dead.result()
    assert after.result() == 8
    with pytest.raises(WorkerLost, match="it took more than 1 seconds"):
        workers.submit(sleeps, 30).result()
    assert workers.submit(twice, 5).result() == 10
    assert workers.n_lost == before + 2


def test_what_cannot_be_passed_on_is_lost_and_the_next_is_answered(workers):
    with pytest.raises(
        WorkerLost, match=r"or the answer to it, cannot be passed between processes \(TypeError\)"
    ):
        workers.submit(fails_unreadably).result(30)
    with pytest.raises(
        WorkerLost, match=r"it, or .* cannot be passed between processes \((PicklingError|AttributeError)\)"
    ):
        workers.submit(twice, lambda: 1).result(30)
    assert workers.submit(twice, 5).result(30) == 10


def test_a_machine_without_room_for_a_process_has_one_later(monkeypatch, caplog):
    start, failed = fresh.Process.start, []

    def no_room(process):
        if not failed:
            failed.append(process)
            raise OSError(errno.EAGAIN, "Resource temporarily unavailable")
        start(process)

    monkeypatch.setattr("hilum.core.workers._AGAIN_S", 0.01)
    monkeypatch.setattr(fresh.Process, "start", no_room)
    workers = Workers(1, 0, 5.0, "hostile:nothing")
    assert workers.submit(twice, 7).result(60) == 14
    assert caplog.messages == ["a process cannot be started: Resource temporarily unavailable"]
    workers.close()


def test_memory_is_bounded_and_the_process_lives_on(workers):
    assert workers.submit(takes, GIB // 8).result() == GIB // 8
    lost = workers.n_lost
    with pytest.raises(MemoryError):
        workers.submit(takes, 2 * GIB).result()
    assert workers.submit(twice, 6).result() == 12
    assert workers.n_lost == lost


def test_a_cancelled_call_is_left_out_and_closing_finishes_the_others():
    workers = Workers(1, 0, 5.0, "hostile:nothing")
    first, second, third = workers.submit(sleeps, 0.3), workers.submit(ends), workers.submit(twice, 7)
    assert second.cancel()
    workers.close()
    assert (first.result(), third.result(), workers.n_lost) == ("slept", 14, 0)


def test_closed_they_end_by_themselves(tmp_path):
    """What a process does at its end, it does."""
    workers, seen = Workers(1, 0, 5.0, "hostile:nothing"), tmp_path / "ended"
    workers.submit(writes_at_its_end, str(seen)).result()
    workers.close()
    assert seen.read_text() == "ended"


def test_ended_they_are_gone_at_once_and_what_waited_is_lost():
    workers = Workers(1, 0, 60.0, "hostile:nothing")
    doing, waiting = workers.submit(sleeps, 30), workers.submit(twice, 7)
    while not doing.running():
        time.sleep(0.01)
    start = time.monotonic()
    workers.end()
    with pytest.raises(WorkerLost, match="it ended the process that read it"):
        doing.result()
    with pytest.raises(WorkerLost, match="ended before its turn"):
        waiting.result()
    assert time.monotonic() - start < 10


def test_a_program_that_ends_without_closing_them_ends():
    """Python waits at its exit for its processes, which do not hear the signal that tells them to end."""
    script = (
        "from hilum.core.workers import Workers; from hostile import twice\n"
        "workers = Workers(2, 0, 60.0, 'hostile:nothing')\n"
        "print(workers.submit(twice, 4).result(), flush=True)\n"
        "raise SystemExit('refused')"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(hostile.__file__).parent,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "8\n", "refused\n")
