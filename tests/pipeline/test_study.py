"""A whole study on synthetic films: found again, resumed after a kill, the same bytes for any number of workers."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from called import called
from hilum.artifacts.flow import Flow
from hilum.artifacts.manifest import Manifest
from hilum.artifacts.predictions import Predictions
from hilum.artifacts.split import Split
from hilum.core.engine import Local
from hilum.core.seeding import generator
from hilum.stages.ingest import ingest
from hilum.workflow import rates
from striped_films import make_films

STUDY = """
name = "small"
seed = 3
[grid]
backbones = ["tf_efficientnet_lite0", "squeezenet1_0"]
pipelines = ["baseline", "crop-distortion"]
trials = 2
[weights]
squeezenet1_0 = "none"
[augment]
size_px = 64
[sampling]
covid = 1.5
[features]
precision = "fp32"  # "auto" is measured for each workspace, and a busy machine may settle two of them differently
[training]
epochs = 4
learning_rate = 2e-3
[statistics]
resamples = 100
"""


TELLS_MODULES = """
import os, sys
from pathlib import Path
from hilum.cli.main import main
try:
    main()
finally:
    Path(os.environ["MODULES"]).write_text(" ".join(sys.modules))
"""


@pytest.fixture(scope="module", autouse=True)
def _threads_of_a_user() -> Iterator[None]:
    """Of every process as many as its machine has, so that one worker and two do not agree by chance."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("OMP_NUM_THREADS", raising=False)
        yield


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a manifest of 160 films and a study file."""
    root = tmp_path_factory.mktemp("films")
    ingest([f"synthetic={make_films(root / 'films', 160)}"], root / "manifest.csv", engine=Local(1))
    (root / "small.toml").write_text(STUDY)
    return root


def words(films: Path, workspace: Path, *more: str) -> list[str]:
    return [
        "run", str(films / "small.toml"), "--manifest", str(films / "manifest.csv"), "--workspace", str(workspace), *more,
    ]  # fmt: skip


def command(films: Path, workspace: Path, *more: str) -> list[str]:
    """The words as a process of its own."""
    return [sys.executable, "-m", "hilum.cli.main", *words(films, workspace, *more)]


def hilum(films: Path, workspace: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """The words in this process."""
    return called(*words(films, workspace, *more))


def stages(stderr: str) -> dict[str, tuple[int, int]]:
    """Stage -> (done, found) of the table that a run prints at its end."""
    lines = stderr.split("stage ", 1)[1].splitlines()[2:]  # below the heads and their rule
    return {
        " ".join(w[:-3]): (int(w[-3]), int(w[-2])) for w in (line.split() for line in lines if line.strip())
    }


def run_of(workspace: Path) -> Path:
    """The run of both backbones; another test may have added one of its own."""
    return next(r for r in (workspace / "runs").iterdir() if list(r.glob("cells/squeezenet1_0--*")))


def predictions(workspace: Path) -> dict[str, bytes]:
    run = run_of(workspace)
    return {str(p.relative_to(run)): p.read_bytes() for p in sorted(run.rglob("predictions.csv"))}


@pytest.fixture(scope="module")
def finished(films: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A workspace after an unbroken run with one worker in a process of its own, and what it printed on stderr."""
    workspace = tmp_path_factory.mktemp("finished")
    done = subprocess.run(
        [sys.executable, "-c", TELLS_MODULES, *words(films, workspace, "--workers", "1")],
        env={**os.environ, "MODULES": str(workspace / "modules.txt")}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).name == "report.html"
    return workspace, done.stderr


def test_everything_is_there(finished: tuple[Path, str], films: Path) -> None:
    workspace, stderr = finished
    run = run_of(workspace)
    assert len(predictions(workspace)) == 8
    done = stages(stderr)
    assert done["train"] == (8, 0)
    assert done["predict"] == (8, 0)
    manifest = Manifest.read(films / "manifest.csv")
    for trial in (1, 2):
        split = Split.read(run / "splits" / f"trial-{trial}.json")
        split.check(manifest)
        assert sum(len(ids) for ids in split.parts.values()) == len(manifest)
        p = Predictions.read(
            run / "cells" / "tf_efficientnet_lite0--baseline--constant" / f"trial-{trial}" / "predictions.csv"
        )
        assert p.provenance == "hilum"
        assert set(p.image_ids) == {*split.parts["valid"], *split.parts["test"]}
        assert np.allclose(p.probabilities.sum(axis=1), 1, atol=1e-6)
    tests = [Split.read(run / "splits" / f"trial-{t}.json").parts["test"] for t in (1, 2)]
    assert tests[0] == tests[1]


def test_heads_on_frozen_backbones_load_nothing_that_trains_whole_networks(
    finished: tuple[Path, str],
) -> None:
    """It takes a process two seconds."""
    loaded = set((finished[0] / "modules.txt").read_text().split())
    assert {"torch", "hilum.stages.train"} <= loaded
    assert loaded & {"lightning_fabric", "torchmetrics", "transformers", "hilum.stages.finetune"} == set()


def test_the_flow_of_films_ends_in_the_films_that_were_scored(finished: tuple[Path, str]) -> None:
    run = run_of(finished[0])
    flow = Flow.of_run(run)
    assert flow is not None
    assert [(s.name, s.films) for s in flow.steps] == [
        ("files and rows found", 160),
        ("films in the manifest", 160),
        ("films of the study’s classes", 160),
        ("films of the study", 160),
    ]
    for t in flow.trials:
        split = Split.read(run / "splits" / f"trial-{t.trial}.json")
        drawn = json.loads((run / "prepared" / f"baseline--trial-{t.trial}.json").read_text())
        assert t.copies == len(drawn["train"])
        assert t.copied == len({line[0] for line in drawn["train"]})
        assert t.parts == {p: len(ids) for p, ids in split.parts.items()}
        p = Predictions.read(next(run.glob(f"cells/*/trial-{t.trial}/predictions.csv")))
        assert t.scored == {part: p.parts.count(part) for part in ("valid", "test")}
    assert [t.trial for t in flow.trials] == [1, 2]


def test_a_planted_sign_is_found(finished: tuple[Path, str]) -> None:
    run = run_of(finished[0])
    p = Predictions.read(
        run / "cells" / "tf_efficientnet_lite0--baseline--constant" / "trial-1" / "predictions.csv"
    ).of_part("test")
    right = p.probabilities.argmax(axis=1) == p.y_index()
    assert right.mean() > 0.9
    # and a film says nothing of another film's class: against shuffled labels it is chance
    shuffled = generator(1, "shuffle").permutation(p.y_index())
    assert abs((p.probabilities.argmax(axis=1) == shuffled).mean() - 0.25) < 4 * (0.25 * 0.75 / len(p)) ** 0.5


def test_pipelines_share_what_chance_left_alone(finished: tuple[Path, str]) -> None:
    workspace, stderr = finished
    done = stages(stderr)
    run = run_of(workspace)
    drawn = [json.loads(p.read_text()) for p in sorted((run / "prepared").glob("*.json"))]
    wanted = sum(len(d[part]) for d in drawn for part in ("train", "valid", "test"))
    distinct = {row[2] for d in drawn for part in ("train", "valid", "test") for row in d[part]}
    assert done["featurize tf_efficientnet_lite0"] == (len(distinct), 0)
    assert len(distinct) < 0.5 * wanted
    acting = [row for d in drawn for row in d["train"] if row[3]]
    assert 0 < len(acting) < 0.3 * wanted


@pytest.mark.parametrize("noted", [True, False])
def test_a_second_run_does_nothing(finished: tuple[Path, str], films: Path, noted: bool) -> None:
    """By the note that the first left, and without it, when every stage finds its work by digest."""
    before = predictions(finished[0])
    notes = list((finished[0] / "finished").iterdir())
    assert notes
    if not noted:
        for path in notes:
            path.unlink()
    done = stages(hilum(films, finished[0]).stderr)
    assert all(n == 0 for stage, (n, _) in done.items() if stage != "split")
    assert predictions(finished[0]) == before


def test_report_again_leaves_the_study_as_it_was(finished: tuple[Path, str]) -> None:
    run = run_of(finished[0])
    before = {p: p.read_bytes() for p in run.rglob("*") if p.is_file()}
    done = called("report", str(run), "--quiet")
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()) == run / "report.html"
    assert {p: p.read_bytes() for p in run.rglob("*") if p.is_file()} == before
    # the study's own 100 resamples, not the default
    assert json.loads((run / "statistics.header.json").read_text())["header"]["options"]["n_resamples"] == 100


@pytest.mark.slow  # two workers give the same bytes in the run that is killed, below
@pytest.mark.parametrize("at_once", [1, 2])
def test_the_same_bytes_with_two_workers_and_two_runs_at_once(
    finished: tuple[Path, str], films: Path, tmp_path: Path, at_once: int
) -> None:
    runs = [
        subprocess.Popen(
            command(films, tmp_path, "--workers", "2"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(at_once)
    ]
    for process in runs:
        _, stderr = process.communicate(timeout=600)
        assert process.returncode == 0, stderr
    assert predictions(tmp_path) == predictions(finished[0])


def test_another_setting_has_a_run_of_its_own_and_shares_features(
    finished: tuple[Path, str], films: Path
) -> None:
    done = hilum(
        films,
        finished[0],
        "--set",
        "training.epochs=1",
        "--set",
        'grid.backbones=["tf_efficientnet_lite0"]',
        "--set",
        "weights={}",
    )
    assert done.returncode == 0, done.stderr
    assert stages(done.stderr)["featurize tf_efficientnet_lite0"][0] == 0
    assert stages(done.stderr)["train"] == (4, 0)
    assert len(list((finished[0] / "runs").iterdir())) == 2


@pytest.mark.parametrize("when", [pytest.param("features", marks=pytest.mark.slow), "trials"])
def test_a_killed_run_goes_on_and_gives_the_same_bytes(
    finished: tuple[Path, str], films: Path, tmp_path: Path, when: str
) -> None:
    """Before and after with two workers; the unbroken run has one."""
    process = subprocess.Popen(
        command(films, tmp_path, "--workers", "2"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    pattern = {"features": "features/*/*.ids.npy", "trials": "trials/[0-9a-f]*/train.json"}[when]
    deadline = time.monotonic() + 300
    while not list(tmp_path.glob(pattern)) and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    finished_then = len(list(tmp_path.glob(pattern)))
    done = hilum(films, tmp_path, "--workers", "2")
    assert done.returncode == 0, done.stderr
    found = stages(done.stderr)
    assert found["featurize tf_efficientnet_lite0"][1] > 0
    if when == "trials":
        assert found["train"][1] >= finished_then > 0
        assert found["featurize squeezenet1_0"][0] == 0
    assert predictions(tmp_path) == predictions(finished[0])
    assert not list((tmp_path / "prepared").glob(".tasks-*"))


def test_dry_run_prints_a_plan_and_computes_nothing(
    films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rates, "start_of_worker", lambda _: 1.0)  # or three processes are tried
    done = hilum(films, tmp_path, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "cells     4 cells x 2 trials" in done.stdout
    assert "featurize squeezenet1_0" in done.stdout
    assert not (tmp_path / "features").exists()
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("assignment", "code", "message"),
    [
        ("training.epoch=5", 2, "unknown key 'training.epoch'; did you mean 'epochs'?"),
        ('grid.backbones=["resnet5"]', 2, "weights names 'squeezenet1_0', which is not in grid.backbones"),
        ('grid.pipelines=["corp"]', 2, "unknown pipeline 'corp'; did you mean 'crop'?"),
        (
            'data.classes=["covid", "tuberculosis"]',
            2,
            "the study's class 'tuberculosis' has no film in the manifest",
        ),
    ],
)
def test_a_wrong_option_gets_one_line(
    films: Path, tmp_path: Path, assignment: str, code: int, message: str
) -> None:
    done = hilum(films, tmp_path, "--set", assignment)
    assert done.returncode == code
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
