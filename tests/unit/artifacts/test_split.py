"""The type refuses leakage, however the split came to be; split.json can be read by a person and by hilum."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hilum.artifacts.duplicates import Copy, Duplicates, joined
from hilum.artifacts.header import Header
from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.artifacts.split import Split
from hilum.core.errors import DigestError, InputError, LeakageError

HEADER = Header("split", inputs={"manifest": "0" * 64}, seed=1)


def film(image_id: str, patient: str = "", pixels: str = "") -> FilmRow:
    return FilmRow(image_id, patient, "", image_id, pixels or image_id, "covid", "s")


def manifest(*films: FilmRow) -> Manifest:
    return Manifest(films, Header("manifest", options={"no_patient_ids": ["s"]}))


def test_a_group_in_two_parts_cannot_be_constructed() -> None:
    with pytest.raises(LeakageError, match=r"group 'patient 1' .* is in train and test: 'a' and 'b'") as e:
        Split({"train": ["a"], "test": ["b"]}, {"a": "patient 1", "b": "patient 1"}, HEADER)
    assert e.value.exit_code == 3
    assert "hilum split" in str(e.value)


def test_a_film_in_two_parts_or_twice_cannot_be_constructed() -> None:
    with pytest.raises(LeakageError, match="is in train and valid"):
        Split({"train": ["a"], "valid": ["a"]}, {"a": "a"}, HEADER)
    with pytest.raises(LeakageError, match="twice in part 'train'"):
        Split({"train": ["a", "a"]}, {"a": "a"}, HEADER)


def test_unknown_part_and_a_film_without_group() -> None:
    with pytest.raises(InputError, match="unknown part 'dev'"):
        Split({"dev": ["a"]}, {"a": "a"}, HEADER)
    with pytest.raises(InputError, match="film 'a' of the split has no group"):
        Split({"train": ["a"]}, {}, HEADER)


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    split = Split({"train": ["b", "a"], "test": ["c"]}, {"a": "g", "b": "g", "c": "c"}, HEADER)
    split.write(tmp_path / "split.json")
    again = Split.read(tmp_path / "split.json")
    assert (again.parts, again.group_of, again.header) == (split.parts, split.group_of, split.header)
    assert again.digest == split.digest
    assert again.parts == {"train": ("a", "b"), "valid": (), "test": ("c",)}
    assert again.part_of == {"a": "train", "b": "train", "c": "test"}
    assert json.loads((tmp_path / "split.json").read_text())["n_films"] == {"train": 2, "valid": 0, "test": 1}


def test_an_edited_file_that_leaks_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "split.json"
    Split({"train": ["a", "b"], "test": ["c"]}, {"a": "g", "b": "g", "c": "c"}, HEADER).write(path)
    value = json.loads(path.read_text())
    value["films"]["test"]["b"] = value["films"]["train"].pop("b")
    path.write_text(json.dumps(value))
    with pytest.raises(LeakageError, match="group 'g'"):
        Split.read(path)
    value["films"]["train"]["b"] = "g"
    path.write_text(json.dumps(value))
    with pytest.raises(LeakageError, match=r"group 'g' .* is in train and test"):
        Split.read(path)


def test_check_looks_at_the_manifest_itself() -> None:
    """A split may name wrong groups; patient ids and pixels of the manifest tell."""
    own = {"a": "a", "b": "b"}
    parts = {"train": ["a"], "test": ["b"]}
    for films, message in (
        ((film("a", "s:1"), film("b", "s:1")), "patient 's:1' is in train and test"),
        ((film("a", "", "p"), film("b", "", "p")), "film with pixels 'p' is in train and test"),
    ):
        m = manifest(*films)
        with pytest.raises(LeakageError, match=message):
            Split(parts, own, Header("split", inputs={"manifest": m.digest})).check(m)
    m = manifest(film("a"), film("b"))
    Split(parts, own, Header("split", inputs={"manifest": m.digest})).check(m)
    with pytest.raises(DigestError, match="manifest"):
        Split(parts, own, HEADER).check(m)


def test_other_kinds_of_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    Duplicates([], {"a": "1"}, Header("duplicates")).write(path)
    with pytest.raises(InputError, match="expected an artefact of kind 'split', got 'duplicates'"):
        Split.read(path)
    path.write_text("{")
    with pytest.raises(InputError, match="expected JSON"):
        Duplicates.read(path)
    with pytest.raises(InputError, match="no such file"):
        Duplicates.read(tmp_path / "none.json")


def test_duplicates_name_known_films_and_kinds(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown film 'b'"):
        Duplicates([Copy("a", "b", "near")], {"a": "1"}, Header("duplicates"))
    path = tmp_path / "d.json"
    Duplicates([Copy("a", "b", "near", 0.98, 0.9)], {"a": "1", "b": "2"}, Header("duplicates")).write(path)
    value = json.loads(path.read_text())
    assert value["largest_group"] == 2
    value["pairs"][0][2] = "alike"
    path.write_text(json.dumps(value))
    with pytest.raises(
        InputError,
        match=r"pairs\.0\.2: input should be 'exact-bytes', 'exact-pixels' or 'near', got 'alike'",
    ):
        Duplicates.read(path)
    value["pairs"] = []
    del value["films"]
    path.write_text(json.dumps(value))
    with pytest.raises(InputError, match="the key 'films' is missing"):
        Duplicates.read(path)


def test_joined_chains() -> None:
    assert joined([("d", "c"), ("b", "a"), ("c", "b"), ("e", "f")]) == [("a", "b", "c", "d"), ("e", "f")]
    assert joined([]) == []
