"""A run in MLflow, read back with MLflow's own client; and what happens when there is none to write to."""

import json
import os
import runpy
import shutil
import sqlite3
import time
import types
from pathlib import Path

import pytest

from hilum import RESEARCH_NOTICE
from hilum.artifacts.header import read_json
from hilum.artifacts.run_folder import RunFolder
from hilum.stages import record
from hilum.tracking import background, mlflow_store
from hilum.tracking.trial_record import code_version, trial_records
from needs import needed_module

SMALL = runpy.run_path(str(Path(__file__).parents[2] / "small_workspace.py"))
pytestmark = pytest.mark.filterwarnings(
    "ignore"
)  # of MLflow and SQLAlchemy, while the test itself reads with them


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("workspace")
    return root, SMALL["make_workspace"](root)


@pytest.fixture
def workspace(made, tmp_path, monkeypatch):
    """A copy of the workspace, and nobody's tracking variables."""
    for name in (background.SERVER, background.SWITCH):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(record, "_warned", set())
    shutil.copytree(made[0], tmp_path / "w", copy_function=shutil.copy2)
    return tmp_path / "w", tmp_path / "w" / "runs" / made[1].name


def client(root):
    needed_module("mlflow", "pip install 'hilum[mlflow]'")
    from mlflow.tracking import MlflowClient

    return MlflowClient(background.local_uri(root))


def recorded(root, study="small"):
    c = client(root)
    experiment = c.get_experiment_by_name(study)
    return experiment, {r.info.run_name: r for r in c.search_runs([experiment.experiment_id])}


@pytest.fixture(scope="module")
def store(made, tmp_path_factory):
    """A copy whose run was recorded once."""
    needed_module("mlflow", "pip install 'hilum[mlflow]'")
    root = tmp_path_factory.mktemp("store") / "w"
    shutil.copytree(made[0], root)
    run = root / "runs" / made[1].name
    assert record.record_run(run, root, background.local_uri(root))
    return root, run


def test_a_study_is_an_experiment_and_a_trial_a_run(store):
    experiment, runs = recorded(store[0])
    assert sorted(runs) == [
        f"squeezenet1_0--{p}--low--trial-{t}" for p in ("baseline", "crop") for t in (1, 2)
    ]
    assert experiment.tags["hilum.notice"] == RESEARCH_NOTICE
    assert experiment.artifact_location == (store[0] / "mlartifacts" / "small").as_uri()
    assert {r.info.status for r in runs.values()} == {"FINISHED"}
    run = runs["squeezenet1_0--baseline--low--trial-1"]
    assert run.info.end_time - run.info.start_time == 3000  # training and prediction, 2.5 and 0.5 s


def test_parameters_are_the_cell_the_training_and_the_seeds(store):
    params = recorded(store[0])[1]["squeezenet1_0--crop--low--trial-2"].data.params
    wanted = {
        "backbone": "squeezenet1_0", "pipeline": "crop", "schedule": "low", "loss": "cross-entropy", "fraction": "1.0", "trial": "2",
        "seed.study": "7", "seed.trial": "1002", "faults": "as-described", "training.policy.kind": "plateau",
        "training.policy.learning_rate": "0.0002", "training.epochs": "3", "augment.size_px": "32", "split.method": "set2",
        "statistics.resamples": "2000", "finetuned": "False",
    }  # fmt: skip
    assert {k: params.get(k) for k in wanted} == wanted


def test_every_epoch_is_there(store):
    c = client(store[0])
    run = recorded(store[0])[1]["squeezenet1_0--baseline--low--trial-1"]
    history = c.get_metric_history(run.info.run_id, "valid_loss")
    assert [(m.step, m.value) for m in history] == [(e, pytest.approx(1.25 / e)) for e in (1, 2, 3)]
    assert [m.value for m in c.get_metric_history(run.info.run_id, "learning_rate")] == pytest.approx(
        [2e-4, 1e-4, 2e-4 / 3]
    )


def test_final_figures_are_those_of_the_statistics_and_name_their_part(store):
    rows = json.loads((store[1] / "statistics.json").read_text())
    for name, run in recorded(store[0])[1].items():
        cell, _, trial = name.rpartition("--trial-")
        mine = {
            r["metric"]: r
            for r in rows
            if r["cell"] == cell and r["trial"] == int(trial) and r["class"] == "covid"
        }
        metrics = run.data.metrics
        for metric in ("sensitivity", "specificity", "pr_auc"):
            assert metrics[f"test/{metric}"] == mine[metric]["estimate"]
            assert metrics[f"test/{metric}.low"] == mine[metric]["low"]
        assert (
            metrics["test/sensitivity_at_operating_point"] == mine["sensitivity@operating_point"]["estimate"]
        )
        assert metrics["time_s/featurize"] == 4.0
        assert metrics["time_shared_s/featurize"] == 1.0
        assert not [
            m
            for m in metrics
            if m.partition("/")[0] not in ("test", "valid", "time_s", "time_shared_s") and "/" in m
        ]


def test_validation_figures_are_counted_by_hand(store):
    folder = RunFolder(store[1])
    cell = folder.cells[0]
    p = folder.predictions(cell, 1).of_part("valid")
    positive = [k for k, y in enumerate(p.y_true) if y == "covid"]
    right = sum(p.probabilities[k][0] > p.probabilities[k][1] for k in positive)
    metrics = recorded(store[0])[1][f"{cell.name}--trial-1"].data.metrics
    assert metrics["valid/sensitivity"] == right / len(positive)


def test_tags_lead_back_to_the_films(store):
    run = read_json(store[1] / "run.json")
    tags = recorded(store[0])[1]["squeezenet1_0--crop--low--trial-1"].data.tags
    bundle = read_json(store[1] / "cells/squeezenet1_0--crop--low/trial-1/bundle/bundle.json")
    assert tags["hilum.study.digest"] == run["study_digest"][:16]
    assert tags["hilum.manifest.digest"] == run["manifest_digest"][:16]
    assert tags["hilum.split.digest"] == bundle["header"]["inputs"]["split"][:16]
    assert tags["hilum.weights.digest"] == "cd" * 8
    assert tags["hilum.run"] == store[1].name
    assert tags["hilum.report"] == f"runs/{store[1].name}/report.html"
    assert tags["hilum.notice"] == RESEARCH_NOTICE
    assert tags["hilum.unsafe"] == "none"
    for key, value in code_version().items():
        assert tags[key] == value


def test_no_film_and_no_patient_is_recorded(store):
    files = {p.name for p in (store[0] / "mlartifacts").rglob("*") if p.is_file()}
    assert files == {"bundle.json", "history.jsonl", "train.json", "predict.json", "seconds.json"}
    text = "".join(p.read_text() for p in (store[0] / "mlartifacts").rglob("*") if p.is_file())
    database = "\n".join(sqlite3.connect(store[0] / "mlflow.db").iterdump())
    for held in (text, database):
        assert "secret-patient" not in held
        assert "clinic/covid/" not in held


def test_twice_is_once_even_without_the_note(workspace):
    root, run = workspace
    needed_module("mlflow", "pip install 'hilum[mlflow]'")
    assert record.record_run(run, root)
    first = {r.info.run_id for r in recorded(root)[1].values()}
    assert set(read_json(run / "mlflow.json")["runs"].values()) == first
    (run / "mlflow.json").unlink()
    assert record.record_run(run, root)
    assert {r.info.run_id for r in recorded(root)[1].values()} == first
    assert len(recorded(root)[1]) == 4


def test_what_was_evaluated_anew_replaces_its_record_and_a_broken_one_is_mended(workspace):
    root, run = workspace
    needed_module("mlflow", "pip install 'hilum[mlflow]'")
    assert record.record_run(run, root)
    before = {n: r.info.run_id for n, r in recorded(root)[1].items()}
    history = run / "cells/squeezenet1_0--crop--low/trial-2/history.jsonl"
    history.write_text(history.read_text().replace('"epoch": 3', '"epoch": 4'))
    half = before["squeezenet1_0--baseline--low--trial-1"]
    client(root).delete_tag(half, "hilum.content")  # as a recording that was killed leaves it
    assert record.record_run(run, root)
    after = {n: r.info.run_id for n, r in recorded(root)[1].items()}
    assert {n for n in before if before[n] != after[n]} == {
        "squeezenet1_0--crop--low--trial-2",
        "squeezenet1_0--baseline--low--trial-1",
    }
    assert len(after) == 4


def test_a_recorded_run_is_a_look_up_that_leaves_mlflow_alone(workspace, monkeypatch):
    root, run = workspace
    needed_module("mlflow", "pip install 'hilum[mlflow]'")
    assert record.record_run(run, root)

    def never(*_):
        raise AssertionError("the store was opened")

    monkeypatch.setattr(record, "MlflowStore", never)
    assert record.record_run(run, root)
    (root / "mlflow.db").unlink()  # then the note says nothing
    assert not record.record_run(run, root)


def test_unsafe_switches_are_marked(tmp_path, monkeypatch):
    run = SMALL["make_workspace"](tmp_path / "w", "unsafe", switches=("second_softmax",))
    tags = next(iter(trial_records(RunFolder(run)))).tags
    assert tags["hilum.unsafe"] == tags["hilum.faults"] == "second_softmax"
    assert "**Unsafe**: second_softmax" in tags["mlflow.note.content"]
    monkeypatch.setattr(record, "_warned", set())


def test_an_unreachable_server_warns_once_quickly_and_hides_the_password(workspace, capsys):
    root, run = workspace
    needed_module("mlflow", "pip install 'hilum[mlflow]'")
    start = time.perf_counter()
    for _ in range(2):
        assert not record.record_run(run, root, "http://me:secret@127.0.0.1:9")
    assert time.perf_counter() - start < 20
    err = capsys.readouterr().err
    assert err.count("not recorded in MLflow (http://127.0.0.1:9)") == 1
    assert "The run is whole" in err
    assert "secret" not in err
    assert not (run / "mlflow.json").exists()


def test_a_missing_package_is_told_with_its_extra(workspace, monkeypatch, capsys):
    root, run = workspace

    def missing(name):
        raise ModuleNotFoundError(f"No module named {name!r}", name="mlflow")

    monkeypatch.setattr(mlflow_store.importlib, "import_module", missing)
    assert not record.record_run(run, root)
    assert "pip install 'hilum[mlflow]'" in capsys.readouterr().err


def test_an_unfinished_run_is_not_recorded_and_is_no_error(workspace, capsys):
    root, run = workspace
    (run / "statistics.json").unlink()
    assert not record.record_run(run, root)
    assert "statistics.json: no such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("installed", "server", "switch", "asked"),
    [
        (True, None, None, True),
        (False, None, None, False),
        (False, "http://x", None, True),
        (True, "http://x", "0", False),
    ],
)
def test_when_it_is_wanted(tmp_path, monkeypatch, installed, server, switch, asked):
    calls = []
    monkeypatch.setattr(background, "find_spec", lambda _: object() if installed else None)
    monkeypatch.setattr(
        background.subprocess, "Popen", lambda command, **_: calls.append(command) or Process()
    )
    for name, value in ((background.SERVER, server), (background.SWITCH, switch)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    assert background.record_later([tmp_path / "run"], tmp_path) is asked
    assert [c[1:] for c in calls] == [
        ["-m", "hilum.stages.record", str(tmp_path), str(tmp_path / "run")]
    ] * asked


class Process:
    returncode = None


def test_a_run_that_is_recorded_starts_no_process(workspace, monkeypatch):
    needed_module("mlflow", "pip install 'hilum[mlflow]'")
    root, run = workspace
    assert record.record_run(run, root)
    monkeypatch.delenv(background.SWITCH, raising=False)
    monkeypatch.setattr(background.subprocess, "Popen", None)
    assert background.record_later([run], root) is False
    os.utime(run / "statistics.json", ns=(2**62, 2**62))
    assert not background.is_recorded(run, root)
    monkeypatch.setenv(background.SERVER, "http://other")
    os.utime(run / "statistics.json", ns=(0, 0))
    assert not background.is_recorded(run, root)


def test_what_an_earlier_recording_said_is_said_once(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv(background.SWITCH, raising=False)
    (tmp_path / ".mlflow-said").write_text("Traceback\nhilum: not recorded in MLflow (x): y\n")
    background.record_later([], tmp_path)
    background.record_later([], tmp_path)
    assert capsys.readouterr().err == "hilum: not recorded in MLflow (x): y (said of an earlier run here)\n"


@pytest.mark.parametrize("name", ["is it? 50%25 #1 ü", "plain"])
def test_the_store_lies_in_a_workspace_of_any_name(tmp_path, monkeypatch, name):
    """MLflow's own parts are stood in for: what reaches them is an address without signs."""
    root = tmp_path / name
    root.mkdir()
    asked = []

    class Client:
        def __init__(self, uri):
            asked.append(uri)
            (Path(uri.removeprefix("sqlite:///"))).touch()

        def search_experiments(self, **_):
            return []

    tracking = types.SimpleNamespace(MlflowClient=Client)
    have = mlflow_store.importlib.import_module
    parts = {"mlflow.tracking": tracking, "mlflow.entities": None}
    monkeypatch.setattr(
        mlflow_store.importlib, "import_module", lambda n: parts[n] if n in parts else have(n)
    )
    mlflow_store.MlflowStore(background.local_uri(root), root / "mlartifacts")
    assert (root / "mlflow.db").is_file()
    assert all(not set("?%#") & set(uri) for uri in asked)
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_the_environment_is_left_as_it_was(monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "99")
    monkeypatch.delenv("MLFLOW_DISABLE_TELEMETRY", raising=False)
    with mlflow_store.settings():
        assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
        assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "99"
    assert "MLFLOW_DISABLE_TELEMETRY" not in os.environ
