"""Who may open a page, and from where a form may come.

A browser sends its cookie with whatever another site makes it send. So what changes something is taken only from a page of this service:
the request says that it comes from the same origin (``Sec-Fetch-Site``, else ``Origin``), and its body is JSON, which no form of another
site can send without asking first.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from hilum.core.errors import HilumError
from hilum.serve.origin import from_another_site
from hilum.serve.pages.site import Site
from hilum.serve.problems import Problem


def require_scope(site: Site, request: Request, scope: str) -> None:
    """Refuse whoever may not do this.

    Raises:
        Problem: 403, or 401 where nobody is known.
    """
    if not site.allowed(request, scope):
        status = 403 if site.who(request) else 401
        raise Problem(status, f"This page needs a token with the scope {scope!r}.")


def require_own_page(request: Request, media: str = "application/json") -> None:
    """Refuse what a page of another site may have made the browser send.

    Raises:
        Problem: 403 for another origin; 415 for another kind of body.
    """
    if from_another_site(request):
        raise Problem(403, "This request came from a page of another site and was not carried out.")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != media:
        raise Problem(415, f"Expected a body of the kind {media}.", title="Another kind of body")


class PageRoute(APIRoute):
    """A route of the pages: what hilum cannot do is a problem, and a value that does not go names no page."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handle(request)
            except HilumError as e:
                raise Problem(422, str(e)) from e
            except RequestValidationError as e:
                raise Problem(404, "There is nothing at this address.") from e

        return handled
