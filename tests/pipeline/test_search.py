"""A study with a search, from films to report: what was chosen is what its models were trained with, test films took no part, and a run
that was killed ends as one that was not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.learning_films import LearningFilms
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.search import Search, search_path
from hilum.core.engine import Local
from hilum.stages.ingest import ingest
from hilum.stages.show import show
from hilum.study.file import read_study
from hilum.synthetic.phantom import make_films
from hilum.workflow.run import run_study

STUDY = """
name = "searched"
seed = 4
[data]
near_duplicates = false
[grid]
backbones = ["squeezenet1_0"]
schedules = ["defaults", "searched"]
trials = 2
[policy]
defaults = { kind = "constant" }
searched = { kind = "cosine" }
[weights]
squeezenet1_0 = "none"
[probes]
kinds = ["labels-shuffled"]
[augment]
size_px = 48
[features]
precision = "fp32"
[training]
epochs = 2
[statistics]
resamples = 100
[search]
trials = 4
schedules = ["searched"]
chosen_on = "folds"
folds = 2
learning_rate = { low = 1e-4, high = 1e-1 }
dropout = [0.0, 0.5]
"""
CELL = "squeezenet1_0--baseline--searched"
OTHER = "squeezenet1_0--baseline--defaults"


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("searched")
    ingest([f"synthetic={make_films(root / 'films', 60, 5, 96)}"], root / "manifest.csv", engine=Local(0))
    (root / "s.toml").write_text(STUDY)
    return root


def searched(films: Path, workspace: Path) -> Path:
    study = read_study(films / "s.toml")
    page, _ = run_study(study, films / "manifest.csv", workspace, Local(1), "hilum run s.toml")
    return page.parent


@pytest.fixture(scope="module")
def run(films: Path) -> Path:
    return searched(films, films / "ws")


def without_seconds(run: Path) -> dict[str, object]:
    value = json.loads(search_path(run, CELL).read_text())
    return {**value, "seconds": 0, "tried": [{**t, "seconds": 0} for t in value["tried"]]}


def test_what_was_chosen_is_what_every_trial_was_trained_with(run: Path) -> None:
    found = Search.read(search_path(run, CELL))
    assert len(found.tried) == 4
    assert found.best.score == min(t.score for t in found.tried if t.score is not None)
    assert found.own.values == {"learning_rate": 5e-4, "dropout": 0.5}
    for cell in (CELL, OTHER):
        for trial in (1, 2):
            bundle, _, _ = Bundle.described(run / "cells" / cell / f"trial-{trial}" / "bundle")
            policy, dropout = bundle.training["policy"], bundle.training["dropout"]
            values = (policy["learning_rate"], 0.5 if dropout is None else dropout)
            assert values == (*(found.chosen if cell == CELL else found.own.values).values(),)
    assert not search_path(run, OTHER).exists()


def test_no_film_that_is_tested_on_was_seen(run: Path) -> None:
    folder = RunFolder(run)
    tested = {i for t in folder.trials for i in folder.splits[t].parts["test"]}
    learned = {i for p in ("train", "valid") for i in folder.splits[1].parts[p]}
    lists = sorted((run / "searches" / "prepared").rglob("*.json"))
    assert [p.parent.name for p in lists] == ["fold-1-of-2", "fold-2-of-2"]
    held: set[str] = set()
    for path in lists:
        films = LearningFilms.read(path)
        ids = {p: {f.image_id for f in films.parts[p]} for p in ("train", "valid")}
        assert not (ids["train"] | ids["valid"] | set(films.facts)) & tested
        assert ids["train"] | ids["valid"] == learned
        assert not ids["train"] & ids["valid"]
        held |= ids["valid"]
    assert held == learned


def test_a_run_that_was_killed_in_its_search_ends_as_one_that_was_not(run: Path, films: Path) -> None:
    workspace = films / "killed"
    shutil.copytree(films / "ws", workspace)
    shutil.rmtree(workspace / "runs")
    shutil.rmtree(workspace / "searches")
    shutil.rmtree(workspace / "finished")
    first, *_, last = sorted(Search.read(search_path(run, CELL)).tried, key=lambda t: t.number)
    for name in last.trained:
        shutil.rmtree(workspace / "trials" / name)
    kept = (workspace / "trials" / first.trained[0] / "history.jsonl").stat().st_mtime_ns
    again = searched(films, workspace)
    assert without_seconds(again) == without_seconds(run)
    assert (workspace / "trials" / first.trained[0] / "history.jsonl").stat().st_mtime_ns == kept
    predictions = sorted(p.relative_to(run) for p in run.rglob("predictions.csv"))
    assert len(predictions) == 6
    for p in predictions:
        assert (again / p).read_bytes() == (run / p).read_bytes()


def test_it_can_be_asked_what_it_is_and_the_report_has_it(run: Path) -> None:
    (shown,) = show(str(search_path(run, CELL)))
    assert (shown.kind, shown.facts["tried"], shown.facts["chosen on"]) == (
        "search",
        "4 trials, 0 failed",
        "2 folds",
    )
    assert {link.role: link.state for link in shown.inputs} == {"features": "verified", "split": "verified"}
    assert "held back in 2 folds" in (run / "report.html").read_text(encoding="utf-8")
