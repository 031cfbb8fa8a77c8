"""A failure is a page to a browser and a problem to a program: the same status, headers and request's id."""

from __future__ import annotations

import re
from types import SimpleNamespace

import httpx
import pytest

from hilum import RESEARCH_NOTICE
from hilum.serve import tokens
from hilum.serve.problems import PROBLEMS, Problem
from hilum.serve.service import Service
from hilum.serve.tokens import new_token
from serving import film, made, running, with_limits

HTML = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture(scope="module")
def guarded(tiny, tmp_path_factory):
    """A service with tokens whose rate is one request a minute: its address, and what makes a token's header."""
    state = tmp_path_factory.mktemp("failing") / "state"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokens, "_LOOK_S", 0.0)
        new_token(state, "nobody's", ("predict",), 1)

        def bearer(scope: str) -> dict[str, str]:
            return {"authorization": f"Bearer {new_token(state, f'Dr {scope}', (scope,), 1)[0]}"}

        with running(made(tiny / "model", state, limits=with_limits(a_minute=1))) as url:
            yield url, bearer


def both(url: str, method: str = "GET", **more: dict[str, str]) -> tuple[httpx.Response, httpx.Response]:
    """The answers to a browser and to a program, whose headers differ in what they say of the body alone."""
    headers = more.pop("headers", {})
    page = httpx.request(method, url, headers={**headers, **HTML}, **more)
    problem = httpx.request(method, url, headers=headers, **more)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert problem.headers["content-type"] == "application/problem+json"
    assert (page.status_code, page.headers.get("retry-after")) == (
        problem.status_code,
        problem.headers.get("retry-after"),
    )
    assert set(problem.headers) == set(page.headers)
    own = {"content-type", "content-length", "hilum-request-id", "referrer-policy"}
    assert {k: v for k, v in page.headers.items() if k not in own} == {
        k: v for k, v in problem.headers.items() if k not in own
    }
    assert set(problem.json()) >= {"type", "title", "status", "detail", "request_id", "notice"}
    return page, problem


def says(page: httpx.Response, title: str, words: str) -> None:
    """What stands on the page of a failure."""
    assert f"<title>{title} · hilum</title>" in page.text
    assert f"<h1>{title}</h1>" in page.text
    assert words in page.text
    assert PROBLEMS[page.status_code].remedy in page.text
    assert f"<code>{page.headers['hilum-request-id']}</code>" in page.text
    assert page.text.count(RESEARCH_NOTICE) == 2
    assert "<style" not in page.text
    assert not re.search(r"<script>|\son\w+=|\sstyle=", page.text)


def test_an_unknown_address(url):
    page, problem = both(f"{url}/none")
    assert page.status_code == 404
    says(page, "Not found", "There is nothing at this address.")
    assert problem.json()["detail"] == "there is nothing at this address"
    assert '<a href="/studies">Studies</a>' in page.text


def test_another_method_names_those_that_go(url):
    page, _ = both(f"{url}/v1/predict")
    assert (page.status_code, page.headers["allow"]) == (405, "POST")
    says(page, "Method not allowed", "The address is there, but not for this method.")


def test_a_body_that_a_form_sent_is_refused_on_a_page_too(url):
    page, _ = both(f"{url}/v1/predict", "POST", content=b"no film")
    assert page.status_code == 415
    says(page, "Not a film", "Neither PNG, JPEG, BMP, TIFF nor DICOM")


def test_a_rate_that_is_used_up_says_when_to_come_again(guarded, monkeypatch):
    url, bearer = guarded
    monkeypatch.setattr("hilum.serve.limits.time", SimpleNamespace(monotonic=lambda: 0.0))
    headers = bearer("predict")
    assert httpx.get(f"{url}/v1/bundles", headers=headers).status_code == 200
    page, _ = both(f"{url}/monitor", headers=headers)
    assert (page.status_code, page.headers["retry-after"]) == (429, "60")
    says(page, "Too many requests", "It may be asked again in 60 seconds.")
    assert "Dr predict" in page.text
    assert httpx.get(f"{url}/static/styles.css", headers=headers).status_code == 200  # the page has its style


def test_a_name_that_is_not_this_machines(url):
    page, _ = both(f"{url}/", headers={"host": "rebound.example.org"})
    assert page.status_code == 403
    says(page, "Not allowed", "Without tokens the service answers to localhost, 127.0.0.1 and [::1] only.")


def test_a_scope_that_a_token_has_not(guarded):
    url, bearer = guarded
    page = httpx.get(f"{url}/metrics", headers={**bearer("predict"), **HTML})
    assert page.status_code == 403
    says(page, "Not allowed", "Expected a token with the scope &#39;admin&#39;, got one with predict.")
    assert '<a class="button" href="/login?next=%2Fmetrics">Give a token</a>' in page.text


def test_without_a_token_a_form_gets_a_page(guarded):
    url, _ = guarded
    page, _ = both(f"{url}/v1/predict", "POST", content=film())
    assert (page.status_code, page.headers["www-authenticate"]) == (401, "Bearer")
    says(page, "No token", "Expected the header Authorization: Bearer TOKEN")
    assert "<nav" not in page.text


def test_a_service_that_stops(url, service, monkeypatch):
    monkeypatch.setattr(service, "stopping", True)
    page, _ = both(f"{url}/readyz")
    assert (page.status_code, page.headers["retry-after"]) == (503, "2")
    says(page, "Not available", "It may be asked again in 2 seconds.")


def test_a_defect_is_said_with_its_request_and_nothing_of_itself(url, monkeypatch):
    def broken(*_: object) -> None:
        raise RuntimeError("Doe^Jane")

    monkeypatch.setattr(Service, "watches", broken)
    page, _ = both(f"{url}/monitor")
    assert page.status_code == 500
    says(page, "A defect", "A defect of hilum&#39;s; name the request&#39;s id when you report it.")
    assert "Doe" not in page.text


def test_each_failure_says_what_to_do():
    assert all(k.remedy.endswith(".") and k.words and k.example for k in PROBLEMS.values())
    body = Problem(415, "expected JSON", title="Another kind of body").body("id")
    assert (body["type"], body["title"]) == ("urn:hilum:problem:another-kind-of-body", "Another kind of body")
