"""The floor of coverage is every module's own, not the mean's."""

import json
import runpy
from pathlib import Path

import pytest

PROGRAM = runpy.run_path(str(Path(__file__).parents[1] / "least_coverage.py"))


def report(folder: Path, **run: int) -> Path:
    """A report of modules of ten lines each, so many of which ran."""
    path = folder / "coverage.json"
    files = {
        f"src/hilum/{name.replace('__', '/')}.py": {"summary": {"num_statements": 10, "covered_lines": n}}
        for name, n in run.items()
    }
    path.write_text(json.dumps({"files": files}))
    return path


def test_shares_by_package_and_in_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert PROGRAM["main"](report(tmp_path, core__text=10, core__files=9, stats__curves=10)) == 0
    assert capsys.readouterr().out.splitlines() == ["  96.7 %  all", "  95.0 %  core", " 100.0 %  stats"]


def test_one_module_under_the_floor_fails_whatever_the_others_have(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert PROGRAM["main"](report(tmp_path, core__text=8, core__files=10, stats__curves=10)) == 1
    assert capsys.readouterr().err == "  80.0 %  core/text.py is under 85 %\n"


def test_a_module_without_lines_is_not_under_the_floor(tmp_path: Path) -> None:
    path = tmp_path / "coverage.json"
    empty = {"summary": {"num_statements": 0, "covered_lines": 0}}
    path.write_text(json.dumps({"files": {"src/hilum/core/__init__.py": empty}}))
    assert PROGRAM["main"](path) == 0
