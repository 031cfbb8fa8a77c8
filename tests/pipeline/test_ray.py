"""A study on the nodes of a Ray cluster: the same bytes as on this machine, though a node or the command itself is killed meanwhile."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import hilum
from called import called
from hilum.core.engine import ENGINES, Local
from hilum.core.engine.ray import Ray
from hilum.core.errors import InputError
from hilum.stages import duplicates, featurize, prepare
from hilum.stages.ingest import ingest
from hilum.workflow import workspace
from ray_nodes import ENVIRONMENT, ray_node
from run_bytes import results
from s3_server import BUCKET, s3_server
from striped_films import make_films

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]

STUDY = """
name = "small"
seed = 3
[grid]
backbones = ["squeezenet1_0", "cnn"]
pipelines = ["baseline", "crop"]
trials = 2
[weights]
squeezenet1_0 = "none"
[augment]
size_px = 64
[features]
precision = "fp32"
[training]
epochs = 2
[statistics]
resamples = 100
"""
KILLED = """
import os, signal
from hilum.cli.main import main
from hilum.core.engine.ray import Ray

do = Ray.map
def killing(self, function, tasks, **how):
    for result in do(self, function, tasks, **how):
        if type(function).__name__ == "Featurizer":
            os.kill(os.getpid(), signal.SIGKILL)
        yield result
Ray.map = killing
main()
"""


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("films")
    ingest([f"synthetic={make_films(root / 'films', 64)}"], root / "manifest.csv", engine=Local(0))
    (root / "small.toml").write_text(STUDY)
    return root


@pytest.fixture(scope="module")
def at_home(films: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What the study gives on this machine, in one process."""
    found = results(run(films, tmp_path_factory.mktemp("local"), workers=0))
    assert len(found) > 60
    return found


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3_server() as url:
        yield url


@pytest.fixture(scope="module", autouse=True)
def many_tasks() -> Iterator[None]:
    """Of few films; the chunks of prepared films are named in a run."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        patch.setattr(duplicates, "_HERE_BELOW", 2)
        patch.setattr(duplicates, "_CHUNK_FILMS", 16)
        patch.setattr(prepare, "CHUNK", 4)  # so many that no node does all before another one has begun
        patch.setattr(featurize, "SHARD", 16)
        yield


def run(films: Path, workspace: Path, **how: Any) -> Path:
    done = hilum.run(
        films / "small.toml", manifest=films / "manifest.csv", workspace=workspace, quiet=True, **how
    )
    return done.path


def others(found: Path, at_home: dict[str, bytes]) -> list[str]:
    """Files of a run that are not as at home, or not there."""
    have = results(found)
    return sorted(name for name in {*have, *at_home} if have.get(name) != at_home.get(name))


def process(code: str, words: list[str]) -> subprocess.CompletedProcess[str]:
    """Code in a process of its own that settles for as many threads as this one: of several workers of pytest each has its share."""
    cores = sorted(os.sched_getaffinity(0))[: workspace.available_cores()]
    of_cores = ["taskset", "--cpu-list", ",".join(map(str, cores))]
    return subprocess.run(
        [*of_cores, sys.executable, "-c", code, *words], capture_output=True, text=True, check=False
    )


def _but_prepared(names: list[str]) -> list[str]:
    """Without what names chunks of prepared films: a process of its own has larger ones than `many_tasks` says."""
    return [n for n in names if not n.startswith("prepared/")]


def after(function: str, then: Callable[[], None]) -> type[Ray]:
    """An engine that does something when the first task of a function has been done."""

    class Watched(Ray):
        def map(self, of: Any, tasks: Any, **how: Any) -> Iterator[Any]:  # type: ignore[override]
            for k, result in enumerate(super().map(of, tasks, **how)):
                if k == 0 and getattr(of, "__name__", type(of).__name__) == function:
                    then()
                yield result

    return Watched


def test_two_nodes_and_a_common_folder_and_one_node_is_killed_while_heads_are_trained(
    films: Path, at_home: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ray_node("127.0.0.2") as head, ray_node("127.0.0.3", join=head) as other:
        monkeypatch.setitem(ENGINES, "ray", after("train_heads", other.kill))
        found = run(films, tmp_path / "shared", engine="ray", address=head.address)
        assert other.process.poll() is not None
    assert others(found, at_home) == []
    assert not list((tmp_path / "shared").glob(".ray-*"))


def test_a_command_that_was_killed_goes_on_from_what_is_stored(
    films: Path, at_home: dict[str, bytes], tmp_path: Path
) -> None:
    with ray_node("127.0.0.2") as head:
        words = [
            "run", str(films / "small.toml"), "--manifest", str(films / "manifest.csv"), "--workspace", str(tmp_path), "--engine", "ray",
            "--address", head.address,
        ]  # fmt: skip
        killed = process(KILLED, words)
        assert killed.returncode == -9, killed.stderr
        shards = {p.name for p in tmp_path.glob("features/*/*.npy")}
        assert shards
        done = called(*words)
    assert done.returncode == 0, done.stderr
    assert _but_prepared(others(Path(done.stdout.strip()).parent, at_home)) == []
    assert shards <= {p.name for p in tmp_path.glob("features/*/*.npy")}


def test_without_an_address_ray_starts_here_and_ends_with_the_command(
    films: Path, at_home: dict[str, bytes], tmp_path: Path
) -> None:
    words = [
        "run", str(films / "small.toml"), "--manifest", str(films / "manifest.csv"), "--workspace", str(tmp_path), "--engine", "ray",
        "--workers", "2",
    ]  # fmt: skip
    done = process("from hilum.cli.main import main; main()", words)
    assert done.returncode == 0, done.stderr
    assert _but_prepared(others(Path(done.stdout.strip()).parent, at_home)) == []


@pytest.fixture
def hidden(films: Path, tmp_path: Path) -> list[str]:
    """What begins a process that sees neither the films nor what this process and the first node keep."""
    mounts = " && ".join(f"mount -t tmpfs none '{p}'" for p in (films, tmp_path / "driver", tmp_path / "one"))
    words = ["unshare", "--mount", "sh", "-c", f'{mounts} && exec "$@"', "sh"]
    for name in ("driver", "one", "two"):
        (tmp_path / name).mkdir()
    if (
        shutil.which("unshare") is None
        or subprocess.run([*words, "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("this user may not hide folders from a process (unshare --mount)")
    return words


@pytest.mark.usefixtures("server")
def test_two_nodes_without_a_common_folder_and_one_is_killed_while_features_are_computed(
    films: Path, at_home: dict[str, bytes], hidden: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that they share is a bucket: each has its mirror where the others do not see it, and one does not see the films."""
    monkeypatch.setenv("HILUM_MIRROR", str(tmp_path / "driver"))
    keys = {k: v for k, v in os.environ.items() if k.startswith("AWS_")}

    def node(name: str) -> dict[str, str]:
        return {**keys, "HILUM_MIRROR": str(tmp_path / name)}

    with (
        ray_node("127.0.0.2", environment=node("one")) as head,
        ray_node("127.0.0.3", join=head, environment=node("two"), within=hidden) as other,
    ):
        monkeypatch.setitem(ENGINES, "ray", after("Featurizer", other.kill))
        with hilum.workspace_at(f"s3://{BUCKET}/two-nodes") as workspace:
            found = run(films, workspace, engine="ray", address=head.address)
            assert found.is_relative_to(tmp_path / "driver")
        assert other.process.poll() is not None
    assert others(found, at_home) == []
    assert list((tmp_path / "two").glob("*/prepared/*.npy")), "the second node took part"
    assert list((tmp_path / "two").glob("*/films/*/*")), "with films from the bucket"


def test_a_node_that_does_not_see_the_workspace_is_refused_by_name(
    films: Path, hidden: list[str], tmp_path: Path
) -> None:
    with (
        ray_node("127.0.0.2") as head,
        ray_node("127.0.0.3", join=head, within=hidden),
        pytest.raises(InputError) as e,
    ):
        run(films, tmp_path / "one", engine="ray", address=head.address)
    assert f"node 127.0.0.3 does not see the workspace {tmp_path / 'one'}" in str(e.value)
    assert f"node 127.0.0.3 does not see {films / 'films'}" in str(e.value)
