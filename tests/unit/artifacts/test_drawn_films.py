"""prepared/ of a run: the list of a trial's prepared films is read back as it was written, and another kind of file is refused."""

import json
from pathlib import Path

import pytest

from hilum.artifacts.drawn_films import DrawnFilm, DrawnFilms, drawn_path, drawn_paths
from hilum.artifacts.header import Header
from hilum.core.errors import InputError


def test_what_was_drawn_is_read_back(tmp_path: Path) -> None:
    step = {"step": 0, "op": "crop_centre", "drawn": {"p": 0.5}}
    films = DrawnFilms(
        Header("prepared", {"split": "s"}, seed=4),
        {"train": [DrawnFilm("a", 0, "11", [step]), DrawnFilm("a", 1, "22", [])], "valid": [], "test": []},
    )
    path = drawn_path(tmp_path, "without-mooney", "crop", 2)
    films.write(path)
    assert path == tmp_path / "prepared" / "without-mooney" / "crop--trial-2.json"
    value = json.loads(path.read_text())
    assert list(value) == ["header", "columns", "train", "valid", "test"]
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
