"""A bundle takes another's place while requests go on; a shadow is seen by the log alone; a stop finishes what was taken."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from hilum.artifacts.bundle import Bundle, bundle_version
from hilum.client import Client, ServiceError
from hilum.core.errors import InputError, UnsafeError
from hilum.serve import swap
from hilum.serve.audit_log import LOG, verify
from hilum.serve.server import Serving, listening_at, make_service
from hilum.serve.swap import BundleWatch
from serving import film, made, running, with_limits


def copy_of(tiny, to, **changed):
    """The model with other settings: another bundle."""
    shutil.copytree(tiny / "model", to)
    bundle, header, state = Bundle.read(to)
    replace(bundle, **changed).write(to, header, state)
    return to


@pytest.fixture
def other(tiny, tmp_path):
    return copy_of(
        tiny,
        tmp_path / "bundles" / "other",
        operating_point={"threshold": 0.123, "rule": "given", "chosen_on": "valid"},
    )


def rows(service):
    return [json.loads(line) for line in (service.state / LOG).read_text().splitlines()]


def test_an_exchange_under_load_loses_no_request(tiny, other, tmp_path):
    service = made(tiny / "model", tmp_path / "state", bundles_from=(other.parent,))
    before, after = bundle_version(tiny / "model"), bundle_version(other)
    with running(service) as url:
        stop, seen = threading.Event(), []

        def ask(k):
            with Client(url) as client:
                while not stop.is_set():
                    seen.append(client.predict([("a", film(k))]).bundle.digest)

        with ThreadPoolExecutor(4) as pool:
            asking = [pool.submit(ask, k) for k in range(4)]
            while not seen:
                time.sleep(0.01)
            with Client(url) as client:
                for folder in (other, tiny / "model"):
                    if folder == other:
                        assert client.put_bundle("tiny", folder, "another threshold")[0].digest == after
                    else:
                        with pytest.raises(ServiceError, match="bundles may come from these folders only"):
                            client.put_bundle("tiny", folder)
            time.sleep(0.3)
            stop.set()
            for a in asking:
                a.result()
        assert set(seen) == {before, after}
        assert seen[-1] == after
    noted = Counter(r["bundle"] for r in rows(service) if r["event"] == "predict")
    assert noted == Counter(seen)
    (exchange,) = [r for r in rows(service) if r["event"] == "bundle"]
    assert (exchange["was"], exchange["bundle"], exchange["why"]) == (before, after, "another threshold")


def test_a_bundle_of_other_classes_or_none_is_refused_and_the_old_one_stays(tiny, tmp_path):
    folder = copy_of(tiny, tmp_path / "bundles" / "swapped", positive="normal")
    service = made(tiny / "model", tmp_path / "state", bundles_from=(folder.parent,))
    with running(service) as url, Client(url) as client:
        with pytest.raises(
            ServiceError, match="expected a bundle of the classes covid, normal with covid positive"
        ):
            client.put_bundle("tiny", folder)
        with pytest.raises(ServiceError, match="expected a bundle"):
            client.put_bundle("tiny", folder.parent / "none")
        with pytest.raises(ServiceError, match="there is no bundle 'tny'"):
            client.put_bundle("tny", folder)
        assert client.predict([("a", film())]).bundle.digest == bundle_version(tiny / "model")


def test_a_folder_that_holds_another_bundle_is_taken_and_a_damaged_one_is_not(
    tiny, other, tmp_path, monkeypatch
):
    monkeypatch.setattr(swap, "LOOK_S", 0.05)
    folder = copy_of(tiny, tmp_path / "served")
    service = made(folder, tmp_path / "state")
    watch = BundleWatch(service)
    with running(service) as url, Client(url) as client:
        (folder / "bundle.json").write_text("{")
        time.sleep(0.3)
        assert client.predict([("a", film())]).bundle.digest == service.bundles.named("").reader.version
        shutil.copy(other / "bundle.json", folder / "bundle.json")
        end = time.monotonic() + 30
        while client.predict([("a", film())]).bundle.digest != bundle_version(other):
            assert time.monotonic() < end
            time.sleep(0.05)
        watch.close()


def test_a_shadow_scores_the_same_films_for_the_log_alone(tiny, other, tmp_path):
    service = made(tiny / "model", tmp_path / "state", shadow=other)
    with running(service) as url, Client(url) as client:
        answers = [client.predict([("a", film(k))]) for k in range(3)]
        assert {a.bundle.digest for a in answers} == {bundle_version(tiny / "model")}
    shadowed = [r for r in rows(service) if r["event"] == "shadow"]
    assert {r["request"] for r in shadowed} == {a.request_id for a in answers}
    assert {r["bundle"] for r in shadowed} == {bundle_version(other)}
    by_request = {r["request"]: r["films"][0] for r in shadowed}
    for a in answers:
        own = a.answers[0]
        assert by_request[a.request_id]["sha256"] == own.sha256
        assert by_request[a.request_id]["p"] == pytest.approx(dict(own.probabilities), abs=1e-6)


def test_a_stop_under_load_loses_and_doubles_nothing(tiny, tmp_path):
    service = made(tiny / "model", tmp_path / "state", limits=with_limits(waiting=64))
    answered, refused = [], []

    def ask(url, k):
        with Client(url, tries=1) as client:
            while True:
                try:
                    answered.append(client.predict([("a", film(k))]).request_id)
                except ServiceError as e:
                    refused.append(e.status)
                    return

    with ThreadPoolExecutor(8) as pool:
        with running(service) as url:
            asking = [pool.submit(ask, url, k) for k in range(8)]
            while len(answered) < 24:
                time.sleep(0.01)
        for a in asking:
            a.result()
    assert set(refused) <= {0, 503}
    noted = [r["request"] for r in rows(service) if r["event"] == "predict"]
    assert sorted(noted) == sorted(answered)
    assert rows(service)[-1]["event"] == "stopped"
    assert verify(service.state).wrong == ""


def test_a_full_service_says_when_to_come_again(tiny, tmp_path):
    service = made(
        tiny / "model", tmp_path / "state", "hostile:ready", limits=with_limits(waiting=2, film_seconds=2.0)
    )
    with running(service) as url:
        with ThreadPoolExecutor(6) as pool:
            done = list(pool.map(lambda _: _status(url, b"HANGS"), range(6)))
        assert Counter(s for s, _ in done) == {422: 2, 429: 4}
        assert all(int(after) >= 1 for s, after in done if s == 429)


def test_a_request_that_takes_too_long_is_given_up(tiny, tmp_path):
    service = made(tiny / "model", tmp_path / "state", "hostile:ready", limits=with_limits(seconds=0.5))
    with running(service) as url:
        status, after = _status(url, b"HANGS")
        assert (status, int(after) >= 1) == (503, True)


def test_a_client_that_goes_frees_its_place_and_is_no_error(tiny, tmp_path, caplog):
    service = made(tiny / "model", tmp_path / "state", "hostile:ready")
    with caplog.at_level("INFO", logger="hilum.serve"), running(service) as url:
        with pytest.raises(ServiceError, match="not reached"), Client(url, seconds=0.3) as client:
            client.predict([("a", b"HANGS")])
        end = time.monotonic() + 2
        while service.admission.requests:
            assert time.monotonic() < end
            time.sleep(0.01)
        assert service.admission.held_bytes == 0
    logged = [json.loads(r.getMessage()) for r in caplog.records if r.name == "hilum.serve"]
    assert [(row["route"], row["status"]) for row in logged] == [("/v1/predict", 499)]
    assert [r.getMessage() for r in caplog.records if r.levelname == "ERROR"] == []


def test_a_bundle_that_cannot_be_served_is_refused_before_another_is_loaded(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("hilum.serve.server.Served", lambda *_: pytest.fail("loaded"))
    (tmp_path / "empty").mkdir()
    unsafe = copy_of(tiny, tmp_path / "unsafe", unsafe=("leaks",))
    for bad, error, words in (
        (tmp_path / "empty", InputError, "expected a bundle"),
        (unsafe, UnsafeError, "unsafe"),
    ):
        for more in (
            {"bundles": [str(tiny / "model"), str(bad)]},
            {"bundles": [str(tiny / "model")], "shadow": bad},
        ):
            with pytest.raises(error, match=words):
                make_service(Serving(state=tmp_path / "state", **more))


def test_packets_of_an_answer_are_not_held_back():
    """A client that acknowledges late would wait 40 ms for the second one (Nagle's algorithm)."""
    at_once = []

    class Accepting(asyncio.Protocol):
        def connection_made(self, transport):
            sock = transport.get_extra_info("socket")
            at_once.append(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    async def accept(listening):
        async with await asyncio.get_running_loop().create_server(Accepting, sock=listening):
            _, writer = await asyncio.open_connection(*listening.getsockname())
            while not at_once:
                await asyncio.sleep(0.01)
            writer.close()

    with listening_at("127.0.0.1", 0) as listening:
        asyncio.run(accept(listening))
    assert at_once == [1]


def _status(url, data):
    import httpx

    response = httpx.post(
        f"{url}/v1/predict", content=data, headers={"content-type": "image/png"}, timeout=30
    )
    return response.status_code, response.headers.get("retry-after", "0")
