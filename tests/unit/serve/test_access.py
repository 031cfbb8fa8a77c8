"""Who may ask: tokens with scopes, rates, sessions of pages, requests of other sites, and where a service may listen."""

from __future__ import annotations

from types import SimpleNamespace

import httpx
import pytest

from hilum.client import Client, ServiceError
from hilum.core.errors import UnsafeError
from hilum.serve import tokens
from hilum.serve.server import require_safe
from hilum.serve.tokens import new_token, revoke
from serving import film, made, running, with_limits

PNG = {"content-type": "image/png"}


@pytest.fixture(scope="module")
def guarded(tiny, tmp_path_factory):
    """A service with tokens: its address, and a token for each set of scopes."""
    state = tmp_path_factory.mktemp("guarded") / "state"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokens, "_LOOK_S", 0.0)
        made_tokens = {s: new_token(state, s, (s,), 1) for s in ("predict", "explain", "review", "admin")}
        with running(made(tiny / "model", state, limits=with_limits(a_minute=40))) as url:
            yield url, state, made_tokens


def test_without_a_token_only_health_is_told(guarded):
    url, _, _ = guarded
    for method, path in (
        ("POST", "/v1/predict"),
        ("GET", "/v1/bundles"),
        ("GET", "/metrics"),
        ("GET", "/none"),
    ):
        response = httpx.request(method, f"{url}{path}", content=film(), headers=PNG)
        assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
    for wrong in ("Bearer hilum_none", "Basic abc", "Bearer"):
        assert httpx.get(f"{url}/v1/bundles", headers={"authorization": wrong}).status_code == 401
    assert httpx.get(f"{url}/healthz").status_code == 200


def test_a_scope_opens_its_own_route_and_no_other(guarded):
    url, _, made_tokens = guarded
    allowed = {
        ("predict", "predict"): 200, ("predict", "explain"): 403, ("explain", "explain"): 200, ("explain", "predict"): 403,
        ("review", "predict"): 403, ("admin", "predict"): 200,
    }  # fmt: skip
    for (scope, route), status in allowed.items():
        headers = {**PNG, "authorization": f"Bearer {made_tokens[scope][0]}"}
        asked = f"{url}/v1/{route}?checks=false" if route == "explain" else f"{url}/v1/{route}"
        assert httpx.post(asked, content=film(), headers=headers, timeout=30).status_code == status, (
            scope,
            route,
        )
    put = httpx.put(
        f"{url}/v1/bundles/tiny",
        json={"folder": "/"},
        headers={"authorization": f"Bearer {made_tokens['predict'][0]}"},
    )
    assert (put.status_code, put.json()["detail"]) == (
        403,
        "expected a token with the scope 'admin', got one with predict",
    )


def test_a_revoked_token_stops_working_at_once(guarded):
    url, state, _ = guarded
    secret, token = new_token(state, "for a moment", ("predict",), 1)
    with Client(url, secret) as client:
        assert client.predict([("a", film())]).answers
        revoke(state, token.id)
        with pytest.raises(ServiceError, match="unknown, revoked or expired") as e:
            client.predict([("a", film())])
    assert e.value.status == 401


def test_a_token_has_a_rate_and_the_client_waits_for_it(guarded, monkeypatch):
    url, state, _ = guarded
    secret, _ = new_token(state, "hasty", ("predict",), 1)
    headers = {"authorization": f"Bearer {secret}"}
    monkeypatch.setattr(
        "hilum.serve.limits.time", SimpleNamespace(monotonic=lambda: 0.0)
    )  # nothing flows in meanwhile
    statuses = [httpx.get(f"{url}/v1/bundles", headers=headers).status_code for _ in range(42)]
    assert statuses == [200] * 40 + [429] * 2
    late = httpx.get(f"{url}/v1/bundles", headers=headers)
    assert (late.status_code, int(late.headers["retry-after"]) >= 1) == (429, True)
    slept = []
    monkeypatch.setattr("hilum.client.time.sleep", slept.append)
    with Client(url, secret, tries=3) as client, pytest.raises(ServiceError) as e:
        client.bundles()
    assert (e.value.status, len(slept), e.value.problem.title) == (429, 2, "Too many requests")


def test_what_a_page_of_another_site_sends_is_refused(tiny, tmp_path):
    with running(made(tiny / "model", tmp_path / "state")) as url:

        def ask(**headers):
            return httpx.post(f"{url}/v1/predict", content=film(), headers={**PNG, **headers}).status_code

        assert ask() == 200
        assert ask(**{"sec-fetch-site": "same-origin", "origin": url}) == 200
        assert ask(**{"sec-fetch-site": "cross-site"}) == 403
        assert ask(origin="https://example.org") == 403
        assert ask(host="rebound.example.org") == 403
        assert httpx.get(f"{url}/v1/bundles", headers={"host": "rebound.example.org"}).status_code == 403


@pytest.mark.parametrize(
    ("host", "token", "user", "words"),
    [
        ("0.0.0.0", False, 1000, "there is no token"),
        ("192.0.2.1", True, 0, "this is root"),
        ("::", False, 0, "there is no token"),
    ],
)
def test_elsewhere_without_tokens_or_as_root_is_refused(host, token, user, words):
    with pytest.raises(UnsafeError, match=words):
        require_safe(host, token, user)


def test_where_a_service_may_listen():
    for host in ("127.0.0.1", "::1", "localhost"):
        require_safe(host, False, 0)
    require_safe("0.0.0.0", True, 1000)
