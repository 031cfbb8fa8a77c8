"""What a service is made of, and the way of a film through it: taken, opened in a process of its own, answered, noted.

One event loop runs it; networks and heat maps have threads, films are opened in processes.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from prometheus_client import CollectorRegistry

from hilum.core.errors import FilmError, InputError
from hilum.core.workers import WorkerLost, Workers
from hilum.explain.mapped import FAITHFUL, MappedFilm
from hilum.imaging.film import DecodedFilm
from hilum.inference.opened import Opened
from hilum.inference.opener import Opener
from hilum.inference.opening import opened, unopened
from hilum.inference.reader import Reading
from hilum.monitor.metrics import registry_of
from hilum.monitor.watch import Watch
from hilum.serve.audit_log import AuditLog
from hilum.serve.bundles import Bundles, Served
from hilum.serve.intake import Film
from hilum.serve.limits import Admission, Limits, Rates
from hilum.serve.metrics import Metrics
from hilum.serve.problems import Problem
from hilum.serve.tokens import TokenFile

if TYPE_CHECKING:
    from hilum.serve.replicas import Replication

Value = TypeVar("Value")


@dataclass(eq=False)
class Service:
    """A running service.

    Attributes:
        state: Its folder.
        bundles: What answers.
        limits: Its bounds.
        tokens: Who may ask.
        audit: What was asked.
        workers: Where films are opened.
        metrics: Counts for Prometheus.
        shadow: A bundle that scores the same films, seen by the audit log alone; or None.
        workspace: Whose finished runs the pages show; or None.
        swappable: Folders in which a bundle may lie that takes another's place.
        replication: The machines that networks are asked on; None for this one.
        open_to_all: No token is asked for: the service listens on loopback only, and has none.
        stopping: It takes no more requests.
    """

    state: Path
    bundles: Bundles
    limits: Limits
    tokens: TokenFile
    audit: AuditLog
    workers: Workers
    metrics: Metrics
    shadow: Served | None = None
    workspace: Path | None = None
    swappable: tuple[Path, ...] = ()
    replication: Replication | None = None
    open_to_all: bool = False
    stopping: bool = False
    admission: Admission = field(init=False)
    rates: Rates = field(init=False)
    watched: CollectorRegistry = field(init=False)
    _shadowed: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.admission, self.rates = Admission(self.limits), Rates(self.limits.a_minute)
        self.watched = registry_of(self.watches)

    def watches(self) -> list[Watch]:
        """What watches the bundles that answer now."""
        return [s.watch for s in self.bundles.all() if s.watch is not None]

    async def read(self, served: Served, films: Sequence[Film], request_id: str) -> list[Reading]:
        """Read the films of a request; each has an answer, or a reason why there is none.

        Raises:
            Problem: 503: not within the seconds that a request may take.
        """
        if len(films) == 1:
            return [await self._in_time(self._read(served, films[0], request_id))]
        return await self._in_time(asyncio.gather(*(self._read(served, film, request_id) for film in films)))

    async def _read(self, served: Served, film: Film, request_id: str) -> Reading:
        start = time.perf_counter()
        reading = await asyncio.wrap_future(self._queued(served, film))
        self.metrics.seconds("answer", time.perf_counter() - start)
        if served.watch is not None:
            served.watch.saw(request_id, reading, time.perf_counter() - start, reading.answer.sha256)
        if self.shadow is not None:
            self._follow(film, request_id)
        return reading

    def _queued(self, served: Served, film: Film) -> Future[Reading]:
        """Have a film opened and then answered, without the loop between; cancelled, it is left out wherever it is."""
        start = time.perf_counter()
        call = self.workers.submit(opened, served.reader.opener, film.name, film.data, self.limits.pixels)
        done: Future[Reading] = Future()

        def go_on(call: Future[Opened]) -> None:
            if call.cancelled():
                return
            self.metrics.seconds("open", time.perf_counter() - start)
            error = call.exception()
            if error is None:
                served.batches.submit(call.result(), done)
            elif isinstance(error, WorkerLost | MemoryError):
                served.batches.submit(self._lost(film, error), done)
            else:
                done.set_exception(error)

        call.add_done_callback(go_on)
        done.add_done_callback(lambda d: call.cancel() if d.cancelled() else None)
        return done

    async def _opened(self, film: Film, opener: Opener) -> Opened:
        call = self.workers.submit(opened, opener, film.name, film.data, self.limits.pixels)
        try:
            return await asyncio.wrap_future(call)
        except (WorkerLost, MemoryError) as e:
            return self._lost(film, e)

    def opened_at_once(self, opener: Opener, data: bytes) -> Opened:
        """Open a film in a process of its own, and wait for it; for threads."""
        try:
            found: Opened = self.workers.submit(opened, opener, "", data, self.limits.pixels).result()
            return found
        except (WorkerLost, MemoryError) as e:
            return self._lost(Film("", data), e)

    def _lost(self, film: Film, error: WorkerLost | MemoryError) -> Opened:
        """A film that ended its process, or wanted more than it may have."""
        if isinstance(error, WorkerLost):
            self.metrics.lost()
        return unopened(film.name, film.data, error)

    async def map(
        self, served: Served, film: Film, request_id: str, method: str, target: str, checked: bool
    ) -> tuple[Reading, MappedFilm | None]:
        """Read a film, and map what its answer stands on; no map of a film that has no answer.

        Raises:
            Problem: 422 for an unknown method or class, 429, 503.
        """
        (found,) = await self.read(served, [film], request_id)
        if found.answer.error:
            return found, None
        whole = await self._in_time(self._opened(film, Opener(None)))
        assert whole.pixels is not None
        start = time.perf_counter()
        decoded = DecodedFilm(whole.pixels, whole.format, "", whole.facts)
        names = (*FAITHFUL, "lungs", "border") if checked else ()
        try:
            made = await self._in_time(asyncio.wrap_future(served.map(decoded, method, target, names)))
        except FilmError as e:
            raise Problem(422, str(e), reason=e.reason) from e
        except InputError as e:
            raise Problem(422, str(e)) from e
        self.metrics.seconds("map", time.perf_counter() - start)
        return found, made

    def note(
        self,
        event: str,
        request_id: str,
        token_id: str,
        served: Served,
        films: Sequence[Reading],
        **more: Any,
    ) -> None:
        """Write into the audit log what was answered; before the answer goes out."""
        rows = [_noted(film) for film in films]
        self.audit.add(
            event, request=request_id, token=token_id, bundle=served.reader.version, films=rows, **more
        )

    def _follow(self, film: Film, request_id: str) -> None:
        """Let the shadow score the film too, unless there is much to do."""
        if self.admission.requests > self.limits.waiting // 2 or self.stopping:
            self.metrics.shadow("left out")
            return
        task = asyncio.get_running_loop().create_task(self._shadow(film, request_id))
        self._shadowed.add(task)
        task.add_done_callback(self._shadowed.discard)

    async def _shadow(self, film: Film, request_id: str) -> None:
        shadow = self.shadow
        assert shadow is not None
        with shadow.used():
            reading = await asyncio.wrap_future(self._queued(shadow, film))
        self.metrics.shadow("scored")
        row = _noted(reading)
        self.audit.add("shadow", request=request_id, bundle=shadow.reader.version, films=[row])

    async def _in_time(self, work: Awaitable[Value]) -> Value:
        try:
            async with asyncio.timeout(self.limits.seconds):
                return await work
        except TimeoutError:
            raise Problem(
                503, f"no answer within {self.limits.seconds:g} seconds; come again", self.wait_s()
            ) from None

    def wait_s(self) -> int:
        """Seconds after which what waits now should be done."""
        waiting = sum(s.batches.waiting for s in self.bundles.all())
        rate = min((s.reader.engine.films_per_s or 10.0) for s in self.bundles.all())
        return max(1, math.ceil(waiting / rate))

    async def close(self) -> None:
        """Finish what was taken, and write what is to be kept."""
        if self._shadowed:
            await asyncio.wait(self._shadowed)
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self.bundles.close)
        if self.shadow is not None:
            await loop.run_in_executor(None, self.shadow.close)
        if self.replication is not None:
            await loop.run_in_executor(None, self.replication.close)
        await loop.run_in_executor(None, self.workers.close)
        self.audit.add("stopped")
        await loop.run_in_executor(None, self.audit.close)


def _noted(reading: Reading) -> Mapping[str, Any]:
    """A film in the audit log: its digest, and what was answered."""
    a = reading.answer
    if a.error:
        return {"sha256": a.sha256, "error": a.error}
    rounded = {name: round(p, 6) for name, p in a.probabilities.items()}
    called = [f for f, s in a.findings.items() if s.present] if a.findings else a.called_positive
    return {"sha256": a.sha256, "p": rounded, "called": called, "abstained": a.abstained}


async def while_connected(gone: Awaitable[None], work: Awaitable[Value]) -> Value:
    """Do some work for a client as long as it is there.

    Args:
        gone: Ends when the client has gone.
        work: What it waits for; cancelled when it has gone.

    Raises:
        asyncio.CancelledError: It has gone.
    """
    doing, leaving = asyncio.ensure_future(work), asyncio.ensure_future(gone)
    try:
        await asyncio.wait((doing, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            doing.cancel()
        return await doing
    finally:
        leaving.cancel()
        if not doing.done():
            doing.cancel()
