"""Films that do harm, for processes that open films: what stands for a decoder's defect, which no test could rely on finding."""

from __future__ import annotations

import os
import time

from hilum.inference import opener
from hilum.inference.opened import open_film
from hilum.serve import opening

KILLS, HANGS, GREEDY = b"KILLS", b"HANGS", b"GREEDY"


def ready() -> None:
    """As the service's own, with a decoder that such films bring down."""
    opening.ready()

    def harmed(name, data, *, flags=False):
        if data == KILLS:
            os._exit(9)
        if data == HANGS:
            time.sleep(3600)
        if data == GREEDY:
            bytearray(8 << 30)
        return open_film(name, data, flags=flags)

    opener.open_film = harmed


def nothing() -> None:
    """Ready at once."""


def twice(n: int) -> int:
    """An answer."""
    return 2 * n


def fails(words: str) -> None:
    """An error."""
    raise ValueError(words)


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
