"""What a service takes, and how much of it at a time; and the rate of a token.

`Admission` counts the requests and bytes that are inside. What is above its bounds is answered with 429 before it is read.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from hilum.core.text import counted
from hilum.serve.problems import Problem

MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """Bounds of a service.

    Attributes:
        film_bytes: Of a film's file.
        request_bytes: Of all films of a request.
        films: In a request.
        pixels: Of a film.
        seconds: From a request's first byte to its answer.
        body_seconds: Of them, until its body is there.
        film_seconds: For opening a film.
        worker_bytes: Memory of a process that opens films.
        waiting: Requests inside at a time.
        held_bytes: Bytes of bodies inside at a time.
        a_minute: Requests of a token.
    """

    film_bytes: int = 64 * MIB
    request_bytes: int = 256 * MIB
    films: int = 32
    pixels: int = 50_000_000
    seconds: float = 30.0
    body_seconds: float = 20.0
    film_seconds: float = 10.0
    worker_bytes: int = 2048 * MIB
    waiting: int = 64
    held_bytes: int = 1024 * MIB
    a_minute: int = 6000


class Admission:
    """What is inside now; one event loop uses it."""

    def __init__(self, limits: Limits) -> None:
        self.limits, self.requests, self.held_bytes = limits, 0, 0

    @contextmanager
    def request(self) -> Iterator[Held]:
        """Hold a place for a request.

        Raises:
            Problem: 429: as many as may wait are waiting.
        """
        if self.requests >= self.limits.waiting:
            raise Problem(429, f"{counted(self.requests, 'request')} are waiting, as many as may; come again")
        self.requests += 1
        held = Held(self)
        try:
            yield held
        finally:
            self.requests -= 1
            self.held_bytes -= held.n_bytes


class Held:
    """The bytes that one request holds."""

    def __init__(self, admission: Admission) -> None:
        self.admission, self.n_bytes = admission, 0

    def add(self, n_bytes: int) -> None:
        """Hold more bytes.

        Raises:
            Problem: 413 above what a request may hold, 429 above what all may hold together.
        """
        limits = self.admission.limits
        self.n_bytes += n_bytes
        self.admission.held_bytes += n_bytes
        if self.n_bytes > limits.request_bytes:
            raise Problem(413, f"expected at most {limits.request_bytes} bytes a request")
        if self.admission.held_bytes > limits.held_bytes:
            raise Problem(429, "the requests that are inside hold as many bytes as they may; come again")


class Rates:
    """Requests a minute of each token: a bucket that fills evenly and holds a minute's worth, so that a burst is taken."""

    def __init__(self, a_minute: int) -> None:
        self.a_minute = a_minute
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, token_id: str, now: float | None = None) -> None:
        """Count a request.

        Raises:
            Problem: 429, with the seconds until there is room.
        """
        now = time.monotonic() if now is None else now
        left, at = self._buckets.get(token_id, (float(self.a_minute), now))
        left = min(float(self.a_minute), left + (now - at) * self.a_minute / 60)
        if left < 1:
            self._buckets[token_id] = (left, now)
            wait = math.ceil((1 - left) * 60 / self.a_minute)
            raise Problem(
                429, f"expected at most {self.a_minute} requests a minute of one token", max(1, wait)
            )
        self._buckets[token_id] = (left - 1, now)
