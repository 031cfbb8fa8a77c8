"""A file is whole or not there."""

import multiprocessing
import time
from pathlib import Path

import pytest

from hilum.core.files import lock, write_text, writing


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
