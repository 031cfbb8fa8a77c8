"""A small service around the pages, for tests: the router, and of the API as much as the pages ask for, answered by a real bundle."""

from __future__ import annotations

import base64
import io
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from PIL import Image

from hilum import RESEARCH_NOTICE, __version__
from hilum.core.digests import sha256_bytes
from hilum.core.errors import FilmError
from hilum.explain.colours import map_rgba
from hilum.explain.mapped import FAITHFUL, Mapper
from hilum.inference.reader import Reader
from hilum.serve.pages import ServedBundle, Site, pages_router

CSP = (
    "default-src 'self'; img-src 'self' blob: data:; style-src 'self'; script-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)


def png_base64(pixels: Any) -> str:
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "PNG")
    return base64.b64encode(data.getvalue()).decode()


class Bundles:
    """Readers and mappers of bundles by name, loaded when they are first asked for."""

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self.readers = {name: Reader(folder, "torch") for name, folder in folders.items()}
        self.mappers: dict[str, Mapper] = {}
        self.lock = threading.Lock()
        self.feedback: list[dict[str, Any]] = []

    def served(self) -> list[ServedBundle]:
        return [
            ServedBundle(n, r.version, r.bundle.classes, r.bundle.positive, r.folder)
            for n, r in self.readers.items()
        ]

    def head(self, name: str) -> dict[str, Any]:
        r = self.readers[name]
        about = {"name": name, "digest": r.version, "backbone": r.bundle.backbone, "classes": list(r.bundle.classes),
                 "positive": r.bundle.positive, "engine": r.engine.name}  # fmt: skip
        return {
            "request_id": uuid.uuid4().hex,
            "hilum": __version__,
            "notice": RESEARCH_NOTICE,
            "bundle": about,
        }

    def mapper(self, name: str) -> Mapper:
        with self.lock:
            if name not in self.mappers:
                self.mappers[name] = Mapper(self.readers[name].folder)
            return self.mappers[name]


def make_app(bundles: Bundles, site: Site) -> FastAPI:
    """The service: pages, a stub of the API, and the headers that a service sends."""
    app = FastAPI(openapi_url=None)

    @app.middleware("http")
    async def headers(request: Request, call_next: Any) -> Response:
        response: Response = await call_next(request)
        response.headers["content-security-policy"] = CSP
        return response

    @app.post("/v1/predict")
    async def predict(request: Request, bundle: str) -> dict[str, Any]:
        data = await request.body()
        with bundles.lock:
            (reading,) = bundles.readers[bundle].read([("film", data)])
        return {
            **bundles.head(bundle),
            "answers": [{**reading.answer.as_json(), "sha256": sha256_bytes(data)}],
        }

    @app.post("/v1/explain")
    async def explain(
        request: Request, bundle: str, method: str = "grad-cam", target: str = "", checks: bool = True
    ) -> Any:
        data = await request.body()
        try:
            made = bundles.mapper(bundle).map(data, method, target, FAITHFUL if checks else ())
        except FilmError as e:
            return problem(415, str(e))
        height, width = made.film.shape
        of = {"method": method, "target": made.of.target, "signed": made.signed, "verdict": made.of.verdict,
              "checks": [asdict(c) for c in made.of.checks], "width_px": width, "height_px": height,
              "film_png": png_base64(made.film), "overlay_png": png_base64(map_rgba(made.values, made.signed))}  # fmt: skip
        return {**bundles.head(bundle), "map": of}

    @app.post("/v1/feedback")
    async def feedback(request: Request, bundle: str) -> Any:
        bundles.feedback.append({**await request.json(), "bundle": bundle})
        return {"kept": True}

    app.include_router(pages_router(site))
    return app


def problem(status: int, detail: str) -> JSONResponse:
    return JSONResponse({"type": "about:blank", "title": "no", "status": status, "detail": detail}, status)


@contextmanager
def running(app: FastAPI) -> Iterator[str]:
    """The address of a service that runs in a thread."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 30
    while not server.started and time.monotonic() < until:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


def make_site(bundles: Bundles, state: Path, workspace: Path | None = None, **more: Any) -> Site:
    """A site on which everything is allowed."""
    reader: Callable[[str], Reader | None] = lambda name: bundles.readers.get(name)  # noqa: E731
    return Site(state, bundles.served, workspace, reader=reader, **more)
