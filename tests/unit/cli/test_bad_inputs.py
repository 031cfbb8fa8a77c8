"""Whatever file a command is given in the place of another, it ends with a sentence and exit code 2, and never as a defect of hilum's."""

import os
import sys
from pathlib import Path

import pytest

from hilum.cli.main import main

FILES = {
    "empty": b"", "bytes": bytes(range(256)) * 8, "list.json": b"[1, 2]", "odd.json": b'{"header": 3}', "empty.json": b"{}",
    "split.json": b'{"header": {"kind": "split", "schema_version": 1}}',
    "films.json": b'{"header": {"kind": "split", "schema_version": 1}, "films": {"test": ["a"]}}',
    "duplicates.json": b'{"header": {"kind": "duplicates", "schema_version": 1}}',
    "bundle/bundle.json": b'{"header": {"kind": "bundle", "schema_version": 1}}',
    "run/run.json": b'{"header": {"kind": "run", "schema_version": 1}}',
    "one.csv": b"image_id,patient_id,path,sha256,pixels_sha256,label,source\na,p,x.png,1,2,covid,s\n",
}  # fmt: skip
GIVEN = (
    "folder",
    "missing.csv",
    "loop.csv",
    "bytes",
    "empty",
    "list.json",
    "odd.json",
    "split.json",
    "bundle",
)
COMMANDS = (
    "audit {} --out A", "audit one.csv --split {} --out A", "audit one.csv --out A --duplicates {}",
    "split one.csv --method set2 --seed 1 --out s.json --no-near-duplicates --duplicates {}",
    "evaluate {} --out e.json", "evaluate one.csv --labels {} --out e.json --map y_true=label,score=sha256",
    "compare {}", "report {}", "runs --workspace {}", "show {}", "show x --manifest {}", "augment show {} --out a.png",
)  # fmt: skip


@pytest.fixture(scope="module")
def _here(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bad")
    for name, data in FILES.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    (folder / "folder").mkdir()
    (folder / "loop.csv").symlink_to("loop.csv")
    before = Path.cwd()
    os.chdir(folder)
    yield
    os.chdir(before)


@pytest.mark.usefixtures("_here")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_wrong_file_is_a_sentence(monkeypatch, capsys, command):
    for given in GIVEN:
        monkeypatch.setattr(sys, "argv", ["hilum", *command.format(given).split()])
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr().err
        if command.startswith(("split", "audit one.csv --out")) and end.value.code == 0:
            continue
        assert end.value.code == 2, (given, said)
        assert any(line.startswith("hilum: ") for line in said.splitlines()), (given, said)
        assert "Traceback" not in said
        assert "defect" not in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["show", "split.json"],
            "split.json: not as hilum writes it: the key 'films' is missing; make it again",
        ),
        (
            ["show", "films.json"],
            "films.json: not as hilum writes it: test: input should be a valid dictionary",
        ),
        (["show", "bundle"], "bundle.json: not as hilum writes it: the key 'classes' is missing"),
        (["audit", "one.csv", "--out", "A", "--split", "list.json"], "list.json: not as hilum writes it"),
        (["show", "loop.csv"], "no such file or folder"),
    ],
)
@pytest.mark.usefixtures("_here")
def test_what_is_missing_is_named(monkeypatch, capsys, words, message):
    monkeypatch.setattr(sys, "argv", ["hilum", *words])
    with pytest.raises(SystemExit) as end:
        main()
    said = capsys.readouterr().err
    assert (end.value.code, message in said) == (2, True), said
