"""What an explanation says of its maps, that it is read as it was written, and that a film is found again or not at all."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hilum.artifacts.explanations import (
    ExplainedFilm,
    Explanations,
    FilmMap,
    MapCheck,
    film_name,
    find_film,
    maps_path,
    read_maps,
    write_film,
)
from hilum.artifacts.header import Header
from hilum.core.errors import InputError

WRONG = MapCheck("deletion", "Deletion", 0.5, 0.4, False, "no faster than by chance")
GOOD = MapCheck("stability", "Stability", 0.9, 0.8, True, "it stays")
BAD = MapCheck("border", "On the border", 0.7, 0.2, False, "it lies at the border", required=False)
TOLD = MapCheck("share", "Share", 0.4, None, None, "only told")


def film(name: str = "a", *maps: FilmMap, error: str = "") -> ExplainedFilm:
    return ExplainedFilm(name, "covid", "p:1", (0.7, 0.3), True, error, maps, name=f"{name}-1")


def artefact(*films: ExplainedFilm) -> Explanations:
    header = Header("explanations", {"bundle": "ab", "films": "cd"}, {"lungs": "own"}, seed=7)
    return Explanations(
        header, ("covid", "normal"), "covid", 0.4, {"grad-cam": {}, "rise:masks=9": {"masks": 9}}, films
    )


def test_a_verdict_follows_from_the_checks_that_give_one() -> None:
    assert FilmMap.judged("m", "covid", (GOOD, TOLD), 1).verdict == "passes"
    assert FilmMap.judged("m", "covid", (GOOD, WRONG), 1).verdict == "does not pass: Deletion"
    elsewhere = FilmMap.judged("m", "covid", (GOOD, BAD), 1)
    assert (elsewhere.verdict, elsewhere.against) == ("passes", ("On the border",))
    assert elsewhere.value("border") == 0.7
    assert FilmMap.judged("m", "covid", (TOLD,), 1).verdict == "not checked"


def test_an_artefact_is_read_as_it_was_written_and_counts_its_maps(tmp_path: Path) -> None:
    maps = [
        FilmMap.judged("grad-cam", "covid", checks, 0.1) for checks in ((GOOD, TOLD), (GOOD, WRONG), (TOLD,))
    ]
    e = artefact(film("a", *maps), film("b", error="corrupt"))
    e.write(tmp_path)
    assert Explanations.read(tmp_path) == e == Explanations.read(tmp_path / "explanations.json")
    assert (
        e.words
        == "3 maps of 1 film, of which 1 of 2 pass all checks that must hold; 1 film could not be explained"
    )
    assert e.describe()["could not be explained"] == 1
    (tmp_path / "explanations.json").write_text('{"header": {"kind": "explanations", "schema_version": 1}}')
    with pytest.raises(InputError, match="missing"):
        Explanations.read(tmp_path)


def test_a_film_is_found_again_by_its_key_while_its_maps_are_as_they_were(tmp_path: Path) -> None:
    one, values = film("a/b c", FilmMap("grad-cam", "covid")), {"grad-cam": np.eye(3, dtype=np.float32)}
    one = replace(one, name=film_name("a/b c", "key"))
    assert one.name.startswith("a-b-c-")
    assert film_name("a/b c", "other key") != one.name
    assert find_film(tmp_path, one.name, "key") is None
    write_film(tmp_path, one, values, "key")
    assert find_film(tmp_path, one.name, "key") == one
    assert find_film(tmp_path, one.name, "another") is None
    assert np.array_equal(read_maps(tmp_path, one.name)["grad-cam"], np.eye(3))
    first = maps_path(tmp_path, one.name).read_bytes()
    write_film(tmp_path, one, values, "key")
    assert maps_path(tmp_path, one.name).read_bytes() == first
    maps_path(tmp_path, one.name).write_bytes(first[:-1])
    assert find_film(tmp_path, one.name, "key") is None
    with pytest.raises(InputError, match="expected the maps"):
        read_maps(tmp_path, "none")
