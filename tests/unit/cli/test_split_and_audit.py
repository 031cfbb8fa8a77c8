"""`hilum split` and `hilum audit` from the outside: files, the printed table, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from PIL import Image
from typer.testing import CliRunner, Result

from hilum import RESEARCH_NOTICE
from hilum.artifacts.duplicates import Duplicates
from hilum.artifacts.header import Header
from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.artifacts.split import Split
from hilum.cli.audit import audit
from hilum.cli.split import split
from hilum.core.digests import pixels_sha256, sha256_file
from hilum.core.errors import InputError
from hilum.core.seeding import generator
from hilum.synthetic.phantom import LABELS, draw

N = 48

app = typer.Typer()
app.command()(split)
app.command()(audit)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--quiet"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """48 films of four classes, three a patient, and a re-encoded copy of the first without a patient."""
    folder = tmp_path_factory.mktemp("study")
    films = []
    for k in range(N + 1):
        pixels = draw(LABELS[k % N // 3 % 4], generator(5, k % N), 96).pixels
        path = folder / f"f{k:02d}.png"
        image = Image.fromarray(pixels)
        (image if k < N else image.resize((80, 90))).save(path)
        label = LABELS[k % N // 3 % 4]
        source = "given" if k < N else "copied"
        patient = f"given:{k // 3}" if k < N else ""
        films.append(
            FilmRow(
                f"{source}/f{k:02d}", patient, str(path), sha256_file(path), pixels_sha256(pixels) if k < N else "0" * 64,
                label, source, width_px=96, height_px=96,
            )
        )  # fmt: skip
    Manifest(films, Header("manifest", options={"no_patient_ids": ["copied"]})).write(folder / "manifest.csv")
    return folder


def test_split_prints_a_table_and_keeps_the_copy_with_its_patient(folder: Path) -> None:
    arguments = ["split", str(folder / "manifest.csv"), "--method", "set2", "--seed", "3"]
    done = run(*arguments, "--out", str(folder / "s.json"), "--duplicates", str(folder / "d.json"))
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[0].split() == ["part", "bacterial", "covid", "normal", "viral", "all"]
    assert [line.split()[0] for line in lines[2:6]] == ["train", "valid", "test", "all"]
    assert lines[5].split()[-1] == "49"
    assert (
        "16 groups; 16 of more than one film, 49 films in them; the largest has 4 (copy of copied/f48)"
        in lines
    )
    drawn = Split.read(folder / "s.json")
    assert drawn.part_of["copied/f48"] == drawn.part_of["given/f00"] == drawn.part_of["given/f02"]
    assert drawn.header.inputs["duplicates"] == Duplicates.read(folder / "d.json").digest
    again = run(*arguments, "--out", str(folder / "t.json"), "--duplicates", str(folder / "d.json"), "--json")
    assert json.loads(again.output)["largest_group"] == 4
    assert (folder / "t.json").read_bytes() == (folder / "s.json").read_bytes()


def test_without_near_duplicates_it_says_so(folder: Path) -> None:
    out = str(folder / "u.json")
    done = run(
        "split", str(folder / "manifest.csv"), "--method", "fractions", "--fractions", ".5,.25,.25",
        "--seed", "1", "--out", out, "--no-near-duplicates",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "near-duplicates were not looked for" in done.output
    assert "17 groups" in done.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--method", "set22"], "unknown --method 'set22'; did you mean 'set2'"),
        (["--method", "fractions"], "goes with --method fractions"),
        (["--method", "set1", "--fractions", ".7,.1,.2"], "only with it"),
        (["--method", "set1", "--crossing", "keep-test"], "goes with --method official, got --method set1"),
        (["--method", "official", "--crossing", "keep"], "unknown --crossing 'keep'"),
        (["--method", "official"], "49 of 49 films have no source_part (48 of given, 1 of copied)"),
        (["--method", "set1", "--exclude", "source"], "--exclude takes COLUMN=VALUES, got 'source'"),
        (["--method", "set1", "--exclude", "sauce=given"], "unknown column 'sauce'; did you mean 'source'"),
        (
            ["--method", "set1", "--include", "label=bacterial", "--include", "image_id=given/f06"],
            "class 'normal' has 1 group",
        ),
        (["--method", "fractions", "--fractions", ".7,.3"], "three numbers TRAIN,VALID,TEST"),
        (["--method", "set1", "--one-per-patient", "viraal"], "did you mean 'viral'"),
        (["--method", "set1", "--one-per-patient", "bacterial"], "film 'copied/f48' of source 'copied'"),
    ],
)
def test_wrong_options(folder: Path, arguments: list[str], message: str) -> None:
    done = run(
        "split", str(folder / "manifest.csv"), *arguments, "--seed", "1", "--out", str(folder / "x.json")
    )
    assert isinstance(done.exception, InputError)
    assert message in str(done.exception)
    assert not (folder / "x.json").exists()


def test_audit_writes_json_and_a_page(folder: Path) -> None:
    run("split", str(folder / "manifest.csv"), "--method", "set2", "--seed", "3", "--out", str(folder / "s.json"),
        "--no-near-duplicates")  # fmt: skip
    out = folder / "audit"
    done = run("audit", str(folder / "manifest.csv"), "--split", str(folder / "s.json"), "--out", str(out))
    assert done.exit_code == 0, done.output
    assert "Copies: 2 of 49 films have a copy here: 1 group, the largest of 2 films" in done.output
    assert done.output.splitlines()[-1] == str(out / "audit.html")
    findings = json.loads((out / "audit.json").read_text())
    assert findings["copies"]["largest_group"] == ["copied/f48", "given/f00"]
    assert findings["header"]["inputs"]["split"] == Split.read(folder / "s.json").digest
    assert RESEARCH_NOTICE in (out / "audit.html").read_text()
    assert Duplicates.read(out / "duplicates.json").groups == (("copied/f48", "given/f00"),)
