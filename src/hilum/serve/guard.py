"""What stands before every route: the request's id, who asks, how often, what goes into the log, headers, and failures as problems.

It is plain ASGI. No path with a query, no body and no header is logged.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import sys
import time
import traceback
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hilum import __version__
from hilum.serve.browsers import LOGIN, sign_in_address, wants_a_page
from hilum.serve.failures import Failed
from hilum.serve.origin import require_loopback, require_same_origin
from hilum.serve.problems import Problem
from hilum.serve.service import Service
from hilum.serve.sessions import COOKIE, Sessions

LOG: Final = logging.getLogger("hilum.serve")
CSP: Final = (
    "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
HEADERS: Final = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cache-control": "no-store",
    "hilum-version": __version__,
}
_HEADERS: Final = tuple((name.encode(), value.encode()) for name, value in HEADERS.items())
_OPEN: Final = ("/healthz", "/readyz", LOGIN, "/logout", "/static/", "/openapi.json")
"""Paths that need no token."""
_GONE: Final = 499
"""In the log, of a client that went before its answer."""


@dataclass(frozen=True)
class Caller:
    """Who asks.

    Attributes:
        id: Of the token; ``local`` where the service asks for none.
        name: Of the token.
        scopes: What it may.
    """

    id: str
    name: str
    scopes: tuple[str, ...]

    def may(self, scope: str) -> bool:
        """Whether a scope is the caller's."""
        return scope in self.scopes or "admin" in self.scopes

    def require(self, scope: str) -> None:
        """Refuse what the caller may not.

        Raises:
            Problem: 403.
        """
        if not self.may(scope):
            raise Problem(
                403, f"expected a token with the scope {scope!r}, got one with {', '.join(self.scopes)}"
            )


LOCAL: Final = Caller("local", "", ("admin",))
NOBODY: Final = Caller("nobody", "", ())


class Guard:
    """The outermost part of the app.

    Args:
        app: What answers.
        service: Whose tokens, rates and metrics.
        sessions: Of people who logged in.
        failed: What answers a request that failed.
    """

    def __init__(self, app: ASGIApp, service: Service, sessions: Sessions, failed: Failed) -> None:
        self.app, self.service, self.sessions, self.failed = app, service, sessions, failed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, request_id, status = time.perf_counter(), secrets.token_hex(8), 0
        metrics = self.service.metrics
        metrics.inside.inc()

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *self._headers(request_id, message["headers"])]
            await send(message)

        scope.setdefault("state", {}).update(request_id=request_id, caller=NOBODY)
        request = Request(scope)
        try:
            try:
                self._admit(request)
                await self.app(scope, receive, noted)
            except Problem as e:
                await self._refused(request, e)(scope, receive, noted)
            except asyncio.CancelledError:  # the client went, unless it is this task that is ended
                status = status or _GONE
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
            except Exception:
                LOG.error(json.dumps({"event": "defect", "request": request_id, "trace": _trace()}))
                if status:
                    raise
                defect = Problem(500, "a defect of hilum's; name the request's id when you report it")
                await self.failed(request, defect)(scope, receive, noted)
        finally:
            seconds = time.perf_counter() - start
            metrics.inside.dec()
            route = _route(scope)
            metrics.request(route, status, seconds)
            fields = {
                "event": "request",
                "request": request_id,
                "method": scope["method"],
                "route": route,
                "status": status or _GONE,
                "ms": round(1000 * seconds, 1),
                "token": request.state.caller.id,
            }
            LOG.info(json.dumps(fields))

    def _headers(self, request_id: str, there: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        own = {name for name, _ in there}
        return [h for h in (*_HEADERS, (b"hilum-request-id", request_id.encode())) if h[0] not in own]

    def _admit(self, request: Request) -> None:
        """Note who asks in the request's state, and whether they may ask now.

        Raises:
            Problem: 401, 403 or 429.
        """
        path = request.url.path
        is_open = any(path == o or (o.endswith("/") and path.startswith(o)) for o in _OPEN)
        caller = request.state.caller = self._known(request)
        if caller is NOBODY and is_open:
            return
        if caller is NOBODY:
            raise Problem(
                401, "expected the header Authorization: Bearer TOKEN; make a token with: hilum token new"
            )
        if request.method not in ("GET", "HEAD", "OPTIONS") and not request.headers.get("authorization"):
            require_same_origin(request)
        if not is_open:
            self.service.rates.take(caller.id)

    def _known(self, request: Request) -> Caller:
        """Who asks; `NOBODY` where nothing is said of that.

        Raises:
            Problem: 401 or 403.
        """
        service, header = self.service, request.headers.get("authorization", "")
        if header:
            kind, _, secret = header.partition(" ")
            token = service.tokens.known(secret.strip()) if kind.lower() == "bearer" else None
            if token is None:
                raise Problem(401, "the token is unknown, revoked or expired; ask for a new one")
            return Caller(token.id, token.name, token.scopes)
        session = self.sessions.of(request.cookies.get(COOKIE, ""), service.tokens)
        if session is not None:
            return Caller(session.id, session.name, session.scopes)
        if service.open_to_all:
            require_loopback(request)
            return LOCAL
        return NOBODY

    def _refused(self, request: Request, problem: Problem) -> Response:
        if problem.status == 401 and request.method == "GET" and wants_a_page(request):
            return RedirectResponse(sign_in_address(request), 303)
        return self.failed(request, problem)


def _route(scope: Scope) -> str:
    """The route as it is written in the app, without its values; a path that is no route is not named, for it may say anything."""
    route: Any = scope.get("route")
    return str(getattr(route, "path", "")) or "none"


def _trace() -> list[str]:
    """Where a defect happened: files, lines and functions, without the error's words, which may quote a film's header."""
    kind, _, trace = sys.exc_info()
    frames = [f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(trace)]
    return [*frames[-12:], getattr(kind, "__name__", "")]
