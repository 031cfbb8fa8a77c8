"""People in a browser: whether one asks for a page, where tokens are given, and which address a sign-in may lead back to."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, unquote

from starlette.requests import Request

LOGIN: Final = "/login"
_LONGEST = 1000
_WRITTEN: Final = re.compile(r"/[!-\[\]-~]*")
"""From the root, in the signs of an address; no backslash, blank or control character, which browsers take for a slash or leave out."""


def wants_a_page(request: Request) -> bool:
    """Whether a failure is better told as a page: a browser asks for html, and no program's JSON is named beside it."""
    accepted = request.headers.get("accept", "").lower()
    return "text/html" in accepted and "json" not in accepted


def own_address(address: str) -> str:
    """The address, if it is one of this service: a path from its root, perhaps with a query; else an empty text.

    >>> own_address("/review/3?page=2"), own_address("//elsewhere.example/"), own_address("https://elsewhere.example/")
    ('/review/3?page=2', '', '')
    """
    path = unquote(address.partition("?")[0])
    elsewhere = "//" in path or "\\" in path or not path.isprintable()
    return address if _WRITTEN.fullmatch(address) and not elsewhere and len(address) <= _LONGEST else ""


def sign_in_address(request: Request) -> str:
    """The page on which a token is given; it leads back to the page that is asked for here."""
    path, query = request.scope["path"], request.url.query
    wanted = own_address(quote(path) + (f"?{query}" if query else ""))
    if request.method != "GET" or path == LOGIN or wanted in ("", "/"):
        return LOGIN
    return f"{LOGIN}?next={quote(wanted, safe='')}"
