"""Tasks for a Ray cluster, in a module that its processes can import."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from hilum.core.errors import FilmError


def square(n: int) -> tuple[int, int]:
    return n * n, os.getpid()


def refuse(n: int) -> int:
    if n == 2:
        raise FilmError("truncated", "film 2 ends early")
    return n


class Odd(Exception):
    """An error that cannot be pickled."""

    def __init__(self, what: str, where: int) -> None:
        super().__init__(f"{what} at {where}")


def odd(n: int) -> int:
    raise Odd("it went wrong", n)


def end_process(n: int) -> int:
    if n == 3:
        os._exit(9)
    return n


def lost_once(task: tuple[int, Path]) -> int:
    """The first time that task 2 is done its process is killed."""
    n, folder = task
    if n == 2 and not (folder / "lost").exists():
        (folder / "lost").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return 10 * n


class Counting:
    """Keeps how many tasks it has done, and is killed once at the third."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.done = folder, 0

    def __call__(self, n: int) -> tuple[int, int, int]:
        if n == 2:
            lost_once((n, self.folder))
        self.done += 1
        return n, self.done, os.getpid()
