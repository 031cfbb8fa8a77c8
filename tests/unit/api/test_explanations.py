"""`hilum.explain`'s answer: films by method and verdict, maps by film, and what is asked that is not there."""

from pathlib import Path

import numpy as np
import pytest

import hilum
from hilum.artifacts.explanations import Explanations as Artefact
from hilum.core.errors import InputError

OCCLUSION = "occlusion:window_px=16,stride_px=16"


@pytest.fixture(scope="module")
def found(tiny_study: Path, tmp_path_factory: pytest.TempPathFactory):
    """Two films, explained by two methods."""
    films = sorted((tiny_study / "films" / "covid").glob("*.png"))[:2]
    return hilum.explain(
        tiny_study / "model", films, method=["grad-cam", OCCLUSION], check=["completeness"],
        lungs="none", neighbours=0, out=tmp_path_factory.mktemp("explained"), quiet=True,
    )  # fmt: skip


def test_films_are_chosen_by_method_and_verdict(found) -> None:
    rows = found.rows()
    assert [r["method"] for r in rows] == ["grad-cam", OCCLUSION] * 2
    assert len(found.films(method=OCCLUSION)) == 2
    by_verdict = [len(found.films(passes=verdict)) for verdict in (True, False)]
    assert by_verdict == [
        sum((r["verdict"] == "passes") is verdict for r in rows) for verdict in (True, False)
    ]
    with pytest.raises(InputError, match="unknown method 'lime'"):
        found.films(method="lime")


def test_maps_are_found_by_film_and_words_by_artefact(found) -> None:
    image_id = found.rows()[0]["image_id"]
    maps = found.maps(image_id)
    assert list(maps) == ["grad-cam", OCCLUSION]
    assert {(m.shape, m.dtype) for m in maps.values()} == {((32, 32), np.dtype(np.float32))}
    with pytest.raises(InputError, match=r"no map of the film 'none.png'"):
        found.maps("none.png")
    assert Artefact.read(found.path).words in str(found)
