"""Static files, who may open what, and what comes from other sites."""

import re
from html import unescape
from pathlib import Path
from urllib.parse import quote

import pytest
from fastapi import Request

from hilum import RESEARCH_NOTICE
from hilum.serve.pages import Site
from hilum.serve.pages.rendering import rendered

HTML = {"accept": "text/html"}


def login_for(address: str) -> str:
    """The sign-in page that leads back to a page."""
    return "/login" if address == "/" else f"/login?next={quote(address, safe='')}"


@pytest.mark.parametrize("address", ["/", "/studies", "/review"])
def test_each_page_says_that_it_is_research_software_and_asks_only_this_service(served, address: str) -> None:
    page = served.client.get(address)
    assert page.status_code == 200
    assert page.text.count(RESEARCH_NOTICE) == 2
    assert "http://" not in page.text
    assert "https://" not in page.text
    assert " style=" not in page.text
    assert " onclick" not in page.text
    assert page.headers["cache-control"] == "no-store"


def test_a_static_file_is_sent_once(served) -> None:
    first = served.client.get("/static/styles.css")
    assert first.headers["content-type"] == "text/css; charset=utf-8"
    again = served.client.get("/static/styles.css", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "name", ["..%2fsite.py", "%2e%2e/router.py", "../router.py", "base.html", "nothing.js", "styles.css%00"]
)
def test_nothing_but_the_static_files_is_sent(served, name: str) -> None:
    assert served.client.get(f"/static/{name}").status_code == 404


def test_a_refusal_is_a_page_for_people_and_a_problem_for_programs(served) -> None:
    page = served.client.get("/studies/nothing", headers=HTML)
    assert page.status_code == 404
    assert "There is no such finished run in the workspace." in page.text
    problem = served.client.get("/studies/nothing")
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.json()["detail"] == "There is no such finished run in the workspace."
    assert problem.json()["status"] == 404


@pytest.mark.parametrize(
    ("token", "address", "status"),
    [
        ("a:predict", "/", 200), ("a:predict", "/studies", 403),
        ("a:predict", "/review", 403), ("a:review", "/review", 200), ("a:review", "/studies", 200), ("a:review", "/", 403),
        ("a:admin", "/", 200), ("a:predict", "/pages/example.png", 200), ("a:review", "/pages/example.png", 403),
    ],
)  # fmt: skip
def test_a_token_opens_what_its_scopes_name(with_tokens, token: str, address: str, status: int) -> None:
    response = with_tokens(token).get(address, headers=HTML)
    assert response.status_code == status
    if status == 403:
        assert f'href="{login_for(address)}"' in response.text


@pytest.mark.parametrize("address", ["/", "/studies", "/review", "/review/1/1", "/pages/example.png"])
def test_without_a_token_a_page_leads_to_the_login(with_tokens, address: str) -> None:
    page = with_tokens().get(address, headers=HTML, follow_redirects=False)
    assert (page.status_code, page.headers["location"]) == (303, login_for(address))
    program = with_tokens().get(address)
    assert (program.status_code, program.json()["title"]) == (401, "No token")


@pytest.mark.parametrize("scope", ["predict", "explain", "review", "admin"])
def test_the_navigation_has_the_pages_that_a_token_opens_and_no_other(with_tokens, scope: str) -> None:
    browser = with_tokens(f"a:{scope}")
    statuses = {a: browser.get(a, headers=HTML).status_code for a in ("/", "/studies", "/review", "/monitor")}
    for address in (*statuses, "/none"):
        page = browser.get(address, headers=HTML).text
        shown = re.findall(r'<li><a href="([^"]+)"', page.partition("</nav>")[0]) if "<nav" in page else []
        assert shown == [a for a, status in statuses.items() if status == 200], address
    assert [a for a, status in statuses.items() if status == 200] == {
        "predict": ["/", "/monitor"], "explain": [], "review": ["/studies", "/review"], "admin": [*statuses],
    }[scope]  # fmt: skip
    home = re.search(r'<a class="brand" href="([^"]+)"', browser.get("/none", headers=HTML).text)
    assert home is not None
    assert (statuses[home[1]] == 200) is (scope != "explain")  # with that scope alone there is no page


def test_before_the_sign_in_no_page_is_offered(with_tokens) -> None:
    page = with_tokens().get("/login", headers=HTML).text
    assert "<nav" not in page
    assert 'href="/studies"' not in page


@pytest.mark.parametrize(
    ("wanted", "leads_to"),
    [
        ("/studies?a=%2F&b=1", "/studies?a=%2F&b=1"), ("/review/1/1", "/review/1/1"), ("", "/"), ("//evil.example", "/"),
        ("https://evil.example", "/"), ("/\\evil.example", "/"), ("/%2Fevil.example", "/"), ("/\t/evil.example", "/"),
        ("%2F%2Fevil.example", "/"), ('/"><script>', '/%22%3E%3Cscript%3E'), ("/review\r\nx: y", "/"),
    ],
)  # fmt: skip
def test_the_sign_in_leads_back_to_the_page_and_nowhere_else(with_tokens, wanted: str, leads_to: str) -> None:
    secret = with_tokens("a:admin").headers["authorization"].removeprefix("Bearer ")
    browser = with_tokens()
    page = browser.get("/login", params={"next": wanted}, headers=HTML)
    wrong = browser.post("/login", data={"token": "no", "next": wanted}, headers=HTML)
    assert wrong.status_code == 401
    for form in (page.text, wrong.text):
        kept = re.findall(r'<input type="hidden" name="next" value="([^"]*)"', form)
        assert [unescape(k) for k in kept] == ([wanted] if leads_to != "/" else [])
        assert "<script>" not in form
    done = browser.post("/login", data={"token": secret, "next": wanted}, follow_redirects=False)
    assert (done.status_code, done.headers["location"]) == (303, leads_to)


def test_a_page_that_was_asked_for_without_a_token_is_there_after_the_sign_in(with_tokens) -> None:
    secret = with_tokens("a:review").headers["authorization"].removeprefix("Bearer ")
    browser = with_tokens()
    form = browser.get("/studies?x=1", headers=HTML)
    assert (form.url.path, form.url.params["next"]) == ("/login", "/studies?x=1")
    page = browser.post("/login", data={"token": secret, "next": form.url.params["next"]}, headers=HTML)
    assert (page.status_code, page.url.path, page.url.query) == (200, "/studies", b"x=1")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "https://evil.example"}, 403), ({"origin": "null"}, 403), ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site", "origin": "http://127.0.0.1"}, 403), ({"origin": "http://127.0.0.1"}, 200),
        ({"sec-fetch-site": "same-origin"}, 200), ({"sec-fetch-site": "same-origin", "origin": "https://hilum.hospital"}, 200), ({}, 200),
    ],
)  # fmt: skip
def test_a_page_of_another_site_changes_nothing(served, headers: dict[str, str], status: int) -> None:
    assert served.client.post("/review/name", json={"name": "A"}, headers=headers).status_code == status


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_what_a_form_of_another_site_could_send_is_not_taken(served, kind: str) -> None:
    response = served.client.post("/review/name", content=b'{"name": "A"}', headers={"content-type": kind})
    assert (response.status_code, "hilum-reader" in response.headers.get("set-cookie", "")) == (415, False)


def test_another_part_may_bring_a_page_that_extends_the_base(tmp_path: Path) -> None:
    (tmp_path / "other.html").write_text(
        '{% extends "base.html" %}{% block title %}Other{% endblock %}{% block content %}<p>{{ what }}</p>{% endblock %}'
    )
    site = Site(tmp_path, list, templates=(tmp_path,))
    request = Request(
        {"type": "http", "headers": [], "method": "GET", "path": "/monitor", "query_string": b""}
    )
    page = rendered(
        site, request, "other.html", "/monitor", what="<b>", notice="a notice of its own"
    ).body.decode()
    assert "<title>Other · hilum</title>" in page
    assert "<p>&lt;b&gt;</p>" in page
    assert page.count("a notice of its own") == 2
    assert '<a href="/monitor" aria-current="page">Monitor</a>' in page
