"""Whether a browser asks, and where a sign-in may lead to."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from starlette.requests import Request

from hilum.serve.browsers import own_address, sign_in_address, wants_a_page

CHROMIUM = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
ELSEWHERE = (
    "//evil.example", "///evil.example", "https://evil.example", "https:evil.example", "https:/evil.example", "javascript:alert(1)",
    "evil.example", "", "/\\evil.example", "\\\\evil.example", "/review\\..", "/\t/evil.example", "/\n/evil.example", "\t//evil.example",
    " /review", "/re view", "/%2F/evil.example", "/%2Fevil.example", "/%5Cevil.example", "/%09/evil.example", "/.//evil.example",
    "/review//evil.example", "%2F%2Fevil.example", "/\x00", "/rö", "/" + "a" * 1000,
)  # fmt: skip


def asked(path: str, query: str = "", method: str = "GET", accept: str = CHROMIUM) -> Request:
    return Request(
        {
            "type": "http", "method": method, "path": path, "query_string": query.encode(), "scheme": "http", "server": ("127.0.0.1", 80),
            "headers": [(b"accept", accept.encode())],
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ("accept", "page"),
    [
        (CHROMIUM, True), ("text/html", True), ("TEXT/HTML", True), ("*/*", False), ("", False), ("application/json", False),
        ("application/problem+json, text/html;q=0.1", False), ("image/png", False),
    ],
)  # fmt: skip
def test_a_page_is_for_who_asks_for_html_and_not_for_json(accept: str, page: bool) -> None:
    assert wants_a_page(asked("/", accept=accept)) is page


@pytest.mark.parametrize(
    "address",
    [
        "/",
        "/review",
        "/review/3/1",
        "/studies/a-1/films?cell=0&label=1&said=a%2Fb",
        "/v1/bundles?a=//b",
        "/@a",
    ],
)
def test_a_path_of_this_service_is_kept(address: str) -> None:
    assert own_address(address) == address


@pytest.mark.parametrize("address", ELSEWHERE)
def test_what_may_lead_elsewhere_is_not_kept(address: str) -> None:
    assert own_address(address) == ""


def test_the_sign_in_page_leads_back_to_the_page_that_was_asked_for() -> None:
    assert (
        sign_in_address(asked("/review/3", "page=2&a=%2F"))
        == "/login?next=%2Freview%2F3%3Fpage%3D2%26a%3D%252F"
    )
    assert sign_in_address(asked("/studies/a run")) == f"/login?next={quote('/studies/a%20run', safe='')}"
    for path in ("/", "/login", "//evil.example", "/" + "a" * 1000):
        assert sign_in_address(asked(path)) == "/login"
    assert sign_in_address(asked("/logout", method="POST")) == "/login"
