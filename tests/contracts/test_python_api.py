"""`import hilum` and the command line do the same: the same words with the same defaults, the same request, and the same bytes."""

from __future__ import annotations

import inspect
import json
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import hilum
from hilum.cli.commands import command
from hilum.cli.main import app
from hilum.cli.options import typed
from tiny_study import copy_tiny_study

RENAMED = {"set_": "set", "map_": "map"}
"""A parameter of a command that would hide a word of Python's -> the function's."""
ONLY_PRINTED = {"as_json"}
INSTEAD = {"dry_run": "hilum.plan", "onnx": "form", "torch": "form", "make_reference": "hilum.make_reference"}
"""What an option is in Python: another function, or a parameter."""
FUNCTIONS = (
    "ingest",
    "audit",
    "split",
    "run",
    "predict",
    "evaluate",
    "compare",
    "explain",
    "export",
    "gallery",
    "drift",
)


def _plain(value: object) -> object:
    """A default, whatever stands for none."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, list | tuple):
        return ",".join(value) or None
    return None if value in (None, False) else value


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_the_options_of_its_command(name: str) -> None:
    options = {
        RENAMED.get(p.name, p.name): inspect.Parameter.empty if p.required else _plain(p.default)
        for p in command(name).params
        if p.name not in ONLY_PRINTED | INSTEAD.keys()
    }
    parameters = inspect.signature(getattr(hilum, name)).parameters
    found = {
        n: p.default if p.default is inspect.Parameter.empty else _plain(p.default)
        for n, p in parameters.items()
        if n not in INSTEAD.values()
    }
    assert found == options


def test_a_plan_is_asked_for_as_a_run_is() -> None:
    assert inspect.signature(hilum.plan).parameters == inspect.signature(hilum.run).parameters


def test_all_of_it_is_typed_and_listed_and_nothing_is_imported_for_it() -> None:
    assert {*FUNCTIONS, "plan", "make_reference", "load", "Model"} <= set(dir(hilum))
    for name in (*FUNCTIONS, "plan", "make_reference", "load"):
        hints = inspect.get_annotations(getattr(hilum, name))
        assert set(hints) == {*inspect.signature(getattr(hilum, name)).parameters, "return"}
    code = "import sys; before = set(sys.modules); import hilum; dir(hilum); print(sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['hilum']"


def test_the_function_has_its_name_though_a_package_has_it_too() -> None:
    code = "import hilum, hilum.explain; from hilum import explain; print(explain.__module__, hilum.explain is explain)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["hilum.api.explanations", "True"]


def test_python_asks_for_what_the_command_asks_for(
    tiny_study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The study with its overrides, its films, the workspace and the engine; and a page is told how it is made again."""
    copy_tiny_study(tiny_study, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    asked = []

    def run_or_find(*request: object) -> tuple[Path, list[object]]:
        asked.append(request)
        return Path("tiny/report.html"), []

    monkeypatch.setattr("hilum.workflow.suite.run_or_find", run_or_find)
    words = (
        "run tiny.toml --manifest manifest.csv --workspace new --set training.epochs=1 --set data.positive=normal "
        "--set 'grid.pipelines=[\"crop\"]' --workers 1 --quiet"
    )
    typed_words = shlex.split(words)
    monkeypatch.setattr(sys, "argv", ["hilum", *typed_words])
    app(typed_words, standalone_mode=False)
    changed = {"training.epochs": 1, "data.positive": "normal", "grid.pipelines": ["crop"]}
    run = hilum.run("tiny.toml", manifest="manifest.csv", workspace="new", set=changed, workers=1, quiet=True)
    (*by_command, command), (*by_python, said) = asked
    assert by_python == by_command
    assert command == shlex.join(["hilum", *typed_words])
    again = shlex.split(said)
    assert again[:3] == ["hilum", "run", "tiny.toml"]
    app(again[1:], standalone_mode=False)
    assert list(asked[2][:-1]) == by_command
    assert run.path == Path("tiny")
    assert "tiny/report.html" in capsys.readouterr().out
    assert not typed("evaluate").__enter__()  # the words of another command are no page's


STUDY = """
name = "mini"
seed = 7
[data]
classes = ["covid", "normal"]
[grid]
backbones = ["squeezenet1_0"]
pipelines = ["baseline"]
trials = 2
[weights]
squeezenet1_0 = "none"
[features]
precision = "fp32"      # else each workspace measures its own, and other work may decide
[augment]
size_px = 32
[training]
epochs = 5
[statistics]
resamples = 100
"""


@pytest.mark.slow
def test_both_ways_give_the_same_bytes(tmp_path: Path) -> None:
    """A script without a guard around its calls, and the command: run, predictions, statistics, bundles, and scores of films."""
    from hilum.synthetic.phantom import make_films

    make_films(tmp_path / "films", 64, 1, 64)
    (tmp_path / "mini.toml").write_text(STUDY)
    (tmp_path / "script.py").write_text(
        "import hilum\n"
        'films = hilum.ingest("films", "manifest.csv", workers=2)\n'
        'run = hilum.run("mini.toml", manifest=films, workspace="by-python", set={"training.epochs": 1}, workers=2)\n'
        "print(run.report)\n"
        'hilum.predict(run.model(run.cells[0], 1), "films", out="by-python.csv")\n'
    )
    done = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    report = tmp_path / done.stdout.split()[-1]
    command = [sys.executable, "-m", "hilum.cli.main"]
    words = "run mini.toml --manifest manifest.csv --workspace by-command --set training.epochs=1 --workers 1"
    subprocess.run([*command, *words.split()], cwd=tmp_path, check=True, capture_output=True)
    mine, theirs = report.parent, tmp_path / "by-command" / "runs" / report.parent.name
    names = [
        "statistics.json", "splits/trial-1.json", "prepared/baseline--trial-1.json",
        *(f"cells/squeezenet1_0--baseline--constant/trial-{t}/predictions.csv" for t in (1, 2)),
        *(f"cells/squeezenet1_0--baseline--constant/trial-{t}/bundle/head.safetensors" for t in (1, 2)),
    ]  # fmt: skip
    for name in names:
        assert (mine / name).read_bytes() == (theirs / name).read_bytes(), name
    ours, other = (json.loads((p / "run.json").read_text()) for p in (mine, theirs))
    assert (
        ours.pop("command")
        == "hilum run mini.toml --manifest manifest.csv --workspace by-python --set training.epochs=1 --workers 2"
    )
    assert other.pop("command")
    assert ours == other
    bundle = theirs / "cells/squeezenet1_0--baseline--constant/trial-1/bundle"
    subprocess.run(
        [*command, "predict", str(bundle), "films", "--out", "by-command.csv"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    assert (tmp_path / "by-python.csv").read_bytes() == (tmp_path / "by-command.csv").read_bytes()


@pytest.mark.slow
def test_an_interrupt_leaves_what_a_stopped_command_leaves(tmp_path: Path) -> None:
    """Ctrl-C in Python is KeyboardInterrupt; nothing half-written is left, and the same call goes on to the same numbers."""
    from hilum.synthetic.phantom import make_films

    make_films(tmp_path / "films", 64, 1, 64)
    (tmp_path / "mini.toml").write_text(STUDY)
    hilum.ingest(tmp_path / "films", tmp_path / "manifest.csv", workers=0, quiet=True)
    run = 'run = hilum.run("mini.toml", manifest="manifest.csv", workspace="{}", set={{"training.epochs": 1}}, workers=2)\n'
    heard = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"  # CI may have started us without
    code = heard + "import hilum\n" + run.format("broken")
    started = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    while not list(tmp_path.glob("broken/features/*/spec.json")):  # the backbone is at work
        assert started.poll() is None
        time.sleep(0.01)
    started.send_signal(signal.SIGINT)
    _, told = started.communicate(timeout=120)
    assert started.returncode == -signal.SIGINT
    assert told.rstrip().endswith("KeyboardInterrupt")
    assert not list(tmp_path.glob("broken/**/*.part"))
    assert not list(tmp_path.glob("broken/runs/*/report.html"))
    code = (
        "import hilum\n"
        + run.format("broken")
        + "print(run.path)\n"
        + run.format("whole")
        + "print(run.path)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    one, other = (Path(line) for line in done.stdout.splitlines())
    for name in ("statistics.json", "cells/squeezenet1_0--baseline--constant/trial-2/predictions.csv"):
        assert (one / name).read_bytes() == (other / name).read_bytes()
