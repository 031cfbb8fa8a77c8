"""The page Read: films are dropped, the service's API answers them; here are the page itself, examples that hilum draws, and the nearest
training films."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from hilum.core.seeding import generator
from hilum.explain.neighbours import Neighbours, neighbours_of
from hilum.imaging import png
from hilum.inference.reader import Reader
from hilum.serve.pages.pictures import NOT_KEPT, png_within
from hilum.serve.pages.protection import require_own_page, require_scope
from hilum.serve.pages.rendering import rendered
from hilum.serve.pages.site import ServedBundle, Site
from hilum.serve.problems import Problem, film_problem
from hilum.study.explanations import METHODS
from hilum.synthetic.phantom import LABELS, draw

EXAMPLE_PX = 256
N_NEAREST = 6
MOST_PX = 3000
"""Longer side of a film that is drawn for a page."""
_MOST_SEED = 9999
_MOST_HELD, _BODY_S = 8, 20
"""Films whose bytes are held at a time, and seconds in which one has to come."""


class ReadPages:
    """The page Read and what it asks for.

    Args:
        site: The service.
    """

    def __init__(self, site: Site) -> None:
        self.site = site
        self._one_at_a_time = threading.Lock()
        self._held = 0
        self._neighbours = lru_cache(maxsize=2)(self._find_neighbours)

    def add_to(self, router: APIRouter) -> None:
        """Add the routes."""
        router.add_api_route("/", self.page, methods=["GET"])
        router.add_api_route("/pages/example.png", self.example, methods=["GET"])
        router.add_api_route("/pages/film.png", self.film, methods=["POST"])
        router.add_api_route("/pages/nearest", self.nearest, methods=["POST"])

    def page(self, request: Request) -> Response:
        """The page."""
        require_scope(self.site, request, "predict")
        methods = [(name, m.title, m.words) for name, m in METHODS.items()]
        may_explain = self.site.allowed(request, "explain")
        return rendered(
            self.site, request, "read.html", "/",
            bundles=self.site.bundles(), methods=methods, labels=LABELS, may_explain=may_explain,
        )  # fmt: skip

    def example(self, request: Request, label: str = "covid", seed: int = 0) -> Response:
        """A film that hilum draws, as PNG."""
        require_scope(self.site, request, "predict")
        if label not in LABELS or not 0 <= seed <= _MOST_SEED:
            raise Problem(422, f"Expected a label of {', '.join(LABELS)} and a seed of 0 to {_MOST_SEED}.")
        film = draw(label, generator(seed, "example", label), EXAMPLE_PX)
        return Response(png.write(film.pixels), media_type="image/png")

    async def nearest(self, request: Request, bundle: str) -> dict[str, Any]:
        """The training films that look most like the film in the body to a bundle's backbone: ids, classes, sources; no pictures."""
        require_own_page(request, "application/octet-stream")
        require_scope(self.site, request, "explain")
        served = next((b for b in self.site.bundles() if b.name == bundle), None)
        if served is None:
            raise Problem(404, f"There is no bundle {bundle!r}.")
        async with self._film_of(request) as data:
            return await run_in_threadpool(self._nearest, served, data)

    async def film(self, request: Request) -> Response:
        """The film in the body, for browsers that do not draw its kind: decoded, as PNG, its longer side `MOST_PX` at most."""
        require_own_page(request, "application/octet-stream")
        require_scope(self.site, request, "predict")
        async with self._film_of(request) as data:
            return await run_in_threadpool(self._drawn, data)

    def _drawn(self, data: bytes) -> Response:
        film = self.site.decoded(data)
        if film.pixels is None:
            raise film_problem(film.error, film.words)
        return Response(png_within(film.pixels, MOST_PX), 200, NOT_KEPT, "image/png")

    @asynccontextmanager
    async def _film_of(self, request: Request) -> AsyncIterator[bytes]:
        """The body, while not too many films are held."""
        if self._held >= _MOST_HELD:
            raise Problem(429, "Other films are being looked at; come again in a moment.")
        self._held += 1
        try:
            yield await self._body(request)
        finally:
            self._held -= 1

    async def _body(self, request: Request) -> bytes:
        """The body, while it is no larger and no slower than a film may be."""
        data = bytearray()
        try:
            async with asyncio.timeout(_BODY_S):
                async for part in request.stream():
                    data += part
                    if len(data) > self.site.most_bytes:
                        raise Problem(413, f"Expected at most {self.site.most_bytes} bytes.")
        except TimeoutError:
            raise Problem(408, f"Expected the whole film within {_BODY_S:g} seconds.") from None
        except ClientDisconnect:
            raise Problem(400, "The film ended early.") from None
        return bytes(data)

    def _nearest(self, served: ServedBundle, data: bytes) -> dict[str, Any]:
        reader = self.site.reader(served.name)
        if reader is None:
            return {"films": [], "why": "this service does not look for them"}
        with self._one_at_a_time:
            found, why = self._neighbours(served.digest, reader)
        if found is None:
            return {"films": [], "why": why}
        film = self.site.opened(reader, data)
        if film.prepared is None:
            return {"films": [], "why": film.words or "the bundle reads lungs first, which is not done here"}
        (near,) = found.of([film.prepared], N_NEAREST)
        films = [
            {"image_id": f.image_id, "class": f.label, "source": f.source, "distance": f.distance}
            for f in near
        ]
        return {"films": films, "why": ""}

    def _find_neighbours(self, digest: str, reader: Reader) -> tuple[Neighbours | None, str]:  # noqa: ARG002  the digest is the key
        return neighbours_of(reader.folder, reader.predictor.frozen)
