"""Films that do harm, for processes that open films: what stands for a decoder's defect, which no test could rely on finding."""

from __future__ import annotations

import os
import time
from multiprocessing import util
from pathlib import Path

from hilum.inference import opener, opening
from hilum.inference.opened import open_film

KILLS, HANGS, GREEDY = b"KILLS", b"HANGS", b"GREEDY"
"""What such a film has among its bytes; a DICOM film in one of its elements."""


def ready() -> None:
    """As the service's and the node's own, with a decoder that such films bring down."""
    opening.ready()
    harmful()


def harmful() -> None:
    """Such a decoder alone, for a process that is ready sooner."""

    def harmed(name, data, *, flags=False):
        if KILLS in data:
            os._exit(9)
        if HANGS in data:
            time.sleep(3600)
        if GREEDY in data:
            bytearray(8 << 30)
        return open_film(name, data, flags=flags)

    opener.open_film = harmed


def nothing() -> None:
    """Ready at once."""


def twice(n: int) -> int:
    """An answer."""
    return 2 * n


def writes_at_its_end(path: str) -> None:
    """What the process leaves when it ends by itself."""
    util.Finalize(None, Path(path).write_text, ("ended",), exitpriority=1)


def fails(words: str) -> None:
    """An error."""
    raise ValueError(words)


class Unreadable(Exception):
    """An error that is pickled and cannot be read again."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(first + second)


def fails_unreadably() -> None:
    """Such an error."""
    raise Unreadable("a", "b")


def ends() -> None:
    """The end of the process."""
    os._exit(7)


def sleeps(seconds: float) -> str:
    """Takes its time."""
    time.sleep(seconds)
    return "slept"


def takes(n_bytes: int) -> int:
    """Takes memory."""
    return len(bytearray(n_bytes))
