"""A file is whole or not there."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from hilum.core.files import lock, scratch_folder, write_text, writing


def test_a_failed_write_leaves_the_old_file_and_no_debris(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(RuntimeError, match="half way"), writing(path) as beside:  # noqa: PT012
        beside.write_text("new, but")
        raise RuntimeError("half way")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_writing_makes_the_folder(tmp_path: Path) -> None:
    write_text(tmp_path / "b" / "c.txt", "x\n")
    assert (tmp_path / "b" / "c.txt").read_bytes() == b"x\n"


def _hold(path: Path, log: Path) -> None:
    with lock(path):
        with log.open("a") as f:
            f.write("in\n")
        time.sleep(0.2)
        with log.open("a") as f:
            f.write("out\n")


def test_a_lock_lets_one_process_in_at_a_time(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_hold, args=(tmp_path / "l", tmp_path / "log")) for _ in range(3)]
    for p in processes:
        p.start()
    for p in processes:
        p.join()
    assert (tmp_path / "log").read_text().split() == ["in", "out"] * 3


def _work_in_scratch(parent: Path) -> None:
    with scratch_folder(parent, "tasks") as folder:
        (folder / "task.json").write_text("{}")
        time.sleep(60)


def test_scratch_of_a_killed_process_is_removed_and_that_of_a_living_one_is_not(tmp_path: Path) -> None:
    def folders() -> list[Path]:
        return [p for p in tmp_path.glob(".tasks-*") if (p / "task.json").is_file()]

    context = multiprocessing.get_context("fork")
    process = context.Process(target=_work_in_scratch, args=(tmp_path,))
    process.start()
    while not folders():
        time.sleep(0.01)
    (theirs,) = folders()
    with scratch_folder(tmp_path, "tasks") as ours:
        assert theirs.is_dir()
        assert ours.is_dir()
    assert not ours.exists()
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert theirs.is_dir(), "nobody tidied up after it"
    with scratch_folder(tmp_path, "tasks"):
        assert not theirs.exists()
