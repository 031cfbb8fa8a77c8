"""The page on which the watch of each bundle is seen."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from hilum.monitor.view import monitor_view
from hilum.serve.pages.protection import PageRoute, require_scope
from hilum.serve.pages.rendering import rendered
from hilum.serve.pages.site import Site
from hilum.serve.service import Service

MONITOR = "/monitor"


def monitor_router(site: Site, service: Service) -> APIRouter:
    """The page /monitor."""
    router = APIRouter(route_class=PageRoute, include_in_schema=False)

    @router.get(MONITOR)
    async def page(request: Request) -> Response:
        require_scope(site, request, "predict")
        found = await run_in_threadpool(lambda: [watch.status() for watch in service.watches()])
        return rendered(site, request, "monitor.html", MONITOR, **monitor_view(found))

    return router
