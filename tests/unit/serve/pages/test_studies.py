"""Runs as the page shows them: against their own artefacts; films by id alone; looks counted."""

import json
import re
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from fastapi.testclient import TestClient

from hilum.artifacts.looks import LOOKS
from hilum.artifacts.run_folder import RunFolder
from hilum.imaging.decode import decode
from hilum.serve.app import make_app
from hilum.serve.pages.curves import BOTTOM, LEFT, RIGHT, TOP, plots
from hilum.serve.review.runs import Runs
from serving import beside

HTML = {"accept": "text/html"}
HERE = "http://127.0.0.1"


def test_the_list_has_the_finished_runs_alone(served) -> None:
    page = served.client.get("/studies").text
    assert served.run in page
    assert "Two pipelines on a few films" in page
    (served.root / "runs" / served.run / "evaluation.json").unlink()
    assert "no finished run yet" in served.client.get("/studies").text


def test_a_run_that_cannot_be_read_is_named_with_the_reason(served) -> None:
    folder = served.root / "runs" / served.run
    (folder / "statistics.json").write_text("[]{")
    page = served.client.get(f"/studies/{served.run}", headers=HTML)
    assert page.status_code == 422
    assert "statistics.json" in page.text
    (folder / "run.json").write_text("{}")
    assert f"{served.run} cannot be shown: " in served.client.get("/studies").text


def test_figures_are_those_of_the_run(served) -> None:
    run = Runs(served.root).get(served.run)
    assert run is not None
    page = served.client.get(f"/studies/{served.run}").text
    cell = run.folder.cells[0].name
    for metric in ("sensitivity", "specificity", "pr_auc"):
        row = run.statistics.find(cell, None, metric, "covid")
        assert row is not None
        assert f'data-sort="{row.estimate}"' in page
        assert f"{row.low:.2f} to {row.high:.2f}" in page


def test_the_matrix_counts_films_by_their_mean_probability(served) -> None:
    folder = RunFolder(served.root / "runs" / served.run)
    tables = [folder.predictions(folder.cells[0], t).of_part("test") for t in folder.trials]
    sums: dict[str, np.ndarray] = {}
    for table in tables:
        for i, p in zip(table.image_ids, table.probabilities, strict=True):
            sums[i] = sums.get(i, 0) + p
    wanted = np.zeros((2, 2), int)
    for i, p in sums.items():
        wanted[folder.classes.index(folder.manifest.by_id[i].label), int(p.argmax())] += 1
    page = served.client.get(f"/studies/{served.run}").text
    shown = {
        (int(i), int(j)): int(n)
        for i, j, n in re.findall(r"cell=0&amp;label=(\d)&amp;said=(\d)[^>]*>(\d+)</a>", page)
    }
    assert shown == {(i, j): n for (i, j), n in np.ndenumerate(wanted) if n}


def test_a_curve_is_drawn_where_its_points_are(served) -> None:
    run = Runs(served.root).get(served.run)
    assert run is not None
    roc, pr = plots(run)
    x, y = (float(v) for v in roc.curves[0].line.split(" ")[-1].split(","))
    assert (x, y) == (RIGHT, TOP)
    assert roc.curves[0].line.startswith(f"{LEFT:.1f},")
    band = run.evaluation.curves[run.folder.cells[0].name].roc
    told = json.loads(roc.told)[0]
    at = told["x"].index(max(told["x"]))
    assert told["y"][at] == pytest.approx(float(band.mean[-1]), abs=1e-6)
    assert y < BOTTOM
    assert pr.x == "recall"


def films_of(served, i: int, j: int) -> str:
    return f"/studies/{served.run}/films?cell=0&label={i}&said={j}"


def test_films_behind_a_cell_are_listed_and_their_look_is_counted_once(served) -> None:
    ledger = served.root / LOOKS
    page = served.client.get(films_of(served, 0, 0)).text
    ids = re.findall(r"<code>(clinic/[^<]*)</code>", page)
    assert len(ids) > 1
    assert all(i.startswith("clinic/covid/") for i in ids)
    assert "secret-patient" not in page
    (line,) = [json.loads(text) for text in ledger.read_text().splitlines()]
    assert (line["how"], line["films"]) == ("studies", len(ids))
    served.client.get(films_of(served, 0, 0))
    assert len(ledger.read_text().splitlines()) == 1
    served.client.get(films_of(served, 1, 1))
    assert len(ledger.read_text().splitlines()) == 2
    assert served.client.get(films_of(served, 0, 7)).status_code == 404


def test_a_film_is_shown_by_its_id_among_the_test_films_alone(served) -> None:
    folder = RunFolder(served.root / "runs" / served.run)
    split = folder.splits[1].parts
    tested = folder.manifest.by_id[split["test"][0]]
    address = f"/studies/{served.run}/film"
    shown = served.client.get(address, params={"id": tested.image_id, "whole": "true"})
    np.testing.assert_array_equal(decode(shown.content).pixels, decode(Path(tested.path).read_bytes()).pixels)
    assert served.client.get(address, params={"id": tested.image_id}).headers["content-type"] == "image/jpeg"
    trained = next(i for i in split["train"] if i not in folder.splits[2].parts["test"])
    for other in (trained, "../../manifest.csv", "/etc/passwd", tested.path, "", "clinic/covid/../covid/0"):
        assert served.client.get(address, params={"id": other}).status_code == 404


def test_a_film_that_changed_since_ingest_is_not_shown(served, tmp_path) -> None:
    manifest = served.root / "runs" / served.run / "manifest.csv"
    folder = RunFolder(manifest.parent)
    film = folder.manifest.by_id[folder.splits[1].parts["test"][0]]
    other = tmp_path / "other.png"
    other.write_bytes(Path(folder.manifest.films[-1].path).read_bytes())
    manifest.write_text(manifest.read_text().replace(film.path, str(other)))
    refused = served.client.get(f"/studies/{served.run}/film", params={"id": film.image_id})
    assert (refused.status_code, refused.json()["detail"]) == (
        404,
        "This film cannot be shown: changed since ingest.",
    )


@pytest.mark.parametrize("name", ["%2e%2e", "..%2f..%2fetc", "%2e", quote("runs/../x", safe=""), "x%00", "*"])
def test_a_run_is_one_of_those_that_there_are(served, name: str) -> None:
    for address in ("/films?cell=0&label=0&said=0", "/film?id=x"):
        assert served.client.get(f"/studies/{name}{address}", headers=HTML).status_code == 404


def test_a_service_without_a_workspace_says_so(loaded, tmp_path) -> None:
    client = TestClient(make_app(beside(loaded, tmp_path)), HERE)
    assert "started without a workspace" in client.get("/studies").text
    assert "started without one" in client.get("/review").text
