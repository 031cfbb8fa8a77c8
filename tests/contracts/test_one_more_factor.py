"""A factor is one entry: with one more in its table, and nothing else changed, a grid crosses it; pages and families tell its levels."""

import csv
import json
import runpy
from pathlib import Path

import pytest

from hilum.study.file import Study
from hilum.study.keys import study_digest

TESTS = Path(__file__).parents[1]
pytestmark = pytest.mark.slow
ONE_MORE = runpy.run_path(str(TESTS / "one_more.py"))
ENTRY = """Factor(
        "batch", "batches", list[int], (), "films a step, in place of the study's", "Batch", ("size of batch", "sizes of batch"),
        mark="batch-", mark_words="batch ", levels_of=lambda study, given: given or [study.training.batch],
        edit=lambda study, level: study.model_copy(
            update={"training": study.training.model_copy(update={"batch": level})}
        ),
    ),"""
PLAN = """
import json, sys
from pathlib import Path
from hilum.study.file import Study, read_study
from hilum.study.keys import study_digest
from hilum.workflow.plan import pairs_of, recipes

path = Path(sys.argv[1])
path.write_text('name = "s"\\n[grid]\\npipelines = ["baseline", "crop"]\\nbatches = [16, 64]\\n[[compare]]\\n'
    'name = "b"\\nfactor = "batch"\\nreference = "16"\\n')
study, own = read_study(path), read_study(path, ["grid.batches=[]"])
print(json.dumps({
    "batch": {r.cell.name: r.training.batch for r in recipes(study)},
    "labels": [p.label for p in pairs_of([r.cell for r in recipes(study)], study.compare[0])],
    "own": {r.cell.name: r.training.batch for r in recipes(own)},
    "digests": [study_digest(s.model_dump(mode="json")) for s in (study, own, Study(name="s"))],
}))
"""
REPORT = """
import sys
from pathlib import Path
from hilum.stages.evaluate import evaluate_run
from hilum.stages.report import write_report

evaluate_run(Path(sys.argv[1]), n_resamples=100)
write_report(Path(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def src(tmp_path_factory):
    where = tmp_path_factory.mktemp("batch") / "src"
    return ONE_MORE["with_entry"](where, "study/factors.py", "FACTORS: tuple[Factor, ...] = (", ENTRY)


def test_a_grid_crosses_it_and_a_family_compares_it(src, tmp_path):
    found = json.loads(ONE_MORE["run_there"](src, PLAN, str(tmp_path / "s.toml")))
    assert found["batch"] == {
        f"resnet50--{p}--constant--batch-{b}": b for p in ("baseline", "crop") for b in (16, 64)
    }
    assert found["labels"] == ["baseline: 64 against 16", "crop: 64 against 16"]
    assert found["own"] == {"resnet50--baseline--constant": 32, "resnet50--crop--constant": 32}
    assert found["digests"][0] != found["digests"][1]
    # a study that does not name it is found again in a workspace that was made before there was the factor
    assert found["digests"][2] == study_digest(Study(name="s").model_dump(mode="json"))


def test_tables_name_it_and_statistics_are_compared_by_it(src, tmp_path):
    family = {"name": "batches", "factor": "batch", "reference": "16", "metrics": ["sensitivity"]}
    fake = runpy.run_path(str(TESTS / "fake_run.py"))
    matrices = {"all": fake["SMALL"]}
    run = fake["make_run"](
        tmp_path / "run", pipelines=("baseline", "crop"), matrices=matrices, study={"compare": [family]}
    )
    record = json.loads((run / "run.json").read_text())
    for cell, batch in zip(record["cells"], (16, 64), strict=True):  # of two pipelines two sizes of batch
        name = f"resnet50--crop--constant--batch-{batch}"
        (run / "cells" / cell["name"]).rename(run / "cells" / name)
        cell |= {"name": name, "pipeline": "crop", "batch": batch}
    (run / "run.json").write_text(json.dumps(record))
    ONE_MORE["run_there"](src, REPORT, str(run))
    rows = list(csv.DictReader((run / "tables" / "results.csv").read_text(encoding="utf-8").splitlines()))
    assert [(r["pipeline"], r["batch"]) for r in rows] == [("crop", "16"), ("crop", "64")]
    (row,) = json.loads((run / "comparisons.json").read_text())
    assert (row["label"], row["cell"]) == ("64 against 16", "resnet50--crop--constant--batch-64")
    assert "two sizes of batch" in (run / "report.html").read_text(encoding="utf-8")
