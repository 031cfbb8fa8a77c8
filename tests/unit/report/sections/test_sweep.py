"""The section of a threshold sweep: where a study asks for one, with the system's own threshold marked and validation's beneath."""

import csv
import json
import runpy
from pathlib import Path

import pytest

from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.sweep import Sweep
from hilum.report.evaluated import Evaluated
from hilum.report.page import Picture
from hilum.report.sections import sweep
from hilum.report.table import Table
from hilum.stages.evaluate import evaluate_run
from hilum.stages.report import write_report

FAKE = runpy.run_path(str(Path(__file__).parents[3] / "fake_run.py"))
CELL = "resnet50--crop--constant"


def made(folder: Path, **statistics: object) -> Path:
    study = {"statistics": {"resamples": 100, **statistics}, "contrast": []}
    FAKE["make_run"](folder, trials=2, pipelines=("crop",), matrices={"all": FAKE["SMALL"]}, study=study)
    assert evaluate_run(folder)
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sweep") / "run"
    return made(folder, thresholds=[0.2, 0.5], own_threshold=0.2)


def test_a_row_a_threshold_and_one_of_the_operating_point(run: Path) -> None:
    evaluated = Evaluated(RunFolder(run))
    shown, found = sweep.section(evaluated), Sweep.of_run(run)
    assert shown is not None
    assert found is not None
    table, rates, scores = shown.items
    assert isinstance(table, Table)
    at = [row[2] for row in table.rows]
    assert [c.text for c in at[:2]] == ["0.2 (its own)", "0.5"]
    assert [c.strong for c in at] == [True, False, False]
    points = [evaluated.folder.operating_point(evaluated.folder.cells[0], t)["threshold"] for t in (1, 2)]
    assert at[2].text.endswith(" (validation)")
    assert f"{min(points):.2f}"[1:] in at[2].text
    row = found.row(CELL, 0.5, "specificity")
    assert row is not None
    assert table.rows[1][4].value[:3] == (row.estimate, row.low, row.high)  # type: ignore[index]
    chosen = evaluated.row(evaluated.folder.cells[0], "sensitivity@operating_point")
    assert chosen is not None
    assert table.rows[2][3].value[:3] == (chosen.estimate, chosen.low, chosen.high)  # type: ignore[index]
    assert isinstance(rates, Picture)
    assert isinstance(scores, Picture)
    assert (rates.name, scores.name) == ("threshold-sweep", "score-histograms")


def test_the_page_says_that_nothing_was_chosen_by_it(run: Path) -> None:
    write_report(run)
    page = (run / "report.html").read_text(encoding="utf-8")
    assert (
        "after the last look at them: it shows what other thresholds would have given, and none was" in page
    )
    (first, second, last) = csv.DictReader((run / "tables" / "threshold-sweep.csv").read_text().splitlines())
    assert (first["threshold"], second["threshold"], last["threshold"]) == ("0.2", "0.5", "")
    for name in ("threshold-sweep", "score-histograms"):
        assert (run / "figures" / f"{name}.svg").is_file()


def test_other_thresholds_make_it_again_and_none_make_none(run: Path, tmp_path: Path) -> None:
    assert not evaluate_run(run)
    record = json.loads((run / "run.json").read_text())
    record["study"]["statistics"]["thresholds"] = [0.2, 0.3, 0.9]
    (run / "run.json").write_text(json.dumps(record))
    assert evaluate_run(run)
    found = Sweep.of_run(run)
    assert found is not None
    assert [r.threshold for r in found.rows] == [0.2, 0.2, 0.3, 0.3, 0.9, 0.9]
    without = made(tmp_path / "without")
    assert not (without / "sweep.json").exists()
    assert sweep.section(Evaluated(RunFolder(without))) is None
