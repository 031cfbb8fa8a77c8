"""A study file as it was asked for, its overrides laid over it."""

from __future__ import annotations

from pathlib import Path

from hilum.workflow.asked import checked_study

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
