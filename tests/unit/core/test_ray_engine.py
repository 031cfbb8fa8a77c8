"""What holds of the local engine holds of Ray: order, few tasks ahead of need, errors as they were raised; what is lost is done again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import hilum.core.engine.ray as ray_engine
from hilum.core.engine import KEPT, engine_named
from hilum.core.engine.ray import Ray, keepers
from hilum.core.engine.ray.work import Kind, kind_here
from hilum.core.errors import FilmError, HilumError, InputError, MissingExtraError
from ray_nodes import ENVIRONMENT, ray_node
from ray_tasks import Counting, end_process, lost_once, odd, refuse, square

TESTS = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # of Ray's own sockets and processes
]


@pytest.fixture(scope="module")
def engine() -> Iterator[Ray]:
    """A cluster of one node with two CPUs."""
    path = os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH")]))
    with (
        pytest.MonkeyPatch.context() as patch,
        ray_node("127.0.0.2", environment={"PYTHONPATH": path}) as node,
    ):
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        found = Ray(None, node.address)
        yield found
        found.close()


def test_results_come_in_order_and_few_tasks_are_made_ahead_of_need(engine: Ray) -> None:
    assert (engine.cores, engine.cores_here, engine.device) == (2, 2, "cpu")
    assert engine.description == "Ray, 1 node, 2 CPUs"
    assert engine.unseen([Path("/nowhere")], Path("/nowhere")) == [], "this node is no other"
    made: list[int] = []

    def tasks() -> Iterator[int]:
        for k in range(1000):
            made.append(k)
            yield k

    results = engine.map(square, tasks())
    for k in range(60):
        n, pid = next(results)
        assert n == k * k
        assert pid != os.getpid()
        assert len(made) <= k + 1 + 2 * KEPT
    results.close()  # type: ignore[attr-defined]
    assert len(made) < 1000
    assert list(engine.map(square, [])) == []
    held: list[int] = []
    assert list(engine.map(held.append, range(3), here=True)) == [None] * 3
    assert held == [0, 1, 2]


def test_an_error_of_a_task_is_raised_here_as_it_was_raised_there(engine: Ray) -> None:
    with pytest.raises(FilmError, match=r"^film 2 ends early$") as e:
        list(engine.map(refuse, [1, 2, 3]))
    assert e.value.reason == "truncated"
    assert "ray_tasks.py" in str(e.value.__cause__)
    with pytest.raises(HilumError, match=r"^Odd: it went wrong at 1$"):
        list(engine.map(odd, [1]))


def test_what_is_lost_is_done_again(engine: Ray, tmp_path: Path) -> None:
    assert list(engine.map(lost_once, [(n, tmp_path) for n in range(5)])) == [0, 10, 20, 30, 40]
    assert (tmp_path / "lost").exists()


def test_a_task_that_ends_its_process_is_answered_for_and_the_others_are_done(
    engine: Ray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keepers, "RETRIES", 1)
    assert list(engine.map(end_process, range(6), killed=lambda n: -n)) == [0, 1, 2, -3, 4, 5]
    monkeypatch.setattr(keepers, "RETRIES", 0)
    with pytest.raises(InputError, match="the process of a task was ended again and again"):
        list(engine.map(end_process, range(6)))


def test_tasks_that_want_a_place_go_to_one_that_keeps_the_function(engine: Ray, tmp_path: Path) -> None:
    """Its process is killed at the third; another takes its place, and the results are those of all tasks, in order."""
    done = list(engine.map(Counting(tmp_path), range(5), alone=2))
    assert [n for n, _, _ in done] == [0, 1, 2, 3, 4]
    assert [count for _, count, _ in done] == [1, 2, 1, 2, 3]
    pids = [pid for _, _, pid in done]
    assert len(set(pids[:2])) == len(set(pids[2:])) == 1
    assert pids[0] != pids[2]


def test_a_node_of_another_kind_is_refused_by_name(engine: Ray, monkeypatch: pytest.MonkeyPatch) -> None:
    from hilum.core.engine.ray import cluster

    other = Kind("Other CPU @ 1 GHz", (("torch", "0.4"), *kind_here().versions))
    monkeypatch.setattr(cluster, "kind_here", lambda: other)
    with pytest.raises(
        InputError, match=r"node 127\.0\.0\.2: its processor is .*, here it is 'Other CPU @ 1 GHz'"
    ):
        cluster.require_alike(cluster.nodes())
    monkeypatch.setattr(ray_engine, "kind_here", lambda: other)
    with pytest.raises(
        InputError, match=r"its processor is .*, here it is 'Other CPU @ 1 GHz'; results are the same"
    ):
        list(engine.map(square, [1]))


def test_what_cannot_be_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with pytest.raises(InputError, match=r"--address '127.0.0.9:1' is of a Ray cluster; say --engine ray"):
        engine_named("local", None, "127.0.0.9:1")
    with pytest.raises(InputError, match=r"'ray://head:10001': expected HOST:PORT of the cluster"):
        engine_named("ray", None, "ray://head:10001")
    with pytest.raises(InputError, match="--workers is of this machine"):
        engine_named("ray", 2, "127.0.0.9:1")
    with pytest.raises(InputError, match="give --workers 1 or more"):
        engine_named("ray", 0)
    monkeypatch.setattr("hilum.core.extras.find_spec", lambda _: None)
    with pytest.raises(
        MissingExtraError, match=r"needs the package 'ray'; install it with: pip install 'hilum\[ray\]'"
    ):
        engine_named("ray", None)
