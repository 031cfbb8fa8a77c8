"""The page on which a person gives a token, for a cookie that pages are asked for with."""

from __future__ import annotations

from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from hilum.serve.browsers import LOGIN, own_address
from hilum.serve.origin import require_same_origin
from hilum.serve.pages.rendering import first_page, rendered
from hilum.serve.pages.site import Site
from hilum.serve.problems import Problem
from hilum.serve.sessions import COOKIE, HOURS, Sessions
from hilum.serve.tokens import TokenFile

_MOST_BYTES = 4096


def login_router(site: Site, sessions: Sessions, tokens: TokenFile) -> APIRouter:
    """The pages /login and /logout."""
    router = APIRouter(include_in_schema=False)

    @router.get(LOGIN)
    async def page(request: Request) -> Response:
        if not site.signs_in:  # nobody is asked for a token
            return RedirectResponse("/", 303)
        wanted = own_address(request.query_params.get("next", ""))
        return rendered(site, request, "login.html", LOGIN, wrong=False, hours=HOURS, wanted=wanted)

    @router.post(LOGIN)
    async def login(request: Request) -> Response:
        require_same_origin(request)
        sent = parse_qs(await _body(request))
        secret, wanted = sent.get("token", [""])[0].strip(), own_address(sent.get("next", [""])[0])
        token = tokens.known(secret)
        if token is None:
            return rendered(site, request, "login.html", LOGIN, 401, wrong=True, hours=HOURS, wanted=wanted)
        sessions.end(request.cookies.get(COOKIE, ""))
        response = RedirectResponse(wanted or first_page(token.may), 303)
        https = request.headers.get("x-forwarded-proto", request.url.scheme) == "https"
        response.set_cookie(
            COOKIE,
            sessions.begin(secret),
            max_age=3600 * HOURS,
            httponly=True,
            samesite="strict",
            secure=https,
        )
        return response

    @router.post("/logout")
    async def logout(request: Request) -> Response:
        require_same_origin(request)
        sessions.end(request.cookies.get(COOKIE, ""))
        response = RedirectResponse(LOGIN, 303)
        response.delete_cookie(COOKIE)
        return response

    return router


async def _body(request: Request) -> str:
    data = bytearray()
    async for part in request.stream():
        data += part
        if len(data) > _MOST_BYTES:
            raise Problem(413, f"expected at most {_MOST_BYTES} bytes")
    return data.decode("utf-8", "replace")
