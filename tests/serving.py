"""A service for tests: the tiny study's model, random weights, films of 32 px, on a real socket."""

from __future__ import annotations

import asyncio
import io
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from PIL import Image

from hilum.core.workers import Workers
from hilum.serve.limits import Limits
from hilum.serve.server import Running, Serving, listening_at, make_service
from hilum.serve.service import Service
from hilum.serve.tokens import TokenFile

LIMITS = Limits(
    film_bytes=200_000,
    request_bytes=600_000,
    films=4,
    pixels=1_000_000,
    seconds=20,
    body_seconds=1.0,
    film_seconds=3,
    waiting=8,
)


def film(seed: int = 0, side_px: int = 40) -> bytes:
    """A film that no one has: noise, as PNG."""
    pixels = np.random.default_rng(seed).integers(0, 256, (side_px, side_px), np.uint8)
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "PNG")
    return data.getvalue()


def made(
    bundle: Path, state: Path, ready: str = "", names: Sequence[str] = ("tiny",), **more: Any
) -> Service:
    """A service that is not running; its bundle has a name or several."""
    limits = more.pop("limits", LIMITS)
    bundles = [f"{name}={bundle}" for name in names]
    serving = Serving(bundles, state, engine="torch", workers=1, limits=limits, **more)

    def workers(n: int, memory_bytes: int, seconds: float, own: str) -> Workers:
        return Workers(n, memory_bytes, seconds, ready or own)

    with patch("hilum.serve.server.Workers", workers):
        return make_service(serving)


def beside(service: Service, state: Path, workspace: Path | None = None, **more: Any) -> Service:
    """Another service with the same bundles and processes, which takes no time to make; the first one closes them."""
    state.mkdir(parents=True, exist_ok=True)
    return replace(service, state=state, workspace=workspace, tokens=TokenFile(state), **more)


@contextmanager
def running(service: Service, closes: bool = True) -> Iterator[str]:
    """The service on a free port: its address; stopped as a signal stops it. One made `beside` another closes nothing."""
    with listening_at("127.0.0.1", 0) as listening:
        runs = Running(service)
        runs.config.lifespan = "on" if closes else "off"
        thread = threading.Thread(target=lambda: asyncio.run(runs.serve(sockets=[listening])))
        thread.start()
        while not runs.started:
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            runs.should_exit = True
            thread.join()


def with_limits(**changed: Any) -> Limits:
    """The limits of tests, some of them changed."""
    return replace(LIMITS, **changed)
