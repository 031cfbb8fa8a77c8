"""prepared/ of a run: the list of a trial's prepared films is read back as it was written, and another kind of file is refused."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from hilum.artifacts.drawn_films import DrawnFilm, DrawnFilms, FilmFacts, drawn_path, drawn_paths
from hilum.artifacts.header import Header
from hilum.artifacts.prepared import ArrayStore
from hilum.core.errors import InputError


def test_what_was_drawn_is_read_back(tmp_path: Path) -> None:
    step = {"step": 0, "op": "crop_centre", "drawn": {"p": 0.5}}
    films = DrawnFilms(
        Header("prepared", {"split": "s"}, seed=4),
        {"train": (DrawnFilm("a", 0, "11", [step]), DrawnFilm("a", 1, "22", [])), "valid": (), "test": ()},
        {"a": FilmFacts("covid", "s:1", "g")},
        ("k",),
    )
    path = drawn_path(tmp_path, "without-mooney", "crop", 2)
    films.write(path)
    assert path == tmp_path / "prepared" / "without-mooney" / "crop--trial-2.json"
    value = json.loads(path.read_text())
    assert list(value) == ["header", "columns", "train", "valid", "test", "films", "shards"]
    assert value["columns"] == ["image_id", "copy", "pixels_sha256", "drawn"]
    assert value["train"] == [["a", 0, "11", [step]], ["a", 1, "22", []]]
    assert DrawnFilms.read(path) == films
    films.write(drawn_path(tmp_path, "", "zoom", 1))
    assert drawn_paths(tmp_path, "crop") == [path]
    assert len(drawn_paths(tmp_path)) == 2


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(json.dumps({"header": Header("split").to_dict()}))
    with pytest.raises(InputError, match="expected an artefact of kind 'prepared', got 'split'"):
        DrawnFilms.read(tmp_path / "x.json")


CLASSES = ("covid", "normal")
STEPS = [{"step": 1, "op": "rotate", "drawn": {"angle_deg": 3}}]
DRAWN = DrawnFilms(
    Header("prepared", {"split": "s"}, seed=3),
    {
        "train": (DrawnFilm("a", 0, "a0", []), DrawnFilm("a", 1, "a1", STEPS)),
        "valid": (DrawnFilm("b", 0, "b0", []), DrawnFilm("c", 0, "c0", [])),
        "test": (DrawnFilm("c", 0, "c9", []),),
    },
    {
        "a": FilmFacts("covid", "s:1", "g1"),
        "b": FilmFacts("normal", "", "b"),
        "c": FilmFacts("covid", "s:2", "g2"),
    },
    ("k" * 64,),
)


class Places(ArrayStore):
    """A store that has every film in one file."""

    def __init__(self) -> None: ...

    def locations(self, digests: list[str]) -> list[tuple[str, int]]:
        return [("f.npy", int(d[1])) for d in digests]


def test_a_film_of_test_is_predicted_once() -> None:
    assert [f.image_id for f in DRAWN.held_out("valid")] == ["b"]
    assert [f.pixels_sha256 for f in DRAWN.held_out("test")] == ["c9"]
    assert DRAWN.digests == {"a0", "a1", "b0", "c9"}


def test_films_are_found_with_their_classes() -> None:
    found = DRAWN.found(DRAWN.parts["valid"], CLASSES, Places())
    assert (found.image_ids, found.labels) == (("b", "c"), (1, 0))
    assert found.locations == (("f.npy", 0), ("f.npy", 0))


@pytest.mark.parametrize(
    "changed",
    [
        {"parts": {**DRAWN.parts, "train": DRAWN.parts["train"][::-1]}},
        {"parts": {**DRAWN.parts, "train": (DrawnFilm("a", 0, "a2", []), DRAWN.parts["train"][1])}},
        {"parts": {**DRAWN.parts, "train": (DrawnFilm("b", 0, "a0", []), DRAWN.parts["train"][1])}},
        {"facts": {**DRAWN.facts, "a": FilmFacts("normal", "s:1", "g1")}},
    ],
)
def test_a_trial_is_of_these_films_in_these_classes(changed: dict[str, object]) -> None:
    assert replace(DRAWN, **changed).digest_of("train", CLASSES) != DRAWN.digest_of("train", CLASSES)


def test_a_digest_is_not_of_patients_or_shards() -> None:
    facts = {i: FilmFacts(f.label, "x", "y") for i, f in DRAWN.facts.items()}
    other = replace(DRAWN, facts=facts, shards=())
    assert other.digest_of("train", CLASSES) == DRAWN.digest_of("train", CLASSES)
