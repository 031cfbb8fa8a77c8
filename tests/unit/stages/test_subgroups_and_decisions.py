"""What evaluate leaves beside the statistics: each subgroup against the rest, and what acting on the models is worth."""

import json
import runpy
from pathlib import Path

import pytest

from hilum.artifacts.comparisons import read_comparisons
from hilum.artifacts.decisions import Decisions
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.statistics import StudyRows
from hilum.report.evaluated import Evaluated
from hilum.report.sections import contrasts, decisions
from hilum.stages.evaluate import evaluate_run

_FAKE = runpy.run_path(str(Path(__file__).parents[2] / "fake_run.py"))
STUDY = {
    "contrast": [],
    "subgroup": [{"by": "source"}, {"by": "film_size"}, {"by": "age_group"}],
    "statistics": {"prevalences": [0.01, 0.2], "resamples": 100},
}
CELL = "resnet50--baseline--constant"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("extras") / "run"
    _FAKE["make_run"](
        folder, trials=2, pipelines=("baseline",), matrices={"all": _FAKE["SMALL"]}, study=STUDY
    )
    assert evaluate_run(folder)
    return folder


def test_a_subgroup_is_set_against_the_rest_once(run: Path) -> None:
    """Films of the two sources are each other's rest, all films are of one size, and covid is of one source and age group alone."""
    rows, known = read_comparisons(run / "subgroups.json"), StudyRows.read(run / "statistics.json")
    assert [(r.label, r.metric, r.n_family) for r in rows] == [
        (label, m, 2) for m in ("specificity",) for label in ("source = mooney", "age_group = adult")
    ]
    of = {(r.label, r.metric): r for r in rows}
    spec = of["age_group = adult", "specificity"]
    assert spec.value == pytest.approx(
        known.value(CELL, None, "specificity", "covid where age_group = adult")
    )
    assert spec.reference_value == pytest.approx(
        known.value(CELL, None, "specificity", "covid where age_group = child")
    )
    assert spec.low <= spec.low_one <= spec.estimate <= spec.high_one <= spec.high
    assert known.find(CELL, None, "specificity", "covid where shorter side <512 px").n == 68


def test_they_are_made_again_by_themselves_and_of_other_prevalences(run: Path) -> None:
    assert not evaluate_run(run)
    before = (run / "statistics.json").stat().st_mtime_ns
    (run / "subgroups.json").unlink()
    value = json.loads((run / "run.json").read_text())
    value["study"]["statistics"]["prevalences"] = [0.5]
    (run / "run.json").write_text(json.dumps(value))
    assert evaluate_run(run)
    assert (run / "statistics.json").stat().st_mtime_ns == before
    assert (run / "subgroups.json").is_file()
    found = Decisions.of_run(run)
    assert found is not None
    assert [(r.prevalence, r.metric) for r in found.predictive] == [(0.5, "ppv"), (0.5, "npv")]
    assert not evaluate_run(run)


def test_the_sections_show_them(run: Path) -> None:
    evaluated = Evaluated(RunFolder(run))
    section = decisions.section(evaluated)
    assert section is not None
    assert [t.name for t in section.items] == ["predictive-values"]
    picture, table = section.closed
    assert (picture.name, table.name) == ("decision-curves", "net-benefit")
    assert table.rows[-1][0].text == "act on all"
    rest = contrasts.against_rest_table(evaluated)
    assert rest is not None
    assert len(rest.rows) == 2
    assert "against the rest" in contrasts.subgroup_table(evaluated).notes[0]
