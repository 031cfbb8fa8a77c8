"""Views: what they show, films by filter, figures, and whatever lies at a path."""

from __future__ import annotations

import builtins
import json
from pathlib import Path

import numpy as np
import pytest

import hilum
from hilum import RESEARCH_NOTICE
from hilum.api.view import FilmRows
from hilum.artifacts.header import Header
from hilum.artifacts.predictions import Predictions
from hilum.artifacts.suite_record import MemberRun, SuiteRecord
from hilum.core.errors import InputError, MissingExtraError
from hilum.core.files import write_text
from hilum.report.style import svg_bytes
from hilum.stages.show import show
from tiny_study import CELL, copy_tiny_study


@pytest.fixture
def here(tiny_study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy_tiny_study(tiny_study, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def test_films_of_a_run_are_its_predictions_with_their_paths(here: Path) -> None:
    run = hilum.load("tiny")
    p = Predictions.read(here / "tiny" / "cells" / CELL / "trial-1" / "predictions.csv")
    likely = np.array(p.classes)[p.probabilities.argmax(axis=1)]
    test = [k for k, part in enumerate(p.parts) if part == "test"]
    wrong = {p.image_ids[k] for k in test if likely[k] != p.y_true[k]}
    found = run.films(wrong=True, cell=CELL, trial=1)
    assert {r["image_id"] for r in found} == wrong != set()
    assert all(Path(r["path"]).is_file() for r in found)
    certain = [r[f"p_{r['predicted']}"] for r in found]
    assert certain == sorted(certain, reverse=True)
    right = run.films(wrong=False, cell=CELL, trial=1)
    assert len(right) + len(found) == len(test) == len(run.films(cell=CELL, trial=1))
    assert len(run.films()) == len(test) * 4  # two cells, two trials
    covid = run.films(truth="covid", predicted="normal", part="valid", age_group="adult")
    assert {(r["truth"], r["predicted"], r["age_group"]) for r in covid} <= {("covid", "normal", "adult")}
    assert found[0]["called_positive"] == (found[0]["p_covid"] >= 0.4)
    assert isinstance(found[:2], FilmRows)
    looks = (here / "looks.jsonl").read_text().splitlines()
    assert [json.loads(x).get("how") for x in looks[-2:]] != ["films", "films"]  # one view is one look
    assert json.loads(looks[-1])["how"] == "films"
    assert len(found.to_pandas()) == len(found)
    for asked, words in (
        ({"part": "train"}, "unknown part"), ({"truth": "covd"}, "did you mean 'covid'"), ({"cell": "x"}, "unknown cell"),
        ({"sorce": "a"}, "did you mean 'source'"), ({"source": "klinik"}, "no film of the manifest has source"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=words):
            run.films(**asked)


def test_a_suite_is_its_members(here: Path) -> None:
    names = [(here / n).resolve().name for n in ("tiny",)]
    folder = here / "runs" / "both-123"
    SuiteRecord("both", "Both", "", tuple(MemberRun("first", n) for n in names)).write(folder)
    suite = hilum.load(folder)
    assert suite.cells[0] == f"first/{CELL}"
    assert [r["study"] for r in suite.films(cell=f"first/{CELL}", trial=1)] == ["first"] * 16
    assert {r["study"] for r in suite.rows()} == {"first"}
    assert suite.model(f"first/{CELL}", 2).path.parent.name == "trial-2"
    assert suite._repr_html_().count(RESEARCH_NOTICE) == 1


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("manifest.csv", "Films"),
        ("split.json", "Split"),
        ("tiny", "Run"),
        ("tiny/run.json", "Run"),
        ("scores.csv", "Predictions"),
        (f"tiny/cells/{CELL}/trial-1/predictions.csv", "Predictions"),
        ("tiny/statistics.json", "Evaluation"),
        ("model", "Model"),
        ("model/bundle.json", "Model"),
        ("tiny/duplicates.json", "View"),
        ("tiny.toml", "View"),
    ],
)
def test_whatever_lies_there_shows_itself(
    path: str, kind: str, tiny_study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny_study)  # it is only read
    view = hilum.load(path)
    assert type(view).__name__ == kind
    html = view._repr_html_()
    assert RESEARCH_NOTICE in html
    assert "<table" in html
    assert all(line.strip() for line in html.splitlines())
    assert str(view).splitlines()[0]
    if kind != "View":
        assert len(view.to_pandas()) == len(view.rows()) > 0
    assert view.describe().split()[0] == show(path)[0].kind


def test_a_view_stays_with_its_file_when_the_folder_changes(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, films = hilum.load("tiny"), hilum.load("manifest.csv")
    assert (run.path, run.report) == (Path("tiny"), Path("tiny/report.html"))
    monkeypatch.chdir(here / "films")
    assert run.path == here / "tiny"
    assert len(run.films(cell=CELL, trial=1)) == 16
    assert run.model(CELL).bundle.positive == "covid"
    assert len(hilum.load(films)) == 32


def test_a_run_that_is_not_finished_says_so(here: Path) -> None:
    (here / "tiny" / "report.html").unlink()
    html = hilum.load("tiny")._repr_html_()
    assert "not finished" in html
    assert CELL in html


def test_what_is_nothing_is_told(here: Path) -> None:
    (here / "a.txt").write_text("a")
    with pytest.raises(InputError, match="nothing that hilum knows"):
        hilum.load("a.txt")
    with pytest.raises(InputError, match="no such file"):
        hilum.load("nowhere")


def test_figures_are_those_of_the_page(here: Path) -> None:
    found = hilum.evaluate("scores.csv", out="s.json", report="page", resamples=50)
    for name in found.figures:
        assert svg_bytes(found.figure(name)) == (here / "page" / "figures" / f"{name}.svg").read_bytes()
    assert found.figure("roc-curve")._repr_png_().startswith(b"\x89PNG")
    with pytest.raises(InputError, match="did you mean 'pr-curve'"):
        found.figure("pr-curves")
    with pytest.raises(InputError, match="a Films has no figures"):
        hilum.load("manifest.csv").figure("x")
    assert json.loads((here / "s.json").read_text()) == found.rows()


def test_what_makes_numbers_unsafe_or_synthetic_stands_above_them(here: Path) -> None:
    assert "<b>Synthetic films</b>" in hilum.load("tiny")._repr_html_()
    html = hilum.compare(["tiny", "again"], resamples=100, quiet=True)._repr_html_()
    assert "not distinguishable" in html
    assert "better" not in html.replace("“better”", "")
    manifest = hilum.load("manifest.csv").manifest
    table = {p: [f.image_id for f in manifest.films[:4]] for p in ("train", "test")}
    from hilum.artifacts.split import UnsafeSplit

    UnsafeSplit(
        table, {i: i for i in table["test"]}, Header("unsafe split", {"manifest": manifest.digest})
    ).write(here / "u.json")
    assert "4 test films in train or validation too" in hilum.load("u.json")._repr_html_()


def test_what_came_from_outside_is_escaped(here: Path) -> None:
    write_text(here / "x.csv", "image_id,patient_id,part,y_true,p_a,p_<b>\n<i>1</i>,,test,a,.5,.5\n")
    html = hilum.load("x.csv")._repr_html_()
    assert "<i>1" not in html
    assert "&lt;i&gt;1" in html


def test_pandas_is_named_where_it_is_missing(tiny_study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tiny_study)
    real = builtins.__import__

    def without(name: str, *rest: object) -> object:
        if name == "pandas":
            raise ModuleNotFoundError(name)
        return real(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"pip install 'hilum\[notebook\]'"):
        hilum.load("manifest.csv").to_pandas()
