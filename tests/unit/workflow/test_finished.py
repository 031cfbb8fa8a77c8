"""A finished run is found again by what it was asked and by the stamps of its files; a change of any of them is noticed."""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from hilum.artifacts.run_files import StageLine
from hilum.study.file import Study
from hilum.workflow import finished
from hilum.workflow.finished import find_finished, note_finished

SMALL = runpy.run_path(str(Path(__file__).parents[2] / "small_workspace.py"))
STUDY = Study.model_validate({"name": "small"})
LINES = [StageLine("prepare", 3, 1, 2.0), StageLine("report", 1, 0, 1.0)]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("workspace")
    return root, SMALL["make_workspace"](root).name


@pytest.fixture
def noted(made, tmp_path):
    """A copy of the workspace with a note: its root, manifest, run and weights."""
    root = tmp_path / "w"
    shutil.copytree(made[0], root)
    weights = tmp_path / "w.pth"
    weights.write_bytes(b"weights")
    run = root / "runs" / made[1]
    ended = SimpleNamespace(
        as_read=STUDY, manifest_path=root / "manifest.csv", workspace=SimpleNamespace(root=root), folder=run, lines=LINES,
        weights={"a backbone": SimpleNamespace(path=weights), "another": SimpleNamespace(path=None)},
    )  # fmt: skip
    note_finished(ended)  # type: ignore[arg-type]
    return root, root / "manifest.csv", run, weights


def test_nothing_has_changed(noted) -> None:
    root, manifest, run, _ = noted
    found = find_finished(STUDY, manifest, root)
    assert found is not None
    assert found[0] == run / "report.html"
    assert [(line.stage, line.done, line.found) for line in found[1]] == [("prepare", 0, 4), ("report", 0, 1)]


def test_a_reference_that_was_made_later_is_no_change(noted) -> None:
    root, manifest, run, _ = noted
    next(run.rglob("bundle.json")).with_name("reference.safetensors").write_bytes(b"of the bundle")
    assert find_finished(STUDY, manifest, root) is not None


def _append(path: Path) -> None:
    with path.open("ab") as f:
        f.write(b"\n")


def _rewrite_same_size_and_time(path: Path) -> None:
    """What an attentive adversary can do without the clock: other bytes, the size and the time of change put back."""
    times = path.stat()
    path.write_bytes(path.read_bytes()[::-1])
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


@pytest.mark.parametrize("change", [_append, _rewrite_same_size_and_time, Path.unlink])
@pytest.mark.parametrize("what", ["manifest", "weights", "predictions", "bundle", "report", "statistics"])
def test_a_file_that_changed_is_noticed(noted, what: str, change) -> None:
    root, manifest, run, weights = noted
    path = {
        "manifest": manifest,
        "weights": weights,
        "predictions": next(run.rglob("predictions.csv")),
        "bundle": next(run.rglob("bundle.json")),
        "report": run / "report.html",
        "statistics": run / "statistics.json",
    }[what]
    change(path)
    assert find_finished(STUDY, manifest, root) is None


def test_a_file_that_came_is_noticed(noted) -> None:
    root, manifest, run, _ = noted
    (run / "boxed_film.json").write_text("{}")
    assert find_finished(STUDY, manifest, root) is None


def test_another_study_look_version_or_machine_is_noticed(noted, monkeypatch) -> None:
    root, manifest, run, _ = noted
    assert find_finished(STUDY.model_copy(update={"seed": 1}), manifest, root) is None
    ledger = root / "looks.jsonl"
    before = ledger.read_text()
    ledger.write_text(before * 2)
    assert find_finished(STUDY, manifest, root) is None
    ledger.write_text(before)
    assert find_finished(STUDY, manifest, root) is not None
    for name, value in (
        ("_version", lambda _: "9"),
        ("cpu_name", lambda: "another"),
        ("accelerator_signs", lambda: ["gpu"]),
    ):
        with monkeypatch.context() as m:
            m.setattr(finished, name, value)
            assert find_finished(STUDY, manifest, root) is None
    with monkeypatch.context() as m:
        m.setenv("HILUM_WEIGHTS", "/elsewhere")
        assert find_finished(STUDY, manifest, root) is None
    assert run.is_dir()


def test_a_note_that_is_broken_is_none(noted) -> None:
    root, manifest, _, _ = noted
    note = next((root / "finished").iterdir())
    for text in ("", "[]", '{"header": 1}'):
        note.write_text(text)
        assert find_finished(STUDY, manifest, root) is None


def test_finding_loads_nothing_that_computes() -> None:
    code = (
        "import sys, hilum.cli.run, hilum.workflow.suite, hilum.workflow.finished, hilum.tracking.background;"
        "sys.exit(', '.join(m for m in ('torch', 'scipy', 'matplotlib', 'mlflow', 'sklearn', 'timm') if m in sys.modules) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.returncode == 0
