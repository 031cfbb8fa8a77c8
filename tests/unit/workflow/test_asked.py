"""A study file as it was asked for, its overrides laid over it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hilum.artifacts.manifest import Manifest
from hilum.core.errors import InputError
from hilum.workflow import asked as module
from hilum.workflow.asked import asked, checked_study

STUDY = """
name = "s"
[grid]
backbones = ["squeezenet1_0"]
pipelines = ["baseline", "crop"]
[[compare]]
name = "against baseline"
factor = "pipeline"
reference = "baseline"
"""


def test_a_family_is_dropped_when_the_grid_was_narrowed(tmp_path: Path, capsys) -> None:
    path = tmp_path / "s.toml"
    path.write_text(STUDY)
    assert checked_study(path, ['grid.pipelines=["baseline"]']).compare == []
    (note,) = capsys.readouterr().err.splitlines()
    assert note.startswith("note: compare 'against baseline': every cell has pipeline 'baseline'")
    assert note.endswith("the family is left out, since --set narrowed the grid")
    assert len(checked_study(path, ["seed=3"]).compare) == 1
    assert capsys.readouterr().err == ""


def test_a_family_that_the_file_has_wrong_is_kept_to_be_refused(tmp_path: Path, capsys) -> None:
    path = tmp_path / "s.toml"
    path.write_text(STUDY.replace('reference = "baseline"', 'reference = "basline"'))
    assert len(checked_study(path, ['grid.pipelines=["crop", "rotation"]']).compare) == 1
    assert capsys.readouterr().err == ""


def test_a_suite_has_its_members_with_the_films_that_each_names(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text(STUDY + '[data]\nmanifest = "films.csv"\n')
    (tmp_path / "suite.toml").write_text(
        'name = "both"\n[[member]]\nstudy = "one.toml"\nname = "plain"\n'
        '[[member]]\nstudy = "one.toml"\nname = "other"\nset = ["seed=3"]\n'
    )
    given = tmp_path / "given.csv"
    for manifest in (tmp_path / "films.csv", given):
        manifest.touch()
    suite, members = asked(str(tmp_path / "suite.toml"), None, tmp_path, [])
    assert suite is not None
    assert [(m.label, m.study.seed) for m in members] == [("plain", 20210427), ("other", 3)]
    _, members = asked(str(tmp_path / "suite.toml"), given, tmp_path, ["other:seed=4"])
    assert [(m.manifest, m.study.seed) for m in members] == [(given, 20210427), (given, 4)]


def test_the_demo_draws_its_films_once_and_they_are_called_synthetic(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(module, "_DEMO_FILMS", 12)
    _, (planned,) = asked("demo", None, tmp_path, [])
    films = Manifest.read(planned.manifest)
    assert len(films) == 12
    assert films.header.options["synthetic"] is True
    before = planned.manifest.stat().st_mtime_ns
    _, (again,) = asked("demo", None, tmp_path, [])
    assert again.manifest.stat().st_mtime_ns == before


def test_a_study_without_films_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(STUDY)
    with pytest.raises(InputError, match=r"s\.toml names no manifest; give one with --manifest"):
        asked(str(tmp_path / "s.toml"), None, tmp_path, [])
