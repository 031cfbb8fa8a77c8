"""A template and values to a page; a table to a file."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PackageLoader, StrictUndefined

from hilum.serve.browsers import sign_in_address
from hilum.serve.pages import numbers
from hilum.serve.pages.site import Site

NAVIGATION = (
    ("/", "Read", "predict"),
    ("/studies", "Studies", "review"),
    ("/review", "Review", "review"),
    ("/monitor", "Monitor", "predict"),
)
"""Address and title of each part, and the scope that opens it."""
_HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}
"""What a browser kept of a page would outlive the sign-out, and pages hold names and films."""


def first_page(may: Callable[[str], bool]) -> str:
    """Where somebody begins: on a page that their scopes open."""
    return "/review" if may("review") and not may("predict") else "/"


def rendered(
    site: Site, request: Request, template: str, active: str = "", status: int = 200, **values: object
) -> HTMLResponse:
    """A page.

    Args:
        site: The service.
        request: What asked for it.
        template: Its file name.
        active: Address of the part that it belongs to, in `NAVIGATION`.
        status: Of the response.
        values: For the template, beside ``notice``, ``version``, ``navigation`` (what the caller may open), ``home``, ``active``,
            ``reader``, ``sign_in`` and ``status``.
    """

    def may(scope: str) -> bool:
        return site.allowed(request, scope)

    own = {
        "notice": site.notice, "version": site.version, "reader": site.who(request), "active": active, "status": status,
        "navigation": [(address, title) for address, title, scope in NAVIGATION if may(scope)], "home": first_page(may),
        "sign_in": sign_in_address(request) if site.signs_in else "",
    }  # fmt: skip
    text = _environment(site.templates).get_template(template).render({**own, **values})
    return HTMLResponse(text, status, _HEADERS)


def csv_file(text: str, name: str) -> Response:
    """A table to be kept; it begins with the mark by which spreadsheets know UTF-8."""
    headers = {
        "content-disposition": f'attachment; filename="{name}"',
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
    }
    return Response(("\ufeff" + text).encode(), 200, headers, "text/csv; charset=utf-8")


@lru_cache(maxsize=8)
def _environment(folders: tuple[Path, ...]) -> Environment:
    """Templates of this package and of further folders; every value is escaped, an unknown name is an error."""
    made = Environment(
        loader=ChoiceLoader([PackageLoader("hilum.serve.pages"), *(FileSystemLoader(f) for f in folders)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        rate=numbers.rate, signed=numbers.signed, counted=numbers.counted, p_value=numbers.p_value
    )
    made.filters["interval_of"] = lambda row, n=None: numbers.interval(row.low, row.high, n or row.n)
    return made
