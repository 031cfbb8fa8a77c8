"""An engine is one class and one entry, an optional step one entry: added in a test, each serves a whole small study."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from hilum.cli.main import app
from hilum.core.engine import ENGINES, Local
from hilum.core.errors import InputError
from hilum.stages.ingest import ingest
from hilum.study.file import Study, read_study
from hilum.synthetic.phantom import make_films
from hilum.workflow import run as run_module
from hilum.workflow.run import run_study
from hilum.workflow.state import Run
from hilum.workflow.steps import STEPS, RunStep

STUDY = """
name = "small"
seed = 4
[grid]
backbones = ["squeezenet1_0", "cnn"]
trials = 2
[weights]
squeezenet1_0 = "none"
[augment]
size_px = 48
[features]
precision = "fp32"
[training]
epochs = 1
[statistics]
resamples = 100
"""
ENGINE = '''
class Backwards:
    """Does the last task first, and gives the results in order."""

    device, description = "auto", "backwards"
    functions, closed = [], []

    def __init__(self, workers, address):
        self.cores = self.cores_here = workers
        self.address = address

    def map(self, function, tasks, *, here=False, alone=0, killed=None):
        tasks, one_place = list(tasks), here or alone > 0
        self.functions.append((getattr(function, "__name__", type(function).__name__), one_place, len(tasks)))
        order = tasks if one_place else tasks[::-1]
        results = [function(task) for task in order]
        return iter(results if one_place else results[::-1])

    def unseen(self, paths, workspace=None):
        return []

    def close(self):
        self.closed.append(self.address)
'''


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("films")
    ingest([f"synthetic={make_films(root / 'films', 60, 5, 96)}"], root / "manifest.csv", engine=Local(0))
    (root / "small.toml").write_text(STUDY)
    return root


def without_report(steps: tuple[RunStep, ...] = STEPS) -> tuple[RunStep, ...]:
    return tuple(s for s in steps if s.name != "report")


def results(workspace: Path) -> dict[str, bytes]:
    """Predictions and statistics of the only run."""
    (run,) = (workspace / "runs").iterdir()
    files = [run / "statistics.json", *run.rglob("predictions.csv")]
    return {str(p.relative_to(run)): p.read_bytes() for p in files}


def test_an_engine_is_one_class_and_one_entry(
    films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lab_engine.py").write_text(ENGINE)
    monkeypatch.syspath_prepend(tmp_path)
    added = importlib.import_module("lab_engine").Backwards
    monkeypatch.setattr(run_module, "STEPS", without_report())
    words = ("run", str(films / "small.toml"), "--manifest", str(films / "manifest.csv"), "--quiet")
    with pytest.raises(InputError, match="unknown engine 'backward'; known: local"):
        app([*words, "--workspace", str(tmp_path / "none"), "--engine", "backward"], standalone_mode=False)
    monkeypatch.setitem(ENGINES, "backwards", added)
    with pytest.raises(InputError, match=r"unknown engine 'backward'; did you mean 'backwards'\?"):
        app([*words, "--workspace", str(tmp_path / "none"), "--engine", "backward"], standalone_mode=False)
    for name in ("local", "backwards"):
        app(
            [*words, "--workspace", str(tmp_path / name), "--engine", name, "--workers", "1"],
            standalone_mode=False,
        )
    assert results(tmp_path / "backwards") == results(tmp_path / "local")
    assert len(results(tmp_path / "local")) == 5
    assert added.functions == [
        ("_sketch_chunk", True, 1), ("_describe_chunk", True, 1), ("_propose_chunk", True, 1), ("_align_chunk", True, 1),
        ("partial", True, 1), ("prepare_chunk", False, 1), ("Featurizer", True, 1), ("train_heads", False, 2),
        ("finetune", False, 2), ("make_shapes", False, 1), ("predict_trial", False, 4),
    ]  # fmt: skip
    assert added.closed == [None]


def test_an_optional_step_is_one_entry(films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def count(run: Run) -> None:
        with run.stage("count") as line:
            line.done = len(run.draws.split(run.draws.plain, 1).part_of)

    def wanted(study: Study) -> bool:
        return study.seed == 4

    k = [s.name for s in STEPS].index("prepare")
    monkeypatch.setattr(run_module, "STEPS", (*STEPS[:k], RunStep("count", count, wanted)))
    monkeypatch.setattr(run_module, "note_finished", lambda *_: None)
    study = read_study(films / "small.toml")
    for seed, counted in ((4, [("count", 60)]), (5, [])):
        lines = run_study(
            study.model_copy(update={"seed": seed}), films / "manifest.csv", tmp_path, Local(1), ""
        )[1]
        assert [(line.stage, line.done) for line in lines if line.stage != "audit"] == [
            ("duplicates", 60 if seed == 4 else 0),
            ("split", 2),
            *counted,
        ]


def test_steps_are_in_the_order_of_the_way_of_the_data() -> None:
    assert [s.name for s in STEPS] == [
        "duplicates", "lungs", "split", "audit", "prepare", "featurize", "search", "train", "predict", "source rule", "ensemble", "record",
        "evaluate", "explain", "report",
    ]  # fmt: skip
    study = Study.model_validate({"name": "s", "data": {"near_duplicates": False}})
    assert [s.name for s in STEPS if not s.wanted(study)] == [
        "duplicates", "lungs", "search", "source rule", "ensemble", "explain",
    ]  # fmt: skip
