"""Reviews over HTTP: blinded until answered, kept once, never changed, taken back by ingest."""

from __future__ import annotations

import csv
import io
import json
import threading
import uuid
from http.client import HTTPConnection
from pathlib import Path

import httpx
import pytest

import hilum
from hilum.artifacts.looks import LOOKS
from hilum.artifacts.manifest import Manifest, read_exclusions
from hilum.serve.guard import HEADERS
from hilum.serve.review.store import NAME, ReviewStore
from serving import beside, running
from tiny_study import CELL


def said(verdict: str = "label", label: str = "covid", **more: object) -> dict[str, object]:
    return {
        "key": uuid.uuid4().hex,
        "verdict": verdict,
        **({"label": label} if verdict == "label" else {}),
        **more,
    }


REGION = {"kind": "rectangle", "points": [[0.1, 0.1], [0.4, 0.5]]}


def item_of(served, address: str, n: int):
    item = ReviewStore(served.state / NAME).item(int(address.rpartition("/")[2]), n)
    assert item is not None
    return item


def test_a_queue_counts_as_a_look_at_its_films(served) -> None:
    address = served.queue(served.as_reader("A"), films=5)
    line = json.loads((served.root / LOOKS).read_text().splitlines()[-1])
    assert (line["how"], line["films"]) == ("review", 5)
    assert address == "/review/1"


@pytest.mark.parametrize("kind", ["errors", "uncertain", "random"])
def test_before_the_answer_nothing_of_a_blinded_film_is_sent(served, kind: str) -> None:
    reader = served.as_reader("A")
    address = served.queue(reader, kind=kind, films=4)
    item = item_of(served, address, 1)
    hidden = {
        item.image_id,
        "clinic/",
        json.dumps(item.probabilities)[1:-1],
        f"{item.probabilities['covid']:.3f}",
    }
    for place in (address, f"{address}/1", "/review"):
        page = reader.get(place)
        assert page.status_code == 200
        assert not any(h in page.text for h in hidden), place
        assert "Agree" not in page.text
        assert '"known": null' in page.text.replace("&#34;", '"') or place != f"{address}/1"
    own = reader.get(f"{address}/1").text
    assert KIND_WORDS[kind] not in own
    assert KIND_WORDS[kind] not in reader.get(address).text
    film = reader.get(f"{address}/1/film.png")
    assert not any(item.image_id in str(v) or "clinic" in str(v) for v in film.headers.values())
    assert set(film.headers) <= {*HEADERS, "content-length", "content-type", "hilum-request-id"}
    assert reader.post(f"{address}/1", json=said("agree")).status_code == 422


KIND_WORDS = {"errors": "wrong", "uncertain": "lowest probability", "random": "drawn by a seed"}


def test_with_the_answer_the_model_is_told_and_the_answer_is_marked_as_given_blind(served) -> None:
    reader = served.as_reader("A")
    address = served.queue(reader, films=2)
    item = item_of(served, address, 2)
    told = reader.post(f"{address}/2", json=said(label="normal"))
    assert told.status_code == 201
    assert told.json()["revealed"] == item.model_dump(
        mode="json", include={"image_id", "label", "said", "probabilities", "votes"}
    )
    assert (told.json()["next"], told.json()["done"]) == (1, 1)
    assert item.image_id in reader.get(f"{address}/2").text
    assert reader.post(f"{address}/2", json=said("agree")).json()["kept"]["label"] == item.said
    kept = ReviewStore(served.state / NAME).answers(1)
    assert [(a.informed, a.reading) for a in kept] == [(False, "normal"), (True, item.said)]


def test_a_reader_in_the_middle_sees_neither_others_nor_the_models_answers(served) -> None:
    first, second = served.as_reader("A"), served.as_reader("B")
    address = served.queue(first, films=2)
    for n in (1, 2):
        first.post(f"{address}/{n}", json=said(comment="the others must not see this"))
    second.get(f"{address}/1")
    for place in (f"{address}/labels.csv", f"{address}/answers.csv", f"{address}/figures.csv"):
        assert second.get(place).status_code == 403
        assert first.get(place).status_code == 200
    assert "Agreement" not in second.get(address).text
    refused = second.get(f"/studies/{served.run}/films?cell=0&label=0&said=0")
    assert (refused.status_code, refused.json()["detail"]) == (
        409, "You are reading 'a queue' blinded; finish it, then the model's answers are shown."
    )  # fmt: skip
    for n in (1, 2):
        second.post(f"{address}/{n}", json=said())
    assert "Agreement" in second.get(address).text
    assert (
        "secret-patient"
        not in second.get(address).text
        + second.get(f"{address}/1").text
        + second.get(f"{address}/answers.csv").text
    )
    assert second.get(f"/studies/{served.run}/films?cell=0&label=0&said=0").status_code == 200


def test_who_only_reviews_sees_what_came_of_it_after_the_last_film(with_tokens, workspace) -> None:
    run = next((workspace / "runs").iterdir())
    cell = json.loads((run / "run.json").read_text())["cells"][0]["name"]
    reader = with_tokens("Dr B:review")
    asked = {"name": "q", "run": run.name, "cell": cell, "kind": "random", "films": 1, "blinded": False}
    address = reader.post("/review/queues", json=asked).json()["address"]
    assert reader.get(f"{address}/labels.csv").status_code == 403
    assert with_tokens("chief:admin").get(f"{address}/labels.csv").status_code == 200
    assert reader.post("/review/name", json={"name": "somebody else"}).status_code == 409
    reader.cookies.set("hilum-reader", "somebody else")
    assert reader.post(f"{address}/1", json=said("agree")).status_code == 201
    rows = list(csv.DictReader(io.StringIO(reader.get(f"{address}/answers.csv").content.decode("utf-8-sig"))))
    assert [(r["reader"], r["name_from"], r["verdict"]) for r in rows] == [("Dr B", "token", "agree")]


def test_comments_and_names_are_text_wherever_they_stand(served) -> None:
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    reader = served.as_reader(evil)
    address = served.queue(reader, films=1, name="<b>q</b>")
    reader.post(f"{address}/1", json=said(comment=evil + "\"'</textarea>"))
    for place in ("/review", address, f"{address}/1"):
        page = reader.get(place).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "<b>q" not in page
        assert "&lt;script&gt;alert" in page


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"label": "plague"}, "expected a class of covid, normal, got 'plague'"),
        ({"verdict": "maybe"}, "verdict"),
        ({"regions": [{"kind": "rectangle", "points": [[0, 0], [1.2, 1]]}]}, "less than or equal to 1"),
        (
            {"regions": [{"kind": "rectangle", "points": [[0, 0], [0.5, 0.5], [1, 1]]}]},
            "a rectangle has two corners",
        ),
        ({"regions": [{"kind": "polygon", "points": [[0, 0], [0.5, 0.5]]}]}, "a polygon three or more"),
        ({"comment": "x" * 4001}, "at most 4000 characters"),
        ({"key": "short"}, "at least 8 characters"),
        ({"reader": "somebody else"}, "Extra inputs are not permitted"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason(served, change: dict[str, object], why: str) -> None:
    reader = served.as_reader("A")
    address = served.queue(reader, films=1)
    response = reader.post(f"{address}/1", json={**said(), **change})
    assert response.status_code == 422
    assert why in response.json()["detail"]
    assert ReviewStore(served.state / NAME).answers(1) == []


def test_nobody_reviews_without_a_name(served) -> None:
    address = served.queue(served.as_reader("A"), films=1)
    assert served.client.post(f"{address}/1", json=said()).json()["detail"] == "Say who you are first."
    assert served.client.get(f"{address}/1", follow_redirects=False).headers["location"] == "/review"


def test_ingest_takes_the_labels_back(served, tmp_path: Path, tiny_study: Path) -> None:
    first, second, third = (served.as_reader(name) for name in ("A", "B", "C"))
    address = served.queue(first, films=4, blinded=False)
    items = [item_of(served, address, n) for n in (1, 2, 3, 4)]
    other = ["normal" if i.label == "covid" else "covid" for i in items]
    for reader in (first, second, third):
        reader.post(f"{address}/1", json=said(label=other[0], comment="=SUM(A1) seen"))
        reader.post(f"{address}/2", json=said("not usable" if reader is not third else "cannot tell"))
        reader.post(
            f"{address}/3",
            json=said(label=["covid", "normal"][reader is first])
            if reader is not third
            else said("cannot tell"),
        )
        reader.post(f"{address}/4", json=said("agree"))
    text = first.get(f"{address}/labels.csv").content
    rows = {r["image_id"]: r for r in csv.DictReader(io.StringIO(text.decode("utf-8-sig")))}
    assert rows[items[0].image_id]["label"] == other[0]
    assert rows[items[0].image_id]["comment"].startswith("A: =SUM(A1) seen; B: ")
    assert (rows[items[1].image_id]["label"], rows[items[1].image_id]["leave_out"]) == ("", "not usable")
    assert rows[items[2].image_id]["label"] == ""
    assert rows[items[2].image_id]["reading"] == "cannot tell 1, covid 1, normal 1"
    assert rows[items[3].image_id]["label"] == items[3].said
    labels, out = tmp_path / "labels.csv", tmp_path / "again.csv"
    labels.write_bytes(text)
    films = tiny_study / "films"
    hilum.ingest({"clinic": films}, out, no_patient_ids=["clinic"], labels=labels, quiet=True, workers=0)
    got = Manifest.read(out).by_id
    assert got[items[0].image_id].label == other[0]
    assert items[1].image_id not in got
    assert got[items[2].image_id].label == items[2].label
    assert got[items[3].image_id].label == items[3].said
    assert [e.reason for e in read_exclusions(out.with_suffix(".excluded.csv"))] == ["left out by --labels"]
    assert Manifest.read(out).attributes == ()


def test_twenty_readers_at_once_lose_nothing(served, loaded) -> None:
    """Two services on one store, real connections; every reader sends each answer twice, as after a broken connection."""
    address = served.queue(served.as_reader("maker"), films=4)
    other = beside(loaded, served.state, served.root)
    failed: list[str] = []

    def read(host: str, reader: int) -> None:
        connection = HTTPConnection(host, timeout=120)
        headers = {"content-type": "application/json", "cookie": f"hilum-reader=reader-{reader}"}
        for n in range(1, 5):
            body = json.dumps(said(label=["covid", "normal"][(reader + n) % 2], comment=f"{reader} on {n}"))
            for _ in range(2):
                connection.request("POST", f"{address}/{n}", body, headers)
                response = connection.getresponse()
                response.read()
                if response.status != 201:
                    failed.append(f"{reader} {n}: {response.status}")
        connection.close()

    with running(served.service, closes=False) as one, running(other, closes=False) as two:
        hosts = [a.removeprefix("http://") for a in (one, two)]
        threads = [threading.Thread(target=read, args=(hosts[k % 2], k)) for k in range(20)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    assert failed == []
    kept = ReviewStore(served.state / NAME).answers(1)
    wanted = {
        (f"reader-{r}", n, ["covid", "normal"][(r + n) % 2], f"{r} on {n}")
        for r in range(20)
        for n in range(1, 5)
    }
    assert len(kept) == 80
    assert {(a.reader, a.n, a.label, a.comment) for a in kept} == wanted
    assert [a.id for a in kept] == sorted({a.id for a in kept})


@pytest.mark.parametrize("slow", ["add", "make_queue"])
def test_a_disk_that_is_slow_for_one_reader_holds_up_no_other(served, monkeypatch, slow: str) -> None:
    address = served.queue(served.as_reader("A"), films=2)
    whole, waits, goes_on = getattr(ReviewStore, slow), threading.Event(), threading.Event()

    def slowly(*given: object) -> object:
        waits.set()
        assert goes_on.wait(120)
        return whole(*given)

    monkeypatch.setattr(ReviewStore, slow, slowly)
    run = {"name": "another", "run": served.run, "cell": CELL, "kind": "random", "films": 2}
    place, body = (f"{address}/1", said()) if slow == "add" else ("/review/queues", run)
    statuses: list[int] = []
    with running(served.service, closes=False) as url:

        def ask() -> None:
            sent = httpx.post(f"{url}{place}", json=body, cookies={"hilum-reader": "A"}, timeout=120)
            statuses.append(sent.status_code)

        asking = threading.Thread(target=ask)
        asking.start()
        try:
            assert waits.wait(60)
            assert httpx.get(f"{url}/healthz", timeout=30).status_code == 200
            assert statuses == []
        finally:
            goes_on.set()
            asking.join()
    assert statuses == [201]


def test_the_page_of_a_queue_shows_the_figures(served) -> None:
    first, second = served.as_reader("A"), served.as_reader("B")
    address, other = served.queue(first, films=6), {"covid": "normal", "normal": "covid"}
    for n in range(1, 7):
        label = item_of(served, address, n).label
        first.post(f"{address}/{n}", json=said(label=label, regions=[REGION]))
        second.post(
            f"{address}/{n}",
            json=said(label=label if n < 6 else other[label], regions=[REGION] if n < 3 else []),
        )
    page = served.asks().get(address).text
    assert "all readers (Fleiss)" in page
    assert '<th scope="row">A and B</th>' in page
    assert (
        '<th scope="row">A and B</th><td class="num">1.00<br><span class="soft small">0.16 to 1.00</span></td><td class="num">2</td>'
        '<td class="num">4</td>' in page
    )
    assert page.count(">not distinguishable") + page.count(">not tested") == 6
    assert "by Holm over the readers" in page
    assert page.count(">alone ") == page.count(">not distinguishable") > 0
    text = served.asks().get(f"{address}/figures.csv").content.decode("utf-8-sig")
    overlap = next(r for r in csv.DictReader(io.StringIO(text)) if r["figure"] == "overlap of regions")
    assert (overlap["first"], overlap["films"], float(overlap["estimate"])) == ("A", "2", 1.0)
    chosen = served.queue(first, films=2, kind="uncertain")
    for n in (1, 2):
        first.post(f"{chosen}/{n}", json=said())
    assert "only a queue at random is tested" in first.get(chosen).text
    assert '<th scope="row">A and the labels</th><td class="num">1.000</td>' in page
