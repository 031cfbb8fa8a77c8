"""A service from its options to its end: bundles loaded, a socket, the loop, and a stop that finishes what was taken."""

from __future__ import annotations

import gc
import json
import logging
import os
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import uvicorn

from hilum import RESEARCH_NOTICE, __version__
from hilum.artifacts.bundle import Bundle
from hilum.core.engine import available_cores
from hilum.core.errors import InputError, UnsafeError
from hilum.core.files import lock_at_once
from hilum.core.workers import Workers
from hilum.inference.engines import EngineName
from hilum.monitor.store import MONITOR
from hilum.serve.app import make_app
from hilum.serve.audit_log import AuditLog
from hilum.serve.bundles import Bundles, Loading, Served, name_of, named_folders
from hilum.serve.limits import Limits
from hilum.serve.metrics import Metrics
from hilum.serve.origin import is_loopback
from hilum.serve.service import Service
from hilum.serve.swap import BundleWatch
from hilum.serve.tokens import TokenFile

_LOCK = ".service.lock"
_STOPS_S = 60
"""A stop waits so long for what was taken."""


@dataclass(frozen=True)
class OnRay:
    """Where networks are asked.

    Attributes:
        replicas: Of each bundle; 0 for one a node.
        address: Of the cluster; None for a Ray of the service's own.
    """

    replicas: int = 0
    address: str | None = None


@dataclass(frozen=True)
class Serving:
    """What is to be served, and where.

    Attributes:
        bundles: ``PATH`` or ``NAME=PATH``.
        state: Folder for tokens, logs and what else is kept.
        host, port: Where it listens; port 0 for any that is free.
        engine: What computes networks.
        device: ``cpu`` or ``cuda``.
        workers: Processes that open films; 0 for one a core.
        watch: Look whether a bundle's folder holds another one.
        shadow: A bundle that scores the same films for the log alone.
        workspace: Whose finished runs the pages show.
        bundles_from: Folders that bundles may be taken from while it runs; none for those in which the bundles lie.
        limits: Its bounds.
        on_ray: Ask networks on a Ray cluster; None for this machine alone.
    """

    bundles: Sequence[str]
    state: Path = Path("hilum-state")
    host: str = "127.0.0.1"
    port: int = 8000
    engine: EngineName = "auto"
    device: str = "cpu"
    workers: int = 0
    watch: bool = False
    shadow: Path | None = None
    workspace: Path | None = None
    bundles_from: tuple[Path, ...] = ()
    limits: Limits = field(default_factory=Limits)
    on_ray: OnRay | None = None


def require_safe(host: str, any_token: bool, user_id: int | None) -> None:
    """Refuse what would let anybody in.

    Args:
        host: Where the service listens.
        any_token: Whether it has a token that is good.
        user_id: Whose process this is; None where the system has no such thing.

    Raises:
        UnsafeError: Another address than this machine's own without a token, or as root.

    >>> require_safe("0.0.0.0", False, 1000)
    Traceback (most recent call last):
    hilum.core.errors.UnsafeError: 0.0.0.0 is no loopback address, and there is no token; make one first: hilum token new NAME
    """
    if is_loopback(host):
        return
    if not any_token:
        raise UnsafeError(
            f"{host} is no loopback address, and there is no token; make one first: hilum token new NAME"
        )
    if user_id == 0:
        raise UnsafeError(
            f"{host} is no loopback address, and this is root; start the service as a user of its own"
        )


def make_service(serving: Serving) -> Service:
    """Load everything. The state folder is this process's alone until it ends.

    Raises:
        InputError: A bundle cannot be loaded, or the state folder is not as it was left.
        UnsafeError: It may not listen there, or a bundle is unsafe.
    """
    tokens = TokenFile(serving.state)
    any_token = tokens.any
    require_safe(serving.host, any_token, os.getuid() if hasattr(os, "getuid") else None)
    folders = named_folders(serving.bundles)
    if not folders:
        raise InputError("expected at least one bundle, got none")
    # before the first one is loaded, which takes seconds
    for folder in filter(None, (*folders.values(), serving.shadow)):
        Bundle.described(folder)[0].require_a_model(folder)
    limits = serving.limits
    workers = Workers(
        serving.workers or available_cores(),
        limits.worker_bytes,
        limits.film_seconds,
        "hilum.inference.opening:ready",
    )
    replication = None
    try:
        if serving.on_ray is not None:
            from hilum.serve.replicas import Replication  # late: ray

            replication = Replication(serving.state, serving.on_ray.replicas, serving.on_ray.address)
        loading = Loading(
            serving.engine, serving.device, serving.state / "engines", serving.state / MONITOR, replication
        )
        served = {name: Served(name, folder, loading) for name, folder in folders.items()}
        shadow = None
        if serving.shadow:
            shadow = Served(name_of(serving.shadow), serving.shadow, replace(loading, monitor=None))
        audit = AuditLog(serving.state)
    except BaseException:
        workers.end()
        if replication is not None:
            replication.close()
        raise
    facts = {name: s.reader.version for name, s in served.items()}
    audit.add("started", hilum=__version__, bundles=facts, shadow=shadow.reader.version if shadow else "")
    swappable = serving.bundles_from or tuple(folder.resolve().parent for folder in folders.values())
    return Service(
        serving.state, Bundles(served), limits, tokens, audit, workers, Metrics(), shadow, serving.workspace, swappable,
        replication=replication, open_to_all=not any_token and is_loopback(serving.host),
    )  # fmt: skip


def serve(serving: Serving) -> None:
    """Serve until the process is told to stop; then finish what was taken.

    Raises:
        InputError, UnsafeError: As `make_service`; or the address is taken.
    """
    log_as_json()
    with (
        lock_at_once(serving.state / _LOCK, f"the state folder {serving.state}"),
        listening_at(serving.host, serving.port) as listening,
    ):
        service = make_service(serving)
        watch = BundleWatch(service) if serving.watch else None
        say(RESEARCH_NOTICE)
        if service.replication is not None:
            say(f"networks: {service.replication.words}")
        for s in service.bundles.all():
            engine = s.reader.engine
            say(
                f"{s.name}: {s.reader.bundle.backbone}, bundle {s.reader.version[:12]}, {engine.words} ({engine.why})"
            )
        who = "no tokens: this machine only" if service.open_to_all else "tokens are asked for"
        say(f"http://{_shown(serving.host)}:{listening.getsockname()[1]}/ ({who})")
        gc.collect()
        gc.freeze()  # what was loaded stays, and need not be looked through again and again while requests wait
        try:
            with suppress(KeyboardInterrupt):  # uvicorn raises the signal again when all was finished
                Running(service).run(sockets=[listening])
        finally:
            if watch is not None:
                watch.close()


class Running(uvicorn.Server):
    """The loop that serves a service; it says that it is not ready any more as soon as it is told to stop, and finishes what was taken."""

    def __init__(self, service: Service) -> None:
        config = uvicorn.Config(
            make_app(service), log_config=None, access_log=False, server_header=False, date_header=False, ws="none", lifespan="on",
            timeout_graceful_shutdown=_STOPS_S, timeout_keep_alive=75,
        )  # fmt: skip
        super().__init__(config)
        self.service = service

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.service.stopping = True
        await super().shutdown(sockets)


def listening_at(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 for any that is free.

    Raises:
        InputError: The address is taken, or is none of this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns off Nagle's algorithm, which holds back the second packet of an answer for 40 ms, only where the protocol is named
    found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host.strip("[]"), port))
    except OSError as e:
        found.close()
        raise InputError(
            f"{host}:{port} cannot be listened at: {e.strerror}; choose another with --port"
        ) from e
    found.listen(2048)
    return found


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def say(words: str) -> None:
    """A line for whoever started the service."""
    print(words, file=sys.stderr, flush=True)


class _AsJson(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        text = record.getMessage()
        if record.exc_info:  # the error's words may hold what a film's header says: its kind alone is told
            text = f"{text} ({getattr(record.exc_info[0], '__name__', '')})"
        known = text if text.startswith("{") else json.dumps({"event": "message", "words": text})
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        return (
            f'{{"time": "{at}", "level": "{record.levelname.lower()}", "logger": "{record.name}", {known[1:]}'
        )


def log_as_json() -> None:
    """Structured logs, a JSON object a line, on stderr."""
    handler = logging.StreamHandler()
    handler.setFormatter(_AsJson())
    for name, level in (
        ("hilum.serve", logging.INFO),
        ("uvicorn", logging.WARNING),
        ("uvicorn.error", logging.WARNING),
    ):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)
