"""The page Read and what it asks for."""

import numpy as np
import pytest

from hilum.core.seeding import generator
from hilum.imaging.decode import decode
from hilum.serve.pages import read
from hilum.synthetic.phantom import draw

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
