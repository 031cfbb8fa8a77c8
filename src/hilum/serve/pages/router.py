"""Every page of the service as one router, which the service includes."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from pathlib import PurePath

from fastapi import APIRouter, Request, Response

from hilum.serve.pages.protection import PageRoute
from hilum.serve.pages.read import ReadPages
from hilum.serve.pages.review import ReviewPages
from hilum.serve.pages.site import Site
from hilum.serve.pages.studies import StudiesPages
from hilum.serve.problems import Problem
from hilum.serve.review.runs import Runs
from hilum.serve.review.store import NAME, ReviewStore

_KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def pages_router(site: Site) -> APIRouter:
    """The pages Read, Studies and Review with all that they ask for; what changes something is taken from these pages only."""
    router = APIRouter(route_class=PageRoute, include_in_schema=False)
    router.add_api_route("/static/{name}", Static(), methods=["GET", "HEAD"])
    runs, store = Runs(site.workspace), ReviewStore(site.state / NAME)
    reviews = ReviewPages(site, runs, store)
    for pages in (ReadPages(site), StudiesPages(site, runs, reviews), reviews):
        pages.add_to(router)
    return router


class Static:
    """Scripts and styles of the pages: those files that are there when the service starts, and nothing else."""

    def __init__(self) -> None:
        folder = files("hilum.serve.pages") / "static"
        kept = [f for f in folder.iterdir() if PurePath(f.name).suffix in _KINDS]
        self._files = {f.name: f.read_bytes() for f in kept}
        self._tags = {
            name: f'"{hashlib.sha256(data).hexdigest()[:16]}"' for name, data in self._files.items()
        }

    def __call__(self, name: str, request: Request) -> Response:
        """A file; 304 where the browser has it."""
        if name not in self._files:
            raise Problem(404, "There is no such file.")
        headers = {"etag": self._tags[name], "cache-control": "no-cache", "x-content-type-options": "nosniff"}
        if request.headers.get("if-none-match") == self._tags[name]:
            return Response(None, 304, headers)
        return Response(self._files[name], 200, headers, f"{_KINDS[PurePath(name).suffix]}; charset=utf-8")
