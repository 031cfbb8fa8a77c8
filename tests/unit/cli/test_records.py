"""`hilum runs` and `hilum show` as typed: what is printed, where, and wrong words."""

import json
import runpy
from pathlib import Path

import pytest
import typer

from hilum.cli.runs import runs
from hilum.cli.show import show
from hilum.core.errors import InputError

SMALL = runpy.run_path(str(Path(__file__).parents[2] / "small_workspace.py"))
app = typer.Typer()
app.command()(runs)
app.command()(show)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("workspace")
    return root, SMALL["make_workspace"](root)


def hilum(*words) -> None:
    app([str(w) for w in words], standalone_mode=False)


def test_runs_is_a_plain_table(made, capsys):
    hilum("runs", "--workspace", made[0])
    out, err = capsys.readouterr()
    name = made[1].name
    version = json.loads((made[1] / "run.json").read_text())["study_digest"][:12]
    lines = out.splitlines()
    assert [line.split() for line in (lines[0], lines[2])] == [
        ["run", "state", "study", "version", "films", "cells", "trials", "seconds", "looks", "marks"],
        [name, "finished", "small", version, "32", "2", "2", "12", "1", "synthetic", "films"],
    ]
    assert err == ""


def test_cells_are_sorted_and_sorting_by_test_is_told(made, capsys):
    hilum("runs", "--workspace", made[0], "--cells", "--sort", "sensitivity", "--json")
    out, err = capsys.readouterr()
    rows = json.loads(out)
    assert [r["sensitivity"] for r in rows] == sorted((r["sensitivity"] for r in rows), reverse=True)
    assert rows[0]["low"] <= rows[0]["sensitivity"] <= rows[0]["high"]
    assert "to choose by it is to choose on test" in err


def test_what_all_cells_share_is_said_once(made, capsys):
    hilum("runs", "--workspace", made[0], "--cells")
    out, err = capsys.readouterr()
    assert out.splitlines()[0].split()[:3] == ["run", "pipeline", "sensitivity"]
    assert "all: backbone squeezenet1_0, schedule low" in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--where", "crop"], "--where takes FACTOR=LEVEL, got 'crop'"),
        (["--sort", "second"], "--sort: no column 'second'; did you mean 'seconds'?"),
        (["--study", "smal"], "did you mean 'small'?"),
    ],
)
def test_wrong_words(made, words, message):
    with pytest.raises(InputError) as e:
        hilum("runs", "--workspace", made[0], *words)
    assert message in str(e.value)


def test_show_prints_a_tree_to_the_films_and_says_nothing_twice(made, capsys):
    hilum("show", made[1] / "cells" / "squeezenet1_0--crop--low" / "trial-1", "--films")
    out = capsys.readouterr().out
    assert out.startswith("trial squeezenet1_0--crop--low/trial-1  version ")
    assert "verified   32 films " in out
    assert "by source: clinic 32" in out
    assert out.count("(as above)") == 3
    assert "CHANGED" not in out
    assert "MISSING" not in out


def test_show_as_json_is_the_same_tree(made, capsys):
    hilum("show", "small", "--workspace", made[0], "--json")
    value = json.loads(capsys.readouterr().out)
    assert (value["kind"], value["name"]) == ("study", "small")
    assert len(value["version"]) == 64


def test_show_a_film_is_three_tables(made, capsys):
    hilum("show", "clinic/normal/9", "--workspace", made[0])
    out = capsys.readouterr().out
    assert "split    part   films of its group" in out
    assert "crop--trial-1      valid  0     nothing drawn" in out
    assert "squeezenet1_0--crop--low/trial-1" in out
