"""The page Read: films are dropped, the service's API answers them; here are the page itself, examples that hilum draws, and the nearest
training films."""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from hilum.core.seeding import generator
from hilum.explain.neighbours import Neighbours, neighbours_of
from hilum.imaging import png
from hilum.inference.reader import Reader
from hilum.serve.pages.protection import Refused, require_own_page, require_scope
from hilum.serve.pages.rendering import rendered
from hilum.serve.pages.site import ServedBundle, Site
from hilum.study.explanations import METHODS
from hilum.synthetic.phantom import LABELS, draw

EXAMPLE_PX = 256
N_NEAREST = 6
_MOST_SEED = 9999


class ReadPages:
    """The page Read and what it asks for.

    Args:
        site: The service.
    """

    def __init__(self, site: Site) -> None:
        self.site = site
        self._one_at_a_time = threading.Lock()
        self._neighbours = lru_cache(maxsize=2)(self._find_neighbours)

    def add_to(self, router: APIRouter) -> None:
        """Add the routes."""
        router.add_api_route("/", self.page, methods=["GET"])
        router.add_api_route("/pages/example.png", self.example, methods=["GET"])
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
            raise Refused(422, f"Expected a label of {', '.join(LABELS)} and a seed of 0 to {_MOST_SEED}.")
        film = draw(label, generator(seed, "example", label), EXAMPLE_PX)
        return Response(png.write(film.pixels), media_type="image/png")

    async def nearest(self, request: Request, bundle: str) -> dict[str, Any]:
        """The training films that look most like the film in the body to a bundle's backbone: ids, classes, sources; no pictures."""
        require_own_page(request, "application/octet-stream")
        require_scope(self.site, request, "explain")
        served = next((b for b in self.site.bundles() if b.name == bundle), None)
        if served is None:
            raise Refused(404, f"There is no bundle {bundle!r}.")
        data = await self._body(request)
        return await run_in_threadpool(self._nearest, served, data)

    async def _body(self, request: Request) -> bytes:
        """The body, while it is no larger than a film may be."""
        data = bytearray()
        async for part in request.stream():
            data += part
            if len(data) > self.site.most_bytes:
                raise Refused(413, f"Expected at most {self.site.most_bytes} bytes.")
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
