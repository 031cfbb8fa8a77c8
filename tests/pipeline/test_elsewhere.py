"""A study whose workspace is in object storage: the same bytes as in a folder, killed and gone on with from a machine that has nothing."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from called import called
from hilum.core.engine import Local
from hilum.stages.ingest import ingest
from run_bytes import results
from s3_server import BUCKET, s3_server
from striped_films import make_films

pytestmark = pytest.mark.slow

STUDY = """
name = "small"
seed = 3
[data]
near_duplicates = false
[grid]
backbones = ["squeezenet1_0"]
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
COMPUTED = ("audit", "prepare", "featurize squeezenet1_0", "train", "predict", "evaluate")
KILLED = """
import os, signal, sys
from hilum.cli.main import main
from hilum.core.address import Address

put, killed_at = Address.put, sys.argv.pop(1)
def killing(self, path, name, create):
    version = put(self, path, name, create)
    if killed_at in name:
        os.kill(os.getpid(), signal.SIGKILL)
    return version
Address.put = killing
main()
"""


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("films")
    ingest([f"synthetic={make_films(root / 'films', 64)}"], root / "manifest.csv", engine=Local(0))
    (root / "small.toml").write_text(STUDY)
    return root


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3_server() as url:
        yield url


def words(films: Path, workspace: str) -> list[str]:
    return [
        "run", str(films / "small.toml"), "--manifest", str(films / "manifest.csv"), "--workspace", workspace, "--workers", "0",
    ]  # fmt: skip


def stages(stderr: str) -> dict[str, tuple[int, int]]:
    lines = stderr.split("stage ", 1)[1].splitlines()[2:]
    return {" ".join(w[:-3]): (int(w[-3]), int(w[-2])) for w in map(str.split, lines) if w}


@pytest.fixture(scope="module")
def at_home(films: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What the study gives in a folder."""
    workspace = tmp_path_factory.mktemp("local")
    done = called(*words(films, str(workspace)))
    assert done.returncode == 0, done.stderr
    return results(Path(done.stdout.strip()).parent)


@pytest.mark.usefixtures("server")
def test_a_run_in_object_storage_equals_that_in_a_folder_and_is_found_from_elsewhere(
    films: Path, at_home: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"s3://{BUCKET}/whole"
    monkeypatch.setenv("HILUM_MIRROR", str(tmp_path / "one"))
    first = called(*words(films, url))
    assert first.returncode == 0, first.stderr
    run = Path(first.stdout.strip()).parent
    assert run.is_relative_to(tmp_path / "one")
    assert len(at_home) > 60
    assert results(run) == at_home

    again = called(*words(films, url))
    assert again.returncode == 0, again.stderr
    assert sum(done for done, _ in stages(again.stderr).values()) == 0, "found in a second, by its note"

    monkeypatch.setenv("HILUM_MIRROR", str(tmp_path / "other"))
    found = called(*words(films, url))
    assert found.returncode == 0, found.stderr
    there = stages(found.stderr)
    assert {name: there[name][0] for name in COMPUTED} == dict.fromkeys(COMPUTED, 0)
    assert there["train"] == (0, 4)
    other = Path(found.stdout.strip()).parent
    assert other.is_relative_to(tmp_path / "other")
    assert results(other) == at_home
    arrays = {p.name for p in (tmp_path / "other").rglob("*.npy") if p.stat().st_size >= 2**20}
    assert arrays == set(), "nothing large was needed"


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("killed_at", ["features/", "trials/", "predictions.csv"])
def test_a_killed_run_goes_on_from_a_machine_that_has_nothing(
    films: Path, at_home: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed_at: str
) -> None:
    url = f"s3://{BUCKET}/killed-{killed_at.strip('/')}"
    env = {**os.environ, "HILUM_MIRROR": str(tmp_path / "one")}
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, killed_at, *words(films, url)],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert killed.returncode == -9, killed.stderr
    monkeypatch.setenv("HILUM_MIRROR", str(tmp_path / "other"))
    done = called(*words(films, url))
    assert done.returncode == 0, done.stderr
    assert results(Path(done.stdout.strip()).parent) == at_home
