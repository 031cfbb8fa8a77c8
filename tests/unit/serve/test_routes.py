"""What programs get from the service: answers, and a problem for each failure."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from hilum import RESEARCH_NOTICE, __version__
from hilum.artifacts.bundle import bundle_version
from hilum.client import ServiceError
from hilum.inference.predictor import Predictor
from hilum.serve.app import make_app
from hilum.serve.audit_log import LOG, verify
from hostile import GREEDY, HANGS, KILLS
from needs import needed_program
from serving import LIMITS, film

PNG = {"content-type": "image/png"}
NAME = "Doe^Jane 1970-01-01.png"


def test_the_service_says_what_predict_says_bit_for_bit(client, tiny):
    films = [film(k) for k in range(4)]
    predicted = client.predict([(f"{k}.png", data) for k, data in enumerate(films)])
    alone = Predictor(tiny / "model").score([("", films[0])])
    direct = Predictor(tiny / "model")
    direct.passed, passed = (lambda some: passed(some, batch=1)), direct.passed
    one_by_one = [next(iter(direct.score([("", data)]))) for data in films]
    for said, own in zip(predicted.answers, one_by_one, strict=True):
        assert list(said.probabilities.values()) == own.probabilities.tolist()
        assert said.called_positive == own.positive
    assert np.allclose(
        list(predicted.answers[0].probabilities.values()), next(alone).probabilities, atol=1e-4
    )
    assert predicted.bundle.digest == bundle_version(tiny / "model")
    assert (predicted.hilum, predicted.notice) == (__version__, RESEARCH_NOTICE)
    assert [f.film for f in predicted.answers] == ["0.png", "1.png", "2.png", "3.png"]


def test_a_films_answer_does_not_depend_on_the_others(client):
    alone = client.predict([("a", film(1))]).answers[0]
    among = client.predict([("b", film(2)), ("a", film(1)), ("c", film(3))]).answers[1]
    assert alone == among


def test_a_raw_body_and_a_form_are_answered_alike(client, url):
    raw = httpx.post(f"{url}/v1/predict", content=film(5), headers=PNG).json()
    form = client.predict([("a", film(5))])
    assert raw["answers"][0]["sha256"] == form.answers[0].sha256
    assert raw["answers"][0]["probabilities"] == form.answers[0].probabilities


def test_a_map_comes_with_its_checks_and_pictures(client):
    found = client.explain(("a.png", film(6)))
    assert (found.map.method, found.map.width_px, found.map.height_px) == ("grad-cam", 32, 32)
    assert {c["name"] for c in found.map.checks} >= {"randomised", "deletion-insertion", "stability"}
    assert found.map.film_png.startswith("iVBORw0KGgo")
    assert found.map.target == found.answer.most_likely
    other = client.explain(("a.png", film(6)), target="normal", checks=False)
    assert (other.map.target, other.map.checks, other.map.verdict) == ("normal", [], "not checked")


def test_of_several_films_each_has_its_answer_or_its_error(client):
    good, bad = client.predict([("a", film()), ("b", film()[:90])]).answers
    assert good.error == ""
    assert (bad.error, bad.probabilities) == ("truncated", {})


ONE_FILM = {
    "no bytes": (b"", 400, "empty", "expected a film in the body"),
    "no film": (b"%PDF-1.7 and so on", 415, "not an image", "neither PNG"),
    "cut short": (film()[:200], 422, "truncated", "the PNG ends after 200 bytes"),
    "too many bytes": (
        b"\x89PNG" + bytes(LIMITS.film_bytes),
        413,
        "",
        f"at most {LIMITS.film_bytes} bytes a film",
    ),
    "too many pixels": (
        film(0, 40)[:16] + (20_000).to_bytes(4) + (20_000).to_bytes(4) + film(0, 40)[24:],
        422,
        "corrupt",
        "",
    ),
    "kills": (KILLS, 422, "cannot be opened", "it ended the process that read it"),
    "hangs": (HANGS, 422, "cannot be opened", "more than 3 seconds"),
    "greedy": (GREEDY, 413, "too large", "more memory"),
}


@pytest.mark.parametrize("kind", ONE_FILM)
def test_a_film_without_an_answer_is_a_problem(url, kind):
    body, status, reason, words = ONE_FILM[kind]
    response = httpx.post(f"{url}/v1/predict", content=body, headers=PNG, timeout=30)
    problem = response.json()
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")
    assert problem.get("reason", "") == (reason if kind != "no bytes" else "")
    assert words in problem["detail"]
    assert (problem["status"], problem["notice"]) == (status, RESEARCH_NOTICE)
    assert problem["request_id"] == response.headers["hilum-request-id"]
    assert httpx.post(f"{url}/v1/predict", content=film(), headers=PNG, timeout=30).status_code == 200


REFUSED = {
    "another bundle": (
        "POST",
        "/v1/predict?bundle=tony",
        404,
        "there is no bundle 'tony'; did you mean 'tiny'?",
    ),
    "another page": ("GET", "/v2", 404, "there is nothing at this address"),
    "another method": ("DELETE", "/v1/predict", 405, "not for this method"),
    "a form as its name": ("POST", "/v1/predict", 415, "got 'text/plain'"),
    "an unknown map": ("POST", "/v1/explain?method=gradcam", 422, "unknown method of explanation 'gradcam'"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_not_there_is_a_problem(url, kind):
    method, path, status, words = REFUSED[kind]
    headers = {"content-type": "text/plain"} if kind == "a form as its name" else PNG
    response = httpx.request(method, f"{url}{path}", content=film(), headers=headers)
    assert (response.status_code, response.json()["status"]) == (status, status)
    assert words in response.json()["detail"]


def test_forms_are_bounded_and_checked(url, client):
    with pytest.raises(ServiceError, match=f"at most {LIMITS.films} films a request") as e:
        client.predict([("a", film())] * (LIMITS.films + 1))
    assert e.value.status == 413
    with pytest.raises(ServiceError, match="expected a film in the body, got no bytes"):
        client.predict([])
    field = b'--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n'
    none = httpx.post(
        f"{url}/v1/predict", content=field, headers={"content-type": "multipart/form-data; boundary=x"}
    )
    assert "expected at least one file in the form" in none.json()["detail"]
    broken = httpx.post(
        f"{url}/v1/predict",
        content=b"--x\r\nnot a part",
        headers={"content-type": "multipart/form-data; boundary=x"},
    )
    assert (broken.status_code, broken.json()["title"]) == (400, "Bad request")
    no_boundary = httpx.post(
        f"{url}/v1/predict", content=b"--x", headers={"content-type": "multipart/form-data"}
    )
    assert "expected a boundary" in no_boundary.json()["detail"]


def _raw(url: str, *parts: bytes, pause_s: float = 0.0) -> bytes:
    """Send bytes as they are; the answer until the service closes or nothing more comes."""
    at = urlsplit(url)
    with socket.create_connection((at.hostname, at.port), timeout=5) as line:
        for part in parts:
            line.sendall(part)
            time.sleep(pause_s)
        return line.recv(65536)


def test_a_body_that_never_ends_or_never_comes_is_refused(url):
    head = b"POST /v1/predict HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: image/png\r\n"
    chunked = head + b"transfer-encoding: chunked\r\n\r\n" + 4 * (b"10000\r\n" + bytes(0x10000) + b"\r\n")
    assert b"413" in _raw(url, chunked).split(b"\r\n")[0]
    start = time.perf_counter()
    assert b"408" in _raw(url, head + b"content-length: 1000\r\n\r\n12345").split(b"\r\n")[0]
    assert LIMITS.body_seconds * 0.9 < time.perf_counter() - start < LIMITS.body_seconds + 2


def test_every_answer_has_the_headers_of_a_page_that_runs_nothing_foreign(url):
    for path in ("/healthz", "/v1/predict", "/none"):
        headers = httpx.get(f"{url}{path}").headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert (headers["x-content-type-options"], headers["hilum-version"]) == ("nosniff", __version__)
        assert headers["cache-control"] == "no-store"
        assert "server" not in headers


def test_neither_logs_nor_audit_name_a_film_or_a_header(url, client, service, caplog):
    with caplog.at_level("INFO", logger="hilum.serve"):
        sha = client.predict([(NAME, film(8))], bundle="").answers[0].sha256
        httpx.get(f"{url}/healthz", params={"patient": "Doe^Jane"}, headers={"x-patient": "Doe^Jane"})
        httpx.get(f"{url}/Doe^Jane")
        while (
            len(rows := [json.loads(r.getMessage()) for r in caplog.records if r.name == "hilum.serve"]) < 3
        ):
            time.sleep(0.01)  # a line is written when its answer has gone out
    assert [(r["method"], r["route"], r["status"]) for r in rows] == [
        ("POST", "/v1/predict", 200),
        ("GET", "/healthz", 200),
        ("GET", "none", 404),
    ]
    text = (service.state / LOG).read_text()
    assert "Doe" not in caplog.text + text
    last = json.loads(text.splitlines()[-1])
    assert (last["event"], last["films"][0]["sha256"], last["token"]) == ("predict", sha, "local")
    assert verify(service.state).wrong == ""


def test_feedback_is_noted_under_the_bundle_and_asks_for_a_class(client, service):
    told = client.predict([("a", film(9))])
    assert client.feedback(told.request_id, told.answers[0].sha256, "covid").noted
    last = json.loads((service.state / LOG).read_text().splitlines()[-1])
    assert (last["event"], last["of"], last["label"]) == ("feedback", told.request_id, "covid")
    with pytest.raises(ServiceError, match="the bundle has no class 'covd'; did you mean 'covid'") as e:
        client.feedback(told.request_id, told.answers[0].sha256, "covd")
    assert e.value.status == 422


def test_bundles_metrics_and_health(url, client):
    (bundle,) = client.bundles()
    assert (bundle.name, bundle.classes, bundle.positive) == ("tiny", ["covid", "normal"], "covid")
    assert bundle.engine_why == "asked for"
    assert client.health().hilum == client.ready().hilum == __version__
    text = httpx.get(f"{url}/metrics").text
    found = list(text_string_to_metric_families(text))
    assert len({f.name for f in found}) == len(found) > 15
    checked = subprocess.run(
        [needed_program("promtool", "prometheus"), "check", "metrics"],
        input=text,
        capture_output=True,
        text=True,
    )
    assert "error" not in checked.stderr, checked.stderr
    assert 'hilum_requests_total{route="/v1/predict",status="200"}' in text
    (films,) = [f for f in found if f.name == "hilum_films"]
    assert {s.labels["outcome"] for s in films.samples} >= {"abstained"}


def test_no_route_is_built_at_a_request(service, monkeypatch):
    """FastAPI would build them at the first one: it takes longer then, and threads meet in `warnings.catch_warnings`."""
    app = make_app(service)
    monkeypatch.setattr("fastapi.routing.get_dependant", None)
    browser = TestClient(app, "http://127.0.0.1")
    assert [
        browser.get(at).status_code for at in ("/healthz", "/v1/bundles", "/review", "/login", "/monitor")
    ] == [200] * 5
    assert browser.get("/openapi.json").json() == app.openapi()


def test_no_film_is_written_to_the_disk(client, service, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    marked = film(11) + b"the end of this very film"
    client.predict([("a", marked), ("b", marked)])
    client.explain(("a", marked), checks=False)
    assert list(tmp_path.iterdir()) == []
    held = [p for p in service.state.rglob("*") if p.is_file()]
    assert held
    assert not any(b"this very film" in p.read_bytes() for p in held)
