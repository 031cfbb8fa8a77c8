"""The app: routes for programs. Pages and the monitor are added where they are there; `Guard` stands before all."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from hilum import RESEARCH_NOTICE, __version__
from hilum.core.errors import HilumError, require_known
from hilum.inference.opener import Opener
from hilum.monitor.metrics import CONTENT_TYPE, metrics_text
from hilum.serve import answers, wire
from hilum.serve.bundles import Served
from hilum.serve.documented import ALWAYS, FILM, FILMS, OF_FILMS, problems, secured
from hilum.serve.failures import add_failures, failures_of
from hilum.serve.fhir import FHIR, report_bundle
from hilum.serve.guard import Caller, Guard
from hilum.serve.intake import Film, films_of
from hilum.serve.login import login_router
from hilum.serve.monitored import monitor_router
from hilum.serve.pages import ServedBundle, Site, pages_router
from hilum.serve.problems import Problem, film_problem
from hilum.serve.service import Service, while_connected
from hilum.serve.sessions import Sessions
from hilum.serve.swap import swap_bundle
from hilum.study.explanations import METHODS

NAME = Annotated[str, Query(max_length=200, description="Of the bundle; the first one where none is named.")]
api = APIRouter()


class _Described(FastAPI):
    def openapi(self) -> dict[str, Any]:
        return secured(super().openapi())


def make_app(service: Service) -> FastAPI:
    """The app of a service."""

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        yield
        service.stopping = True
        await service.close()

    app = _Described(
        title="hilum", version=__version__, description=f"{RESEARCH_NOTICE} A bundle of hilum answers what it sees on a chest film.",
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"}, lifespan=life, docs_url=None, redoc_url=None,
        openapi_url="/openapi.json",
    )  # fmt: skip
    sessions = Sessions()
    app.state.service, app.state.sessions = service, sessions
    site = _site(service)
    app.include_router(api)
    app.include_router(pages_router(site))
    app.include_router(login_router(site, sessions, service.tokens))
    app.include_router(monitor_router(site, service))
    failed = failures_of(site)
    add_failures(app, failed)
    app.openapi()  # FastAPI would build the included routes at the first request, and not as threads may
    app.add_middleware(Guard, service=service, sessions=sessions, failed=failed)
    return app


def _site(service: Service) -> Site:
    """The service as its pages see it."""

    def bundles() -> list[ServedBundle]:
        return [
            ServedBundle(
                s.name, s.reader.version, s.reader.bundle.classes, s.reader.bundle.positive, s.folder
            )
            for s in service.bundles.all()
        ]

    return Site(
        service.state, bundles, service.workspace,
        who=lambda request: caller_of(request).name,
        allowed=lambda request, scope: caller_of(request).may(scope),
        reader=lambda name: service.bundles.named(name).reader,
        opened=lambda reader, data: service.opened_at_once(reader.opener, data),
        decoded=lambda data: service.opened_at_once(Opener(None), data),
        signs_in=not service.open_to_all,
        most_bytes=service.limits.film_bytes,
    )  # fmt: skip


def _service(request: Request) -> Service:
    found: Service = request.app.state.service
    return found


def caller_of(request: Request) -> Caller:
    """Who asks."""
    found: Caller = request.state.caller
    return found


async def _answered(
    request: Request, scope: str, bundle: str, work: Callable[[Service, Served, list[Film], str, Caller], Awaitable[Response]]
) -> Response:  # fmt: skip
    """Take the films of a request and do what is asked of them as long as the client is there."""
    service, caller, request_id = _service(request), caller_of(request), request.state.request_id
    caller.require(scope)
    if service.stopping:
        raise Problem(503, "the service is stopping", 2)
    with service.admission.request() as held, service.bundles.using(bundle) as served:
        films = await films_of(request, service.limits, held)
        return await while_connected(_gone(request), work(service, served, films, request_id, caller))


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


@api.post(
    "/v1/predict", response_model=wire.Predicted, responses=problems(*OF_FILMS), openapi_extra=FILMS, tags=["films"],
    summary="What a bundle says of films",
)  # fmt: skip
async def predict(request: Request, bundle: NAME = "") -> Response:
    """Films as the raw body (one) or as files of a form (many). A request whose only film cannot be answered is a problem; of several films
    each has its answer or its error. With ``Accept: application/fhir+json`` the answer is a FHIR R4 Bundle."""

    async def work(
        service: Service, served: Served, films: list[Film], request_id: str, caller: Caller
    ) -> Response:
        read = await service.read(served, films, request_id)
        service.note("predict", request_id, caller.id, served, read)
        if len(read) == 1 and (a := read[0].answer).error:
            raise film_problem(a.error, a.error_words)
        if FHIR in request.headers.get("accept", ""):
            return Response(json.dumps(report_bundle(request_id, served, read)), media_type=FHIR)
        return JSONResponse(answers.predicted(request_id, served, read))

    return await _answered(request, "predict", bundle, work)


@api.post(
    "/v1/explain", response_model=wire.Explained, responses=problems(*OF_FILMS), openapi_extra=FILM, tags=["films"],
    summary="Where an answer comes from",
)  # fmt: skip
async def explain(
    request: Request,
    bundle: NAME = "",
    method: Annotated[str, Query(description=f"One of {', '.join(METHODS)}.")] = "grad-cam",
    target: Annotated[
        str,
        Query(max_length=200, description="The class; that of the highest probability where none is named."),
    ] = "",
    checks: Annotated[bool, Query(description="Check the map too, which takes longer.")] = True,
) -> Response:
    """One film to a heat map with its checks. A map says where the model's answer comes from, not where disease is."""
    if method not in METHODS:
        raise Problem(422, f"unknown method of explanation {method[:80]!r}; known: {', '.join(METHODS)}")

    async def work(
        service: Service, served: Served, films: list[Film], request_id: str, caller: Caller
    ) -> Response:
        if len(films) != 1:
            raise Problem(413, f"expected one film, got {len(films)}; ask for each in a request of its own")
        read, made = await service.map(served, films[0], request_id, method, target, checks)
        service.note("explain", request_id, caller.id, served, [read], method=method)
        if made is None:
            raise film_problem(read.answer.error, read.answer.error_words)
        return JSONResponse(answers.explained(request_id, served, read, made))

    return await _answered(request, "explain", bundle, work)


@api.get(
    "/v1/bundles",
    response_model=wire.BundleList,
    responses=problems(*ALWAYS),
    tags=["bundles"],
    summary="What answers here",
)
async def bundles(request: Request) -> Response:
    """The bundles of the service, the first of which answers requests that name none."""
    caller_of(request).require("predict")
    rows = [served.more_facts() for served in _service(request).bundles.all()]
    return JSONResponse({**answers.head(request.state.request_id), "bundles": rows})


@api.put(
    "/v1/bundles/{name}", response_model=wire.BundleList, responses=problems(400, *ALWAYS, 404, 408, 413, 422), tags=["bundles"],
    summary="Put another bundle in one's place",
)  # fmt: skip
async def put_bundle(request: Request, name: str, to: wire.SwapTo) -> Response:
    """Needs the scope admin. Requests go on meanwhile; each is answered by the bundle that it began with."""
    service, caller = _service(request), caller_of(request)
    caller.require("admin")
    try:
        await asyncio.to_thread(swap_bundle, service, name, to.folder, to.why, caller.id)
    except HilumError as e:
        raise Problem(422, str(e)) from e
    rows = [served.more_facts() for served in service.bundles.all()]
    return JSONResponse({**answers.head(request.state.request_id), "bundles": rows})


@api.post(
    "/v1/feedback", response_model=wire.Noted, responses=problems(400, *ALWAYS, 404, 408, 413, 422), tags=["films"],
    summary="Tell what a film showed",
)  # fmt: skip
async def feedback(request: Request, told: wire.Feedback, bundle: NAME = "") -> Response:
    """The label of a film that was answered, as it became known later; the monitor's running sensitivity is made of these."""
    service, caller = _service(request), caller_of(request)
    caller.require("predict")
    with service.bundles.using(bundle) as served:
        try:
            require_known(told.label, served.reader.bundle.classes, "the bundle has no class")
        except HilumError as e:
            raise Problem(422, str(e)) from e
        if served.watch is not None:
            try:
                await asyncio.to_thread(
                    served.watch.feedback, told.label, caller.name or caller.id, request_id=told.request_id, sha256=told.sha256
                )  # fmt: skip
            except HilumError as e:
                raise Problem(404, str(e)) from e
        facts = {"of": told.request_id, "sha256": told.sha256, "label": told.label}
        service.audit.add(
            "feedback",
            request=request.state.request_id,
            token=caller.id,
            bundle=served.reader.version,
            **facts,
        )
    return JSONResponse({**answers.head(request.state.request_id), "noted": True})


@api.get("/healthz", response_model=wire.Head, tags=["service"], summary="The process lives")
async def healthz(request: Request) -> Response:
    """Answers as long as the process does; needs no token."""
    return JSONResponse(answers.head(request.state.request_id))


@api.get(
    "/readyz",
    response_model=wire.Head,
    responses=problems(503),
    tags=["service"],
    summary="It takes requests",
)
async def readyz(request: Request) -> Response:
    """503 while the service stops; needs no token."""
    if _service(request).stopping:
        raise Problem(503, "the service is stopping", 2)
    return JSONResponse(answers.head(request.state.request_id))


@api.get(
    "/metrics", responses=problems(*ALWAYS), tags=["service"], summary="Counts for Prometheus", response_class=PlainTextResponse
)  # fmt: skip
async def metrics(request: Request) -> Response:
    """In Prometheus' text form; needs the scope admin."""
    caller_of(request).require("admin")
    service = _service(request)
    text = await asyncio.to_thread(lambda: service.metrics.text() + metrics_text(service.watched))
    return Response(text, media_type=CONTENT_TYPE)
