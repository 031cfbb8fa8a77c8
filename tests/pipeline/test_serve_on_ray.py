"""`hilum serve --engine ray`: what the nodes of a Ray cluster answer is what this machine answers, though one of them dies meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hilum.artifacts.bundle import Bundle, bundle_version
from hilum.client import Client
from hilum.core.errors import InputError
from hilum.serve.replicas import Replication
from hilum.serve.server import OnRay
from needs import needed_module
from ray_nodes import ENVIRONMENT, RayNode, ray_node
from serving import film, made, running, with_limits

needed_module("ray.serve")  # which warns of what it does itself
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]
LIMITS = with_limits(waiting=64, seconds=60)


@pytest.fixture(scope="module")
def nodes() -> Iterator[tuple[RayNode, RayNode]]:
    """A cluster of two nodes of two CPUs; the second is killed by the last test."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        with ray_node("127.0.0.2") as head, ray_node("127.0.0.3", join=head) as other:
            yield head, other


def said(url: str, k: int) -> dict[str, Any]:
    """What is answered of a film, but for the request's id."""
    with Client(url) as client:
        found = client.predict([(f"film-{k}", film(k))])
    return {"digest": found.bundle.digest, "answers": [vars(a) for a in found.answers]}


def on_ray(bundle: Path, state: Path, address: str, **more: Any) -> Any:
    return made(bundle, state, limits=LIMITS, on_ray=OnRay(0, address), **more)


def test_two_nodes_answer_as_this_machine_does_and_exchange_bundles(
    tiny_study: Path, nodes: tuple[RayNode, RayNode], tmp_path: Path
) -> None:
    from ray import serve

    other = tmp_path / "bundles" / "other"
    bundle, header, state = Bundle.read(tiny_study / "model")
    replace(bundle, operating_point={"threshold": 0.123, "rule": "given", "chosen_on": "valid"}).write(
        other, header, state
    )
    with running(made(tiny_study / "model", tmp_path / "here", limits=LIMITS)) as url:
        expected = [said(url, k) for k in range(8)]
    service = on_ray(tiny_study / "model", tmp_path / "there", nodes[0].address, bundles_from=(other.parent,))
    assert service.replication.words == "2 replicas on Ray, 2 nodes, 4 CPUs"
    with running(service) as url:
        assert [said(url, k) for k in range(8)] == expected
        (application,) = serve.status().applications.values()
        (deployment,) = application.deployments.values()
        assert deployment.replica_states == {"RUNNING": 2}
        with Client(url) as client:
            (named,) = client.put_bundle("tiny", other, "another threshold")
        assert named.digest == bundle_version(other)
        found = said(url, 0)
        assert found["digest"] == bundle_version(other)
        assert found["answers"][0]["probabilities"] == expected[0]["answers"][0]["probabilities"]


def test_what_a_service_that_was_killed_left_is_ended_by_the_next(
    nodes: tuple[RayNode, RayNode], tmp_path: Path
) -> None:
    from ray import serve

    first = Replication(tmp_path, 1, nodes[0].address)
    left = serve.deployment(lambda: None).bind()
    for name in (f"{first._prefix}7", "somebody-else"):
        serve.run(left, name=name, route_prefix=None)
    second = Replication(tmp_path, 3, nodes[0].address)
    assert second.words.startswith("3 replicas on Ray")
    assert set(serve.status().applications) == {"somebody-else"}
    second.close()
    third = Replication(tmp_path, 1, nodes[0].address)
    assert set(serve.status().applications) == {"somebody-else"}, "of others nothing is ended"
    serve.delete("somebody-else")
    third.close()
    first.close()  # it connected this process, which Ray would end a minute after the nodes


def test_a_bundle_that_a_replica_cannot_load_is_refused(
    tiny_study: Path, nodes: tuple[RayNode, RayNode], tmp_path: Path
) -> None:
    service = on_ray(tiny_study / "model", tmp_path / "state", nodes[0].address)
    with running(service):
        reader = service.bundles.named("").reader
        reader.version = "another"
        with pytest.raises(InputError, match=r"no replica could be started: .*holds another bundle"):
            service.replication.of(reader)


def test_a_node_is_killed_and_no_request_is_lost(
    tiny_study: Path, nodes: tuple[RayNode, RayNode], tmp_path: Path
) -> None:
    with running(on_ray(tiny_study / "model", tmp_path / "state", nodes[0].address)) as url:
        expected = [said(url, k) for k in range(4)]
        end = time.monotonic() + 20
        killed = []

        def ask(k: int) -> list[dict[str, Any]]:
            found = []
            while time.monotonic() < end:
                found.append(said(url, k))
                if k == 0 and len(found) == 20:
                    nodes[1].kill()
                    killed.append(time.monotonic())
            return found

        with ThreadPoolExecutor(4) as pool:
            for k, answers in enumerate(pool.map(ask, range(4))):
                assert len(answers) > 20
                assert all(a == expected[k] for a in answers)
        assert killed
        assert killed[0] < end - 5
