"""The gallery of a run: what it shows, what it leaves out, and where it may lie."""

import base64
import io
import json
import re
import runpy
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hilum.artifacts.explanations import ExplainedFilm, Explanations, FilmMap, write_film
from hilum.artifacts.header import Header
from hilum.artifacts.looks import Ledger
from hilum.artifacts.predictions import Predictions
from hilum.core.engine import Local
from hilum.core.errors import InputError
from hilum.stages.gallery import write_gallery
from page_tags import Tags

SMALL = runpy.run_path(str(Path(__file__).parents[2] / "small_workspace.py"))
FAKE = runpy.run_path(str(Path(__file__).parents[2] / "fake_run.py"))


def written(run: Path, out: Path, **options: int) -> tuple[str, dict]:
    page = write_gallery(run, out, Local(0), **options).page.read_text()
    return page, json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return SMALL["make_workspace"](tmp_path_factory.mktemp("made") / "ws")


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    """A copy of it, which a test may change; its films are the first one's."""
    runs = shutil.copytree(made.parents[1], tmp_path / "ws") / "runs"
    return runs / made.name


def test_every_film_stands_once_with_what_each_trial_said_of_it(run: Path, tmp_path: Path) -> None:
    page, data = written(run, tmp_path / "g")
    tags = Tags()
    tags.feed(page)
    assert (tags.open, tags.outside) == ([], [])
    pictures = re.findall(r"data:image/jpeg;base64,([^\"]+)", page)
    assert len(pictures) == len(set(pictures)) == len(data["films"]) == 16  # half of 32 films are test
    assert Image.open(io.BytesIO(base64.b64decode(pictures[0]))).size == (32, 32)
    assert [m["name"] for m in data["models"]] == ["squeezenet1_0, baseline", "squeezenet1_0, crop"]
    film = data["films"][0]
    for t in (1, 2):
        path = run / "cells" / "squeezenet1_0--crop--low" / f"trial-{t}" / "predictions.csv"
        said = Predictions.read(path)
        p = said.probabilities[said.image_ids.index(film["id"])]
        row = film["trials"][1][t - 1]
        assert row == [int(p.argmax()), int(p[0] >= 0.4), -1, -1, *(round(1000 * x) for x in p.tolist())]
    assert np.sum(data["matrices"][0]) == 16
    errors = data["lists"][0][0]
    assert errors["n"] == len(errors["films"]) == data["matrices"][0][0][1] + data["matrices"][0][1][0]
    assert "secret-patient" not in page
    for name in ("Content-Security-Policy", "do not pass it on", "Research software", "Synthetic films"):
        assert (name in page) == (name not in ("do not pass it on",)), name  # its films are synthetic


def test_the_matrix_of_one_trial_is_that_of_its_predictions(tmp_path: Path) -> None:
    run = FAKE["make_run"](tmp_path / "run", pipelines=("crop",), trials=1, matrices={"all": FAKE["SMALL"]})
    _, data = written(run, tmp_path / "g", most=20)
    assert data["matrices"] == [FAKE["SMALL"]]
    of = {x["key"]: x["n"] for x in data["lists"][0]}
    assert (of["cell-2-1"], of["cell-0-1"], of["errors"], of["apart"]) == (3, 0, 10, 0)
    titles = {x["title"]: x["words"] for x in data["lists"][0] if x["key"].startswith("group-")}
    assert set(titles) == {
        *(f"Errors, source {s}" for s in ("mooney", "radiography")), *(f"Errors, age group {a}" for a in ("adult", "child")),
        "Errors, view PA",
    }  # fmt: skip
    assert titles["Errors, source mooney"].endswith(": 3 of 18 films tested (16.7\N{NO-BREAK SPACE}%).")


def test_what_is_not_shown_is_counted(run: Path, tmp_path: Path) -> None:
    page, data = written(run, tmp_path / "g", most=3, side_px=64)
    assert len(data["films"]) == 3
    assert "3 of 16 test films shown." in page
    every = [x for own in data["lists"] for x in own]
    assert sum(x["n"] for x in every if x["key"].startswith("cell-")) == 2 * 16
    assert all(len(x["films"]) <= 3 for x in every)


def test_probes_are_no_models_and_an_unsafe_fault_is_said_above(tmp_path: Path) -> None:
    run = SMALL["make_workspace"](tmp_path / "ws", switches=("films_drawn_one_by_one",))
    record = json.loads((run / "run.json").read_text())
    record["cells"][1]["probe"] = "border-only"
    (run / "run.json").write_text(json.dumps(record))
    page, data = written(run, tmp_path / "g")
    assert data["models"] == [{"name": "squeezenet1_0, baseline", "unsafe": True}]
    assert data["shared"] == []
    assert '<div class="unsafe" role="note"><p><b>Unsafe.</b> Something in this study' in page
    assert "(unsafe) (synthetic films)</title>" in page


def test_it_is_a_look_unless_it_is_the_same_page_again(run: Path, tmp_path: Path) -> None:
    manifest = json.loads((run / "run.json").read_text())["manifest_digest"]

    def most() -> int:
        looks = Ledger(run.parents[1]).of_run(run.name, manifest)
        return looks.most if looks else 0

    first, _ = written(run, tmp_path / "g")
    counted = most()
    again, _ = written(run, tmp_path / "g")
    assert (again, most()) == (first, counted)
    written(run, tmp_path / "g", most=4)
    assert most() == counted + 1


def test_doubts_of_the_audit_and_copies_of_another_label_stand_by_their_film(
    run: Path, tmp_path: Path
) -> None:
    suspect = {
        "film": "clinic/covid/0",
        "given": "covid",
        "suggested": "normal",
        "p_given": 0.02,
        "p_suggested": 0.98,
    }
    flagged = {"wide-border": {"clinic/covid/1": 0.5}}
    audit = {"labels": {"suspects": [suspect]}, "quality": {"flagged": flagged}}
    (run / "audit.json").write_text(json.dumps(audit))
    copies = json.loads((run / "duplicates.json").read_text())
    copies["pairs"] = [["clinic/covid/2", "clinic/normal/2", "near"]]
    (run / "duplicates.json").write_text(json.dumps(copies))
    page, _ = written(run, tmp_path / "g")
    assert re.findall(r'doubt">(.*?)</p>', page) == [
        *(d for _, d in sorted({
            page.index("clinic/covid/0<"): "The audit doubts its label: normal 0.98, covid 0.02.",
            page.index("clinic/covid/1<"): "Flagged by the audit: wide border.",
            page.index("clinic/covid/2<"): "A copy of it has another label: clinic/normal/2 (normal).",
            page.index("clinic/normal/2<"): "A copy of it has another label: clinic/covid/2 (covid).",
        }.items())),
    ]  # fmt: skip


def test_heat_maps_stand_beside_the_films_that_are_explained(run: Path, tmp_path: Path) -> None:
    folder = run / "explanations" / "squeezenet1_0--crop--low"
    values = {"grad-cam": np.linspace(0, 1, 1024, dtype=np.float32).reshape(32, 32)}
    values["integrated-gradients"] = values["grad-cam"] - 0.5
    made = [FilmMap("grad-cam", "covid", verdict="passes"), FilmMap("integrated-gradients", "covid")]
    film = ExplainedFilm("clinic/covid/3", "covid", "p", maps=tuple(made), name="covid-3")
    write_film(folder, film, values, "key")
    Explanations(Header("explanations"), ("covid", "normal"), "covid", 0.5, {}, (film,)).write(folder)
    page, data = written(run, tmp_path / "g", most=6)
    ((key, n, shown),) = [(x["key"], x["n"], x["films"]) for x in data["shared"] if x["key"] == "maps"]
    assert (key, n, [data["films"][k]["id"] for k in shown]) == ("maps", 1, ["clinic/covid/3"])
    pictures = re.findall(r"image/png;base64,([^\"]+)[^>]*> (.*?)</p>", page)
    assert [words for _, words in pictures] == [
        "squeezenet1_0, crop: grad-cam of covid, passes",
        "squeezenet1_0, crop: integrated-gradients of covid, not checked",
    ]
    first, signed = (
        np.asarray(Image.open(io.BytesIO(base64.b64decode(p))).convert("RGB")).astype(int)
        for p, _ in pictures
    )
    assert first.shape == signed.shape == (32, 32, 3)
    assert (first[0, 0] - first[-1, -1] < -80).any()  # viridis: dark where nothing, light where most
    assert signed[0, 0, 2] > signed[0, 0, 0]  # against the class: blue
    assert signed[-1, -1, 0] > signed[-1, -1, 2]  # for it: red


def test_a_film_that_changed_has_no_picture_and_says_why(tmp_path: Path) -> None:
    run = SMALL["make_workspace"](tmp_path / "ws")
    films = run.parents[1] / "films"
    Image.fromarray(np.zeros((40, 40), np.uint8)).save(films / "covid" / "0.png")
    (films / "covid" / "1.png").unlink()
    page, data = written(run, tmp_path / "g")
    assert page.count("data:image/jpeg") == len(data["films"]) - 2 == 14
    assert page.count("No picture: changed since ingest.") == 1
    for path in films.rglob("*.png"):
        path.unlink()
    with pytest.raises(InputError, match="none of 16 films can be used: "):
        write_gallery(run, tmp_path / "h", Local(0))


def test_it_lies_beside_the_run_and_never_in_it(run: Path) -> None:
    assert write_gallery(run, None, Local(0)).page == run.with_name(f"{run.name}--gallery") / "gallery.html"
    for out in (run, run / "films", run.parent / "x" / ".." / run.name):
        with pytest.raises(InputError, match="lies in the run's folder"):
            write_gallery(run, out, Local(0))
    (run / "cells" / "squeezenet1_0--crop--low" / "trial-2" / "predictions.csv").unlink()
    with pytest.raises(InputError, match="the run is not finished"):
        write_gallery(run, None, Local(0))
