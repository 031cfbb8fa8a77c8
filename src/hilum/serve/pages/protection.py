"""Who may open a page and from where a form may come; and what a refusal looks like.

A browser sends its cookie with whatever another site makes it send. So what changes something is taken only from a page of this service:
the request says that it comes from the same origin (``Sec-Fetch-Site``, else ``Origin``), and its body is JSON, which no form of another
site can send without asking first.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from hilum.core.errors import HilumError
from hilum.serve.origin import from_another_site
from hilum.serve.pages.rendering import rendered
from hilum.serve.pages.site import Site
from hilum.serve.problems import problem_type

_TITLES = {
    400: "Bad request",
    401: "No token",
    403: "Not allowed",
    404: "Not found",
    408: "Too slow",
    409: "Not now",
    413: "Too large",
    415: "Not JSON",
    422: "Cannot be answered",
    429: "Too many requests",
}


class Refused(Exception):
    """A request that is not answered: its status, and why, as a sentence for people."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


def require_scope(site: Site, request: Request, scope: str) -> None:
    """Refuse whoever may not do this.

    Raises:
        Refused: 403, or 401 where nobody is known.
    """
    if not site.allowed(request, scope):
        status = 403 if site.who(request) else 401
        raise Refused(status, f"This page needs a token with the scope {scope!r}.")


def require_own_page(request: Request, media: str = "application/json") -> None:
    """Refuse what a page of another site may have made the browser send.

    Raises:
        Refused: 403 for another origin; 415 for another kind of body.
    """
    if from_another_site(request):
        raise Refused(403, "This request came from a page of another site and was not carried out.")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != media:
        raise Refused(415, f"Expected a body of the kind {media}.")


def route_class(site: Site) -> type[APIRoute]:
    """Routes that answer a refusal as a page to a browser that wants one, else as ``application/problem+json``."""

    class PageRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def handled(request: Request) -> Response:
                try:
                    return await handle(request)
                except Refused as e:
                    return refusal(site, request, e.status, e.words)
                except HilumError as e:
                    return refusal(site, request, 422, str(e))
                except RequestValidationError:
                    return refusal(site, request, 404, "There is nothing at this address.")

            return handled

    return PageRoute


def refusal(site: Site, request: Request, status: int, words: str) -> Response:
    """The answer to a request that was refused."""
    title = _TITLES.get(status, "Failure")
    if "text/html" in request.headers.get("accept", ""):
        return rendered(site, request, "refused.html", status=status, title=title, words=words)
    body = {
        "type": problem_type(title),
        "title": title,
        "status": status,
        "detail": words,
        "notice": site.notice,
    }
    headers = {"cache-control": "no-store"} | ({"retry-after": "1"} if status == 429 else {})
    return JSONResponse(body, status, headers, "application/problem+json")
