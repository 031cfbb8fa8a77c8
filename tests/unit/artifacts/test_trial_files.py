"""The small files of a trial's and a run's folder: their bytes, what is read back, and what a file that is not there stands for."""

import json
from pathlib import Path

import pytest

from hilum.artifacts import run_files, trial_files
from hilum.artifacts.history import HISTORY, EpochRecord, LossCurve, read_history
from hilum.artifacts.json_parts import members
from hilum.artifacts.run_files import (
    BoxedFilmNote,
    MlflowNote,
    Problem,
    RunFacts,
    StageLine,
    add_stages,
    read_problems,
    read_stages,
    write_problems,
    write_stages,
)
from hilum.artifacts.trial_files import FinderCurve, PredictFacts, Seconds, TrainFacts
from hilum.core.errors import InputError


def test_seconds_are_read_by_step(tmp_path: Path) -> None:
    steps = {"prepare": 1.5, "featurize": 2.0, "train": 3.0, "predict": 0.5}
    Seconds(steps, {**steps, "prepare": 0.1}).write(tmp_path)
    value = json.loads((tmp_path / trial_files.SECONDS).read_text())
    assert list(value) == ["alone", "here"]
    assert list(value["alone"]) == list(steps)
    (tmp_path / trial_files.SECONDS).write_text(
        json.dumps({"alone": {**steps, "wait": 9, "train": None}, "here": None})
    )
    found = Seconds.known(tmp_path)
    assert found.alone == {"prepare": 1.5, "featurize": 2.0, "predict": 0.5}
    assert found.here == {}
    assert Seconds.known(tmp_path / "nowhere") == Seconds({}, {})


def test_facts_of_training_and_prediction(tmp_path: Path) -> None:
    assert TrainFacts.known(tmp_path) == TrainFacts(0.0, None, None)
    (tmp_path / trial_files.TRAIN).write_text(json.dumps({"seconds": 9.5, "steps_per_epoch": 10, "more": 1}))
    assert TrainFacts.known(tmp_path) == TrainFacts(9.5, 10, None)
    PredictFacts(0.25, True).write(tmp_path)
    assert json.loads((tmp_path / "predict.json").read_text()) == {"seconds": 0.25, "constant": True}
    assert PredictFacts.known(tmp_path).constant


def test_a_finder_s_curve_is_read_back_and_what_it_could_not_tell_is_no_suggestion(tmp_path: Path) -> None:
    assert FinderCurve.of(tmp_path) is None
    curve = FinderCurve((1e-4, 1e-3), (0.7, 0.6), 5e-4, None, 1e-4)
    (tmp_path / trial_files.FINDER).write_text(json.dumps({**members(curve), "seconds": 2.0}))
    found = FinderCurve.of(tmp_path)
    assert found == curve
    assert found.suggestions == {"steep": 5e-4, "minimum": 1e-4}
    (tmp_path / trial_files.FINDER).write_text(json.dumps({"rates": [1]}))
    with pytest.raises(InputError, match=r"finder\.json: .*the key 'losses' is missing"):
        FinderCurve.of(tmp_path)


def test_a_history_is_read_by_epoch(tmp_path: Path) -> None:
    assert LossCurve.of_trial(tmp_path) == LossCurve([], [], None, [])
    lines = [
        {"epoch": 1, "train_loss": 1.0, "valid_loss": 0.9, "learning_rate": 0.1},
        {"epoch": 2, "train_loss": 0.5, "valid_loss": 0.4, "learning_rate": 0.2, "best": True},
        {"epoch": 3, "train_loss": 0.4, "valid_loss": 0.6, "learning_rate": 0.3},
    ]
    (tmp_path / HISTORY).write_text("\n".join(json.dumps(line) for line in lines) + "\n")
    assert read_history(tmp_path) == [EpochRecord(**line) for line in lines]
    found = LossCurve.of_trial(tmp_path)
    assert found == LossCurve([1.0, 0.5, 0.4], [0.9, 0.4, 0.6], 2, [0.1, 0.2, 0.3])
    assert found.kept == 0.4
    (tmp_path / HISTORY).write_text("torn")
    with pytest.raises(InputError, match=r"history\.jsonl: not as hilum writes it"):
        LossCurve.of_trial(tmp_path)


def test_the_files_of_a_run_are_read_back(tmp_path: Path) -> None:
    assert RunFacts.known(tmp_path) == RunFacts(None, None, None)
    assert BoxedFilmNote.of(tmp_path) is None
    assert MlflowNote.of(tmp_path) is None
    assert read_problems(tmp_path) == []
    write_stages(tmp_path, [StageLine("train", 4, 1, 2.5, 70)])
    RunFacts(12.5, 100, 60).write(tmp_path)
    assert json.loads((tmp_path / run_files.STAGES).read_text()) == [
        {"stage": "train", "done": 4, "found": 1, "seconds": 2.5, "peak_anonymous_bytes": 70}
    ]
    add_stages(tmp_path, [StageLine("train", 9), StageLine("evaluate", 0, 1), StageLine("report", 1, 0, 0.5)])
    assert read_stages(tmp_path) == [StageLine("train", 4, 1, 2.5, 70), StageLine("report", 1, 0, 0.5)]
    assert json.loads((tmp_path / run_files.FACTS).read_text()) == {
        "seconds": 12.5,
        "peak_rss_bytes": 100,
        "peak_anonymous_bytes": 60,
    }
    assert RunFacts.known(tmp_path) == RunFacts(12.5, 100, 60)
    for note in (
        BoxedFilmNote("/f.png", "ab", "0.1,0.1,0.2,0.2"),
        MlflowNote("here", "cd", {"a/trial-1": "7"}),
    ):
        note.write(tmp_path)
        assert type(note).of(tmp_path) == note
    problem = Problem(
        "loss-rises", "The loss rose", "lower the rate", [{"cell": "a", "trial": 1, "facts": "x"}]
    )
    write_problems(tmp_path, [problem])
    assert read_problems(tmp_path) == [problem]
