"""What is reported of a study that has run already: the record takes the new words, and nothing else of it changes."""

import json
import runpy
from pathlib import Path
from types import SimpleNamespace

from hilum.artifacts.run_folder import RunFolder
from hilum.report.study_facts import reported
from hilum.study.file import Study
from hilum.workflow.facts import renew_reporting

FAKE = runpy.run_path(str(Path(__file__).parents[2] / "fake_run.py"))


def test_a_run_that_is_there_takes_what_is_reported_now(tmp_path: Path) -> None:
    folder = FAKE["make_run"](
        tmp_path / "run", pipelines=("crop",), matrices={"all": FAKE["SMALL"]}, trials=1
    )
    before = json.loads((folder / "run.json").read_text())
    study = Study.model_validate({"name": "a", "reporting": {"ethics": "approved"}})
    renew_reporting(SimpleNamespace(folder=folder, study=study))  # type: ignore[arg-type]
    after = json.loads((folder / "run.json").read_text())
    assert reported(RunFolder(folder)) == {"ethics": "approved"}
    assert {**after, "study": {k: v for k, v in after["study"].items() if k != "reporting"}} == before
    stamp = (folder / "run.json").stat().st_mtime_ns
    renew_reporting(SimpleNamespace(folder=folder, study=study))  # type: ignore[arg-type]
    assert (folder / "run.json").stat().st_mtime_ns == stamp
