"""A metric is one entry: with one more in its table, and nothing else changed, a study is evaluated, compared and reported by it."""

import csv
import json
import runpy
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
pytestmark = pytest.mark.slow
ONE_MORE = runpy.run_path(str(TESTS / "one_more.py"))
ENTRY = """Metric(
        "fpr", "FPR", "films of other classes predicted as the class / films of other classes",
        {"FP": 1}, {"FP": 1, "TN exact": 1, "TN other": 1}, "no film of another class", ("macro", "contrast"),
        ("by class", "contrast", "threshold"), higher_is_better=False,
    ),"""
PROGRAM = """
import runpy, sys
from pathlib import Path
from hilum.stages.evaluate import evaluate_run
from hilum.stages.report import write_report
from hilum.study.file import read_study

where = Path(sys.argv[2])
family = {"name": "pipelines", "factor": "pipeline", "reference": "baseline", "metrics": ["fpr"]}
(where / "s.toml").write_text('name = "s"\\n[grid]\\npipelines = ["baseline", "crop"]\\n[[compare]]\\n'
    'name = "p"\\nfactor = "pipeline"\\nreference = "baseline"\\nmetrics = ["fpr"]\\n')
assert read_study(where / "s.toml").compare[0].metrics == ["fpr"]
fake = runpy.run_path(sys.argv[1])
many = [[58, 2, 0, 0], [0, 60, 0, 0], [0, 40, 20, 0], [0, 5, 0, 55]]
few = [[60, 0, 0, 0], [0, 60, 0, 0], [0, 1, 59, 0], [0, 0, 0, 60]]
of = {("resnet50", "baseline"): many, ("resnet50", "crop"): few}
run = fake["make_run"](where / "run", pipelines=("baseline", "crop"), matrices=of, study={"compare": [family]})
evaluate_run(run, n_resamples=100)
write_report(run)
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    where = tmp_path_factory.mktemp("fpr")
    src = ONE_MORE["with_entry"](where / "src", "study/metrics.py", "METRICS: tuple[Metric, ...] = (", ENTRY)
    ONE_MORE["run_there"](src, PROGRAM, str(TESTS / "fake_run.py"), str(where))
    return where / "run"


def rows(run, name):
    return list(csv.DictReader((run / "tables" / f"{name}.csv").read_text(encoding="utf-8").splitlines()))


def test_statistics_have_it_for_each_class_their_mean_and_contrasts(run):
    found = json.loads((run / "statistics.json").read_text())
    of = {
        r["class"]: r
        for r in found
        if r["metric"] == "fpr" and r["trial"] is None and "--baseline--" in r["cell"]
    }
    assert of.keys() >= {"bacterial", "covid", "normal", "viral", "macro", "covid vs adult normal"}
    assert of["covid"]["estimate"] == pytest.approx(47 / 180)
    assert of["covid"]["low"] < 47 / 180 < of["covid"]["high"]
    specificity = next(
        r
        for r in found
        if (r["metric"], r["class"], r["trial"], r["cell"])
        == ("specificity", "covid", None, of["covid"]["cell"])
    )
    assert of["covid"]["estimate"] == pytest.approx(1 - specificity["estimate"])
    assert any(r["metric"] == "fpr@operating_point" for r in found)


def test_fewer_false_positives_are_better(run):
    (row,) = json.loads((run / "comparisons.json").read_text())
    assert (row["metric"], row["verdict"]) == ("fpr", "better")
    assert row["estimate"] == pytest.approx(1 / 180 - 47 / 180)


def test_tables_and_terms_have_it(run):
    assert {r["fpr"] for r in rows(run, "trials") if r["pipeline"] == "baseline"} == {f"{47 / 180:.6g}"}
    assert "fpr_estimate" in rows(run, "one-vs-rest")[0]
    assert "fpr_estimate" in rows(run, "operating-point")[0]
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "films of other classes predicted as the class / films of other classes" in page
    assert "FPR" in page
