"""`hilum ingest` and `hilum data` as typed: what is printed where, and the exit codes."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image

from hilum.cli.data import app as data_app
from hilum.cli.ingest import ingest
from hilum.core import progress
from hilum.core.errors import HilumError

app = typer.Typer()
app.command()(ingest)
app.add_typer(data_app, name="data")


@pytest.fixture
def films(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for k, name in enumerate(["covid/a.png", "covid/b.png", "normal/c.png"]):
        path = tmp_path / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(k).integers(0, 256, (20, 20), np.uint8)).save(path)
    (tmp_path / "set" / "covid" / "cut.png").write_bytes((tmp_path / "set/covid/a.png").read_bytes()[:99])


@pytest.fixture(autouse=True)
def loud() -> Iterator[None]:
    """`--quiet` holds for a process; these tests share one."""
    yield
    progress.set_quiet(False)


def hilum(*words: str) -> None:
    app(list(words), standalone_mode=False)


@pytest.mark.usefixtures("films")
def test_the_table_goes_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("ingest", "set", "--out", "m.csv", "--no-patient-ids", "set", "--workers", "0", "--quiet")
    hilum(*words)
    out, err = capsys.readouterr()
    assert err == ""
    assert out == (
        "source  layout  label   films       patients\n"
        "------- ------- ------- ------ -------------\n"
        "set     folder  covid       2  declared none\n"
        "set     folder  normal      1  declared none\n"
        "all                         3  declared none\n"
        "\n"
        "left out:\n"
        "source  reason     n\n"
        "------- ---------- -\n"
        "set     truncated  1\n"
        "all                1\n"
        "\n"
        "m.csv: 3 films; left out: m.excluded.csv\n"
    )


@pytest.mark.usefixtures("films")
def test_views_are_asked_for_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        "path,label,patient_id,view",
        "covid/a.png,covid,1,PA",
        "covid/b.png,covid,2,AP",
        "normal/c.png,normal,3,LL",
    ]
    (tmp_path / "set" / "t.csv").write_text("\n".join(rows))
    words = ("ingest", "set/t.csv", "--out", "m.csv", "--workers", "0", "--quiet", "--json")
    for views, films, left_out in (
        ((), 2, [{"source": "set", "reason": "not frontal", "n": 1}]),
        (("--views", "pa,lateral"), 2, [{"source": "set", "reason": "view not asked for", "n": 1}]),
        (("--views", "PA", "--views", "all"), 3, []),
    ):
        hilum(*words, *views)
        value = json.loads(capsys.readouterr().out)
        assert (value["films"], value["excluded"]) == (films, left_out)
    with pytest.raises(HilumError, match="--views 'PAA': no such view; did you mean 'PA'"):
        hilum(*words, "--views", "PAA")


@pytest.mark.usefixtures("films")
def test_json_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("ingest", "set", "--out", "m.csv", "--no-patient-ids", "set", "--workers", "0", "--json")
    hilum(*words)
    value = json.loads(capsys.readouterr().out)
    assert value["films"] == 3
    assert value["counts"][0] == {
        "source": "set",
        "layout": "folder",
        "label": "covid",
        "films": 2,
        "patients": None,
    }
    assert value["excluded"] == [{"source": "set", "reason": "truncated", "n": 1}]


@pytest.mark.usefixtures("films")
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["set"], "--no-patient-ids set"),
        (["set", "--no-patient-ids", "set", "--strict"], "set: covid/cut.png: truncated"),
        (["nowhere"], "no such folder or csv"),
        (["set", "--mooney-patients", "nummer"], "did you mean 'number'"),
        (["set", "--uncertain", "maybe"], "unknown --uncertain 'maybe'; known: ignore, negative, positive"),
        (["set", "--readers", "most"], "unknown --readers 'most'"),
        (["set", "--findings", "set=mass"], "--findings takes NAME=FINDING:CLASS,..., got 'mass'"),
        (["set", "--layout", "folder"], "--layout takes NAME=LAYOUT, got 'folder'"),
    ],
)
def test_errors_are_one_message_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    with pytest.raises(HilumError) as error:
        hilum("ingest", *words, "--out", "m.csv", "--workers", "0")
    assert error.value.exit_code == 2
    assert message in str(error.value)
    assert capsys.readouterr().out == ""
    assert not Path("m.csv").exists()


def test_data_list_names_licence_size_and_citation(capsys: pytest.CaptureFixture[str]) -> None:
    hilum("data", "list")
    out = capsys.readouterr().out
    names, _, *rows = out.splitlines()
    assert names.split()[:3] == ["name", "size", "licence"]
    assert [row.split()[:3] for row in rows[:3]] == [
        ["cohen", "0.6", "GB"],
        ["radiography", "0.8", "GB"],
        ["mooney", "2.3", "GB"],
    ]
    assert "CC BY 4.0" in rows[2]
    assert "mooney: Chest X-Ray Images (Pneumonia); 5856 of children of 1-5 years" in out
    assert "  cite: D. S. Kermany et al." in out
    hilum("data", "list", "--json")
    assert [s["name"] for s in json.loads(capsys.readouterr().out)] == ["cohen", "radiography", "mooney"]


def test_data_fetch_offline_is_exit_code_2(tmp_path: Path) -> None:
    with pytest.raises(HilumError, match="To get it by hand") as error:
        hilum("data", "fetch", "cohen", "--out", str(tmp_path), "--url", "http://127.0.0.1:9/x.zip")
    assert error.value.exit_code == 2


def test_data_fetch_says_what_came(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with zipfile.ZipFile(tmp_path / "mirror.zip", "w") as z:
        z.writestr("set/metadata.csv", "x")
    hilum("data", "fetch", "cohen", "--out", str(tmp_path / "d"), "--url", (tmp_path / "mirror.zip").as_uri())
    out = capsys.readouterr().out
    assert out.startswith(f"{tmp_path / 'd' / 'cohen'}: fetched\nsha256 of the zip: ")
    assert "(none was declared, so it was not checked)" in out
