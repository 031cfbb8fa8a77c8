"""Who may open a page, and from where a form may come.

A browser sends its cookie with whatever another site makes it send. So what changes something is taken only from a page of this service:
the request says that it comes from the same origin (``Sec-Fetch-Site``, else ``Origin``), and its body is JSON, which no form of another
site can send without asking first.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError

from hilum.core.errors import HilumError
from hilum.serve.origin import from_another_site
from hilum.serve.pages.site import Site
from hilum.serve.problems import Problem

Sent = TypeVar("Sent", bound=BaseModel)
_MOST_BYTES = 256 * 1024


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


async def sent(request: Request, of: type[Sent]) -> Sent:
    """What a page sent: a JSON body, checked.

    Raises:
        Problem: 413, or 422 with the first value that does not go.
    """
    data = bytearray()
    async for part in request.stream():
        data += part
        if len(data) > _MOST_BYTES:
            raise Problem(413, f"Expected at most {_MOST_BYTES} bytes.")
    try:
        return of.model_validate_json(bytes(data))
    except ValidationError as e:
        first = e.errors()[0]
        where = ".".join(str(p) for p in first["loc"])
        raise Problem(422, f"{where or 'The body'}: {first['msg']}.") from e


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
