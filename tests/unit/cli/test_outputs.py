"""Every command that writes refuses what it cannot or must not write: before any work, with a sentence, and nothing is changed."""

import os
import sys
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hilum.artifacts import outputs
from hilum.artifacts.header import Header
from hilum.artifacts.manifest import FilmRow, Manifest, excluded_path
from hilum.cli.main import main
from hilum.core.errors import InputError

TABLE = "image_id,patient_id,part,y_true,p_covid,p_normal\na,,test,covid,.6,.4\nb,,test,normal,.3,.7\n"
Usage = namedtuple("Usage", "total used free")
SPLIT = ["split", "m.csv", "--method", "set2", "--seed", "1"]

# command -> (words before the option, the option, the ending of a good name, the input that it must not replace)
FILES = {
    "ingest": (["films", "--no-patient-ids", "films"], "--out", ".csv", "labels.csv"),
    "split": (SPLIT[1:], "--out", ".json", "m.csv"),
    "predict": (["bundle", "m.csv"], "--out", ".csv", "m.csv"),
    "evaluate": (["p.csv"], "--out", ".json", "p.csv"),
    "augment show": (["films/covid/a.png"], "--out", ".png", "films/covid/a.png"),
}  # fmt: skip
FOLDERS = {
    "audit": (["m.csv"], "--out", "audit.json"),
    "compare": (["runs/one"], "--out", "comparisons.json"),
    "data fetch": (["cohen"], "--out", ""),
    "run": (["demo"], "--workspace", ""),
    "demo": ([], "--workspace", ""),
}
FILE_WRONGS = {
    "a folder": "expected a file such as",
    "below a file": "is a file, so there is no folder to write into",
    "an input": "is also an input; write elsewhere",
    "an input by a symbolic link": "is also an input; write elsewhere",
    "an input by a hard link": "is also an input; write elsewhere",
    "an input by another spelling": "is also an input; write elsewhere",
    "a film": "that hilum wrote; give another name, or move it away",
    "a table of somebody": "that hilum wrote; give another name, or move it away",
    "a device": "expected a file, got a device or a pipe",
    "a name too long": "File name too long",
    "no right": "cannot be written",
    "no room": "the disk of . has 0.5 MiB free, and at least 1 MiB are needed",
}
FOLDER_WRONGS = {
    "a file": "expected a folder, got a file",
    "below a file": "m.csv is a file, so there is no folder to write into",
    "a table of somebody": "that hilum wrote; give another name, or move it away",
    "a name too long": "File name too long",
    "no right": "cannot be written",
    "no room": "0.5 MiB free, and at least",
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Films, a manifest, a labels file, predictions and a run's folder in the folder that is worked in."""
    monkeypatch.chdir(tmp_path)
    rows = []
    for k, label in enumerate(("covid", "normal")):
        Path("films", label).mkdir(parents=True)
        path = tmp_path / "films" / label / "a.png"
        Image.fromarray(np.eye(64, dtype=np.uint8) * (90 + k)).save(path)
        rows.append(FilmRow(f"films/{label}/a", "", str(path), "0" * 64, f"{k}" * 64, label, "films"))
    Manifest(rows, Header("manifest", options={"no_patient_ids": ["films"]})).write(tmp_path / "m.csv")
    Path("p.csv").write_text(TABLE)
    Path("labels.csv").write_text("path,label\n")
    Path("runs/one").mkdir(parents=True)
    Path("runs/one/run.json").write_text("{}")
    Path("foreign.csv").write_text("my,own,table\n1,2,3\n")
    return tmp_path


def hilum(monkeypatch, capsys, *words) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", ["hilum", *map(str, words)])
    with pytest.raises(SystemExit) as end:
        main()
    said = capsys.readouterr()
    assert said.out == ""
    return end.value.code, said.err


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def wrong_path(wrong: str, ending: str, given: str) -> str:
    """The path to give for something wrong; made where it has to be there."""
    if wrong == "an input by a symbolic link":
        Path(f"soft{ending}").symlink_to(given)
        return f"soft{ending}"
    if wrong == "an input by a hard link":
        os.link(given, f"hard{ending}")
        return f"hard{ending}"
    if wrong == "a table of somebody" and ending:
        Path(f"own{ending}").write_text('{"mine": 1}')
    return {
        "a folder": "films",
        "a file": "m.csv",
        "below a file": f"m.csv/x{ending}",
        "an input": given,
        "an input by another spelling": f"films/../{given}",
        "a film": "films/normal/a.png",
        "a table of somebody": f"own{ending}",
        "a device": "/dev/null",
        "a name too long": "n" * 300 + ending,
        "no right": f"/proc/x{ending}",
        "no room": f"x{ending}",
    }[wrong]


@pytest.mark.parametrize("wrong", FILE_WRONGS)
@pytest.mark.parametrize("command", FILES)
def test_a_file_that_must_not_be_written(here, monkeypatch, capsys, command, wrong):
    words, option, ending, given = FILES[command]
    if command == "ingest":
        words = [*words, "--labels", given]
    path = wrong_path(wrong, ending, given)
    if wrong == "no room":
        monkeypatch.setattr(outputs.shutil, "disk_usage", lambda _: Usage(2**30, 2**30 - 2**19, 2**19))
    before = bytes_of(here)
    code, said = hilum(monkeypatch, capsys, *command.split(), *words, option, path)
    assert code == 2
    expected = FILE_WRONGS[wrong]
    if wrong == "a film" and ending != ".png":
        expected = f"a name that ends with {ending}"
    assert said.startswith(f"hilum: {option} {path}")
    assert expected in said
    assert said.count("\n") == 1
    assert bytes_of(here) == before


@pytest.mark.parametrize(
    ("command", "wrong"),
    [(c, w) for c in FOLDERS for w in FOLDER_WRONGS if FOLDERS[c][2] or w != "a table of somebody"],
)
def test_a_folder_that_must_not_be_written(here, monkeypatch, capsys, command, wrong):
    words, option, name = FOLDERS[command]
    path = wrong_path(wrong, "", "m.csv")
    if wrong == "a table of somebody":
        Path("own").mkdir()
        Path("own", name).write_text('{"mine": 1}')
    if wrong == "no room":
        monkeypatch.setattr(outputs.shutil, "disk_usage", lambda _: Usage(2**30, 2**30 - 2**19, 2**19))
    before = bytes_of(here)
    code, said = hilum(monkeypatch, capsys, *command.split(), *words, option, path)
    assert code == 2
    assert said.startswith(f"hilum: {option} {path}")
    assert FOLDER_WRONGS[wrong] in said
    assert bytes_of(here) == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        # the header beside the output would be that of the input
        (["evaluate", "m.csv", "--out", "m.json"], "would replace m.header.json, which is an input or belongs to one"),
        (["compare", "runs/one", "--out", "runs/one"], "--out runs/one is also an input"),
        (["audit", "m.csv", "--out", "a", "--duplicates", "a/audit.json"], "are one file; give them different names"),
        ([*SPLIT, "--out", "d.json", "--duplicates", "d.json"], "are one file"),
        ([*SPLIT, "--out", "s.json", "--duplicates", "films"], "--duplicates films: expected a file such as films/duplicates.json"),
        ([*SPLIT, "--out", "s.json", "--duplicates", "p.csv/d.json"], "p.csv is a file, so there is no folder"),
        (["report", "p.csv"], "RUN p.csv: expected a folder, got a file"),
        (["evaluate", "p.csv", "--out", "."], "--out .: expected a file such as statistics.json, got a folder"),
        (["predict", "bundle", ".", "--out", "/"], "--out /: expected a file such as /predictions.csv, got a folder"),
        (["ingest", "films", "--out", "films/covid/a.png"], "expected a name that ends with .csv"),
        (["predict", "bundle", "films", "--out", "films/covid/a.png"], "expected a name that ends with .csv"),
    ],
)  # fmt: skip
def test_what_else_is_refused(here, monkeypatch, capsys, words, message):
    before = bytes_of(here)
    code, said = hilum(monkeypatch, capsys, *words)
    assert (code, message in said) == (2, True), said
    assert bytes_of(here) == before


def test_its_own_kind_is_written_anew_and_an_empty_file_too(here):
    for name, text in (("s.json", '{\n "header": {\n  "kind": "split"'), ("empty.json", "")):
        Path(name).write_text(text)
        outputs.check_outputs([outputs.file_output(here / name, "split", ".json", beside=())])
    outputs.check_outputs([outputs.file_output(here / "m.csv", "manifest", ".csv")])
    assert outputs.same_place(Path("films"), here / "films" / "covid" / "..")


def test_the_table_of_what_was_left_out_is_replaced_by_a_manifest_alone(here):
    Path("m.excluded.csv").write_text("path,source,reason,detail\n")
    outputs.check_outputs([outputs.file_output(here / "m.csv", "manifest", ".csv", beside=(excluded_path,))])
    with pytest.raises(
        InputError, match=r"m.excluded.csv is there already and is no predictions that hilum wrote"
    ):
        outputs.check_outputs([outputs.file_output(here / "m.excluded.csv", "predictions", ".csv")])


def test_statistics_are_written_anew_though_their_header_lies_beside(here):
    Path("s.json").write_text("[]")
    Path("s.header.json").write_text('{\n "header": {\n  "kind": "statistics"')
    outputs.check_outputs([outputs.file_output(here / "s.json", "statistics", ".json")])


def test_json_beside_a_table_of_the_same_name_is_known_by_its_own_header(here):
    Path("m.json").write_text('{\n "header": {\n  "kind": "split"')
    outputs.check_outputs([outputs.file_output(here / "m.json", "split", ".json", beside=())])
    with pytest.raises(InputError, match=r"m.json is there already and is no manifest"):
        outputs.check_outputs([outputs.file_output(here / "m.json", "manifest", ".json", beside=())])


@pytest.mark.parametrize("command", ["audit", "split"])
@pytest.mark.usefixtures("here")
def test_what_is_no_manifest_is_told_how_to_become_one(monkeypatch, capsys, command):
    rest = ["--out", "a"] if command == "audit" else [*SPLIT[2:], "--out", "s.json"]
    code, said = hilum(monkeypatch, capsys, command, "films", *rest)
    assert (
        code,
        "expected a manifest, got a folder; make one with `hilum ingest films --out manifest.csv`" in said,
    ) == (2, True), said
    code, said = hilum(monkeypatch, capsys, command, "foreign.csv", *rest)
    assert (
        "with a column 'image_id', got the columns 'my, own, table'; make one with `hilum ingest foreign.csv --out manifest.csv`"
        in said
    )
