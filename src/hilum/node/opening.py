"""Films opened in a process of their own, with a limit of memory and of seconds: whatever a film does, the node has an answer to it."""

from __future__ import annotations

from hilum.core.workers import WorkerLost, Workers
from hilum.inference.opened import Opened
from hilum.inference.opener import Opener
from hilum.inference.opening import opened, unopened
from hilum.node.config import LimitsTable


class Opening:
    """Opens films, one at a time.

    Args:
        opener: Of the bundle.
        limits: Of a film.
        ready: What its process calls first.

    The process starts with the first film, or with `start`.
    """

    def __init__(
        self, opener: Opener, limits: LimitsTable, ready: str = "hilum.inference.opening:ready"
    ) -> None:
        self.opener, self.limits, self.ready = opener, limits, ready
        self._workers: Workers | None = None

    def start(self) -> Workers:
        """Start the process, unless it was; returns at once."""
        if self._workers is None:
            limits = self.limits
            self._workers = Workers(1, limits.film_megabytes << 20, limits.film_seconds, self.ready)
        return self._workers

    def __call__(self, data: bytes) -> Opened:
        """A film, or why there is none.

        Args:
            data: Its file's bytes.
        """
        pixels = int(self.limits.megapixels * 1e6)
        try:
            found: Opened = self.start().submit(opened, self.opener, "film", data, pixels).result()
            return found
        except (WorkerLost, MemoryError) as e:
            return unopened("film", data, e)

    def close(self) -> None:
        """End the process."""
        if self._workers is not None:
            self._workers.close()
            self._workers = None
