"""--dry-run prints the plan whatever is missing, lists it, and its times are those of every stage."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hilum.artifacts.manifest import Manifest
from hilum.core.engine import Local
from hilum.sources.layout import IngestOptions
from hilum.stages.ingest import ingest
from hilum.study.file import Study
from hilum.workflow import dry_run, estimate, room, sizes
from hilum.workflow.dry_run import print_plan, print_plans
from hilum.workflow.estimate import Cost
from hilum.workflow.rates import NetworkSeconds
from hilum.workflow.sizes import sizes_of
from hilum.workflow.state import Run
from hilum.workflow.suite import Planned
from hilum.workflow.workspace import Settled, Workspace

TABLES = {
    "name": "small",
    "data": {"near_duplicates": False},
    "grid": {"backbones": ["squeezenet1_0"], "pipelines": ["baseline"], "trials": 2},
    "augment": {"size_px": 64},
    "training": {"epochs": 2, "batch": 4},
    "statistics": {"resamples": 100},
}


@pytest.fixture(scope="module")
def films(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    rng = np.random.default_rng(0)
    for label in ("covid", "normal"):
        (folder / "own" / label).mkdir(parents=True)
        for k in range(10):
            Image.fromarray(rng.integers(0, 256, (80, 80), np.uint8)).save(
                folder / "own" / label / f"{k}.png"
            )
    ingest([str(folder / "own")], folder / "manifest.csv", IngestOptions(["own"]), engine=Local(1))
    return folder


@pytest.fixture(autouse=True)
def settled(monkeypatch) -> None:
    monkeypatch.setattr(Workspace, "settled", lambda *_: Settled("cpu", "a processor", "fp32", 1))
    monkeypatch.setattr(
        estimate.rates, "start_of_worker", lambda _: 1.0
    )  # tried by the dry run of the documented commands
    monkeypatch.setattr(estimate.rates, "memory_of_worker", lambda _: 5)
    monkeypatch.setenv("HILUM_QUIET", "1")  # put back afterwards


def test_missing_weights_and_films_do_not_hinder_the_plan(films, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.delenv("HILUM_WEIGHTS", raising=False)
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path / "no-cache"))
    copied = tmp_path / "f"
    shutil.copytree(films, copied)
    (copied / "own" / "covid" / "3.png").unlink()
    tables = TABLES | {"statistics": {"resamples": 100, "operating_point": "youdn"}}
    took = print_plan(
        Planned("", Study.model_validate(tables), copied / "manifest.csv"), tmp_path / "w", Local(1)
    )
    out = capsys.readouterr().out
    assert "weights   squeezenet1_0: NOT HERE" in out
    assert "films     20: 10 of covid, 10 of normal (positive: covid)" in out
    assert took is not None
    assert f"in all    about {dry_run._in_words(took)}, " in out
    assert "3 things stand in the way of `hilum run`" in out
    for text in (
        "unknown rule 'youdn'",
        "no ImageNet weights of squeezenet1_0 here",
        "1 of the study's 20 films are gone",
    ):
        assert text in out
    assert not (tmp_path / "w").exists(), "nothing is written"


def test_a_suite_is_planned_by_its_labels_and_in_all(films, tmp_path, monkeypatch, capsys) -> None:
    """Three members: one of 30 s, one of 100 s, and one that cannot be."""
    monkeypatch.setattr(
        room,
        "costs",
        lambda run, _: [Cost("all", "", 10.0 * run.study.seed), Cost("end", "", 20.0, workers=2)],
    )
    tables = TABLES | {"weights": {"squeezenet1_0": "none"}}
    members = [
        Planned(label, Study.model_validate(tables | more), films / "manifest.csv")
        for label, more in (
            ("first", {"seed": 2}),
            ("the second", {"seed": 9}),
            ("third", {"grid": {"pipelines": ["basline"]}, "weights": {}}),
        )
    ]
    print_plans(members, tmp_path / "w", Local(1))
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("---")] == [
        "--- first", "--- the second", "--- third", "--- all 3 members"
    ]  # fmt: skip
    k = lines.index("--- all 3 members")
    assert [line.strip() for line in lines[k + 1 : -1]] == [
        "first       30 s",
        "the second  100 s",
        "third       no plan",
    ]
    assert lines[-1] == "in all    about 2.2 min, what members share is counted in each of them"


def _asked(films: Path, root: Path, **tables) -> Run:
    study = Study.model_validate(TABLES | {"weights": {"squeezenet1_0": "none"}} | tables)
    return Run(study, Manifest.read(films / "manifest.csv"), Workspace(root), Local(1))


def test_distinct_films_are_counted_by_what_is_drawn(films, tmp_path) -> None:
    """Nothing is random here: every film has one preparation a pipeline, however many trials."""
    assert sizes_of(_asked(films, tmp_path)).distinct[None] == 20
    resize = {"op": "resize", "width_px": 64, "height_px": 64}
    own = {"name": "own", "steps": [resize, {"op": "crop_centre", "percentage_area": 0.9}, resize]}
    two = _asked(
        films, tmp_path, grid={**TABLES["grid"], "pipelines": ["baseline", "own"]}, augment={"size_px": 64, "pipeline": [own]}
    )  # fmt: skip
    assert sizes_of(two).distinct[None] == 40
    assert sizes_of(two).prepared == 40 * (64 * 64 + sizes._ROW_BYTES) + 80 * sizes._DRAWN_BYTES
    twice = {
        "name": "own",
        "steps": [resize, resize],
    }  # the second changes nothing: one film, whatever the pipeline is called
    same = _asked(
        films, tmp_path, grid={**TABLES["grid"], "pipelines": ["baseline", "own"]}, augment={"size_px": 64, "pipeline": [twice]}
    )  # fmt: skip
    assert sizes_of(same).distinct[None] == 20


def test_times_follow_films_epochs_and_trials(films, tmp_path, monkeypatch) -> None:
    """Rates of one second a unit give the counts: 4 and 4 training and validation films of set2, 2 epochs, 2 trials."""
    for name, value in (
        ("start_of_worker", 0.0), ("search_for_copies", 1.0), ("preparation", 1.0), ("features", (0.0, 1.0)),
        ("head_step", 1.0), ("network", NetworkSeconds(1.0, 1.0, 10.0)), ("statistics", 1.0), ("shape", 0.5), ("gate", 7.0),
        ("figure", 1.0),
    ):  # fmt: skip
        monkeypatch.setattr(estimate.rates, name, lambda *_, v=value: v)

    def seconds(**tables) -> dict[str, float]:
        run = _asked(films, tmp_path, **tables)
        return {p.stage: p.seconds for p in estimate.costs(run, sizes_of(run))}

    frozen = seconds()
    counted = {"train": 8, "valid": 2, "test": 10}
    assert frozen["prepare"] == 20
    assert frozen["featurize squeezenet1_0"] == 20
    assert frozen["train heads"] == pytest.approx(2 * 2 * (counted["train"] / 4))
    assert frozen["evaluate"] == 0.5 + 3.5 * (
        2 + 2
    )  # half a figure, and of each trial half as long again as its statistics
    assert frozen["report"] == pytest.approx(4 + 1.2)
    whole = seconds(finetune={"unfreeze": "fine_tune", "head_epochs": 3})
    assert whole["train networks"] == 2 * ((2 + 3) * (8 / 4 + 2 + 10) + 2 + 10)
    gates = 2 * 7
    assert whole["score networks"] == 2 * (2 + 10) + gates
    assert frozen["predict"] == pytest.approx(gates, abs=0.1)
    assert frozen["shapes"] == whole["shapes"] == 20 * 0.5
    assert seconds(data={"near_duplicates": True})["duplicates"] == 20


def test_each_stage_says_what_it_writes_and_the_memory_that_it_has(films, tmp_path, monkeypatch) -> None:
    """SqueezeNet's map of a 224 px film is 13 x 13 x 512 (torchvision's, in half precision); this process has 1000 bytes, a worker 5."""
    for name, value in (
        ("start_of_worker", 0.0), ("preparation", 1.0), ("features", (0.0, 1.0)), ("head_step", 1.0),
        ("statistics", 1.0), ("look_at_films", 1.0), ("probes_of", 1.0), ("shape", 1.0), ("gate", 1.0), ("figure", 1.0),
    ):  # fmt: skip
        monkeypatch.setattr(estimate.rates, name, lambda *_, v=value: v)
    monkeypatch.setattr(room, "anonymous_bytes", lambda: 1000)
    monkeypatch.setattr(Workspace, "settled", lambda *_: Settled("cpu", "a processor", "fp32", 2))
    asked = _asked(films, tmp_path, augment={"size_px": 224})
    asked.engine = Local(2)
    written = sizes_of(asked)
    found = {c.stage: r for c, r in room.costs_with_room(asked, written)}
    assert found["featurize squeezenet1_0"] == (20 * 13 * 13 * 512 * 2, 1000)
    assert found["prepare"].disk == written.prepared
    assert found["train heads"] == (2 * 2 * (4 * (512 * 2 + 2) + sizes._NOTES_BYTES), 1000 + 2 * 5)
    assert found["predict"].disk == 2 * (sizes._GATE_BYTES + (2 + 10) * sizes._SCORE_BYTES)
    assert (
        sum(r.disk for r in found.values())
        == written.prepared + written.features + written.trials + found["report"].disk
    )
