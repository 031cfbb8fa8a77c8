"""The page Read and what it asks for."""

import asyncio
import io

import numpy as np
import pytest
from fastapi import Request
from PIL import Image

from dicom_films import film_of, ramp
from hilum.core.seeding import generator
from hilum.imaging.decode import decode
from hilum.serve.pages import read
from hilum.serve.pages.site import Site
from hilum.serve.problems import Problem
from hilum.synthetic.phantom import draw
from serving import LIMITS

OCTETS = {"content-type": "application/octet-stream"}


def test_the_page_names_the_bundles_and_the_methods(served) -> None:
    page = served.client.get("/").text
    assert page.count('value="one"') == 2
    assert page.count('value="two"') == 2
    assert 'value="integrated-gradients"' in page
    assert 'data-classes="[&#34;covid&#34;, &#34;normal&#34;]"' in page


def test_an_example_is_the_film_that_hilum_draws(served) -> None:
    sent = decode(served.client.get("/pages/example.png", params={"label": "viral", "seed": 3}).content)
    np.testing.assert_array_equal(
        sent.pixels, draw("viral", generator(3, "example", "viral"), read.EXAMPLE_PX).pixels
    )


@pytest.mark.parametrize("asked", [{"label": "cat"}, {"seed": -1}, {"seed": 10000}])
def test_an_example_of_nothing_known_is_refused(served, asked) -> None:
    response = served.client.get("/pages/example.png", params=asked)
    assert response.status_code == 422
    assert response.json()["detail"].startswith("Expected a label of bacterial, covid")


def test_a_bundle_outside_its_run_has_no_nearest_films_and_says_why(served) -> None:
    film = served.client.get("/pages/example.png").content
    found = served.client.post("/pages/nearest?bundle=one", content=film, headers=OCTETS)
    assert found.json() == {
        "films": [],
        "why": "this bundle lies outside its run, which knows its training films",
    }
    assert served.client.post("/pages/nearest?bundle=no", content=film, headers=OCTETS).status_code == 404


def test_nearest_films_are_told_by_id_class_and_source(served, monkeypatch) -> None:
    reader = served.service.bundles.named("one").reader
    taken = reader.opener("film", served.client.get("/pages/example.png").content).prepared
    vectors = read.Neighbours(
        np.eye(512, dtype=np.float32)[:2], [("s/a", "covid", "s"), ("s/b", "normal", "s")], reader.predictor.frozen, 16, "k"
    )  # fmt: skip
    monkeypatch.setattr(read, "neighbours_of", lambda _folder, _frozen: (vectors, ""))
    got = served.client.post(
        "/pages/nearest?bundle=two", content=served.client.get("/pages/example.png").content, headers=OCTETS
    )
    (wanted,) = vectors.of([taken], 6)
    assert got.json()["films"] == [
        {"image_id": n.image_id, "class": n.label, "source": n.source, "distance": n.distance} for n in wanted
    ]


def sent(served, data: bytes, **headers: str):
    return served.client.post("/pages/film.png", content=data, headers={**OCTETS, **headers})


def tiff(height: int = 60, width: int = 80) -> bytes:
    """A slope from black to white, as TIFF."""
    pixels = np.linspace(0, 255, height * width).reshape(height, width).astype(np.uint8)
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "TIFF", compression="tiff_adobe_deflate")
    return data.getvalue()


def dicom() -> bytes:
    """12 bits, with a patient who must not come back."""
    data = io.BytesIO()
    film = film_of(ramp(rows=50, columns=70), PatientName="Secret^Patient")
    film.save_as(data, enforce_file_format=True)
    return data.getvalue()


@pytest.mark.parametrize("data", [tiff(), dicom()], ids=["TIFF", "DICOM"])
def test_a_film_that_browsers_do_not_draw_comes_back_as_png_of_every_pixel(served, data: bytes) -> None:
    got = sent(served, data)
    assert (got.status_code, got.headers["content-type"]) == (200, "image/png")
    np.testing.assert_array_equal(decode(got.content).pixels, decode(data).pixels)
    assert b"Secret" not in got.content
    assert got.headers["cache-control"] == "no-store"


def test_a_film_beyond_the_bound_is_made_smaller(served, monkeypatch) -> None:
    got = sent(served, tiff(1500, 600))
    assert Image.open(io.BytesIO(got.content)).size == (600, 1500)
    monkeypatch.setattr(read, "MOST_PX", 500)
    got = sent(served, tiff(1500, 600))
    assert Image.open(io.BytesIO(got.content)).size == (200, 500)


def test_what_is_no_film_is_refused_with_the_decoders_words(served) -> None:
    got = sent(served, b"no film at all")
    assert got.status_code == 415
    assert got.json()["detail"].startswith("neither PNG, JPEG, BMP, TIFF nor DICOM")
    assert sent(served, tiff()[:100]).status_code == 422
    assert sent(served, b"x" * (LIMITS.film_bytes + 1)).status_code == 413
    assert sent(served, tiff(), **{"sec-fetch-site": "cross-site"}).status_code == 403
    assert sent(served, tiff(), **{"content-type": "text/plain"}).status_code == 415


def test_a_film_is_drawn_for_who_may_ask_of_films(with_tokens) -> None:
    for whose, status in (("a:predict", 200), ("a:review", 403)):
        got = with_tokens(whose).post("/pages/film.png", content=tiff(), headers=OCTETS)
        assert got.status_code == status


def test_only_so_many_films_are_held_at_a_time(served, monkeypatch) -> None:
    monkeypatch.setattr(read, "_MOST_HELD", 0)
    got = sent(served, tiff())
    assert (got.status_code, got.headers["retry-after"]) == (429, "1")
    monkeypatch.setattr(read, "_MOST_HELD", 1)
    assert [sent(served, d).status_code for d in (b"no film", tiff(), tiff())] == [415, 200, 200]


def test_a_film_that_does_not_come_is_not_waited_for(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(read, "_BODY_S", 0.01)

    async def receive():
        await asyncio.sleep(60)

    pages = read.ReadPages(Site(tmp_path, list))
    with pytest.raises(Problem, match=r"Expected the whole film within 0\.01 seconds"):
        asyncio.run(pages._body(Request({"type": "http", "headers": []}, receive)))
