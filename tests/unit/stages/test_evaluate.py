"""The evaluation of a run: the paper's Table 6, a second library, the unit of the intervals, refusals."""

import csv
import json
import runpy
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from hilum.artifacts.evaluation import Evaluation
from hilum.artifacts.header import Header
from hilum.artifacts.predictions import Predictions
from hilum.artifacts.statistics import StudyRows
from hilum.core.errors import DigestError
from hilum.stages.evaluate import evaluate_run
from hilum.stats.resampling_unit import resampling_unit

FAKE = runpy.run_path(str(Path(__file__).parents[2] / "fake_run.py"))
CELL = "resnet50--baseline--constant"


@pytest.fixture(scope="module")
def table_6(tmp_path_factory):
    run = FAKE["make_run"](tmp_path_factory.mktemp("six") / "run", pipelines=("baseline",), trials=2)
    evaluate_run(run, n_resamples=40)
    return run


@pytest.fixture
def small(tmp_path):
    def make(**options):
        options = {"pipelines": ("crop",), "trials": 2, "matrices": {"all": FAKE["SMALL"]}, **options}
        return FAKE["make_run"](tmp_path / "run", **options)

    return make


def test_table_6_to_four_digits(table_6):
    rows = StudyRows.read(table_6 / "statistics.json")
    found = {
        m: round(rows.value(CELL, 2, m, "covid"), 4)
        for m in ("sensitivity", "specificity", "strict_rate", "ppv")
    }
    assert found == {"sensitivity": 0.9635, "specificity": 0.9550, "strict_rate": 0.9326, "ppv": 0.8564}
    assert round(rows.value(CELL, 2, "accuracy", "all"), 4) == round((636 + 1742 + 4790 + 625) / 8296, 4)
    matrix = Evaluation.read(table_6 / "evaluation.json").matrices[CELL, 2]
    assert matrix.tolist() == FAKE["TABLE_6"]


def test_areas_agree_with_scikit_learn(table_6):
    with (table_6 / "cells" / CELL / "trial-1" / "predictions.csv").open() as f:
        films = [r for r in csv.DictReader(f) if r["part"] == "test"]
    rows = StudyRows.read(table_6 / "statistics.json")
    for class_ in FAKE["CLASSES"]:
        y, score = [r["y_true"] == class_ for r in films], [float(r[f"p_{class_}"]) for r in films]
        assert rows.value(CELL, 1, "roc_auc", class_) == pytest.approx(roc_auc_score(y, score), abs=1e-12)
        wanted = average_precision_score(y, score)
        assert rows.value(CELL, 1, "average_precision", class_) == pytest.approx(wanted, abs=1e-12)


def test_a_cell_is_the_mean_of_its_trials_with_its_standard_error(table_6):
    rows = StudyRows.read(table_6 / "statistics.json")
    for metric in ("sensitivity", "pr_auc"):
        trials = [rows.value(CELL, t, metric, "covid") for t in (1, 2)]
        cell = rows.find(CELL, None, metric, "covid")
        assert cell.estimate == pytest.approx(np.mean(trials), abs=1e-12)
        assert cell.standard_error == pytest.approx(np.std(trials, ddof=1) / 2**0.5, abs=1e-12)
        assert cell.low < cell.estimate < cell.high
        assert cell.n_trials == 2


def test_operating_point_rows_count_the_threshold(table_6):
    path = table_6 / "cells" / CELL / "trial-2" / "predictions.csv"
    found = Predictions.read(path).of_part("test")
    score, covid = found.probabilities[:, 1], np.array(found.y_true) == "covid"
    row = StudyRows.read(table_6 / "statistics.json").find(CELL, 2, "sensitivity@operating_point", "covid")
    assert row.estimate == pytest.approx((score[covid] >= 0.32).mean(), abs=1e-12)


def test_contrasts_use_the_manifest_s_ages(table_6):
    rows = StudyRows.read(table_6 / "statistics.json")
    # of 5096 normals every eighth is a child's: 637
    assert rows.find(CELL, 2, "specificity", "covid among child normals").n == 637
    adult = rows.find(CELL, 2, "specificity", "covid vs adult normal")
    assert (adult.n, adult.n_positive) == (1808 + 5096 - 637, 1808)
    assert rows.find(CELL, 2, "sensitivity", "bacterial vs viral").n == 719 + 673


def test_unchanged_predictions_are_not_evaluated_again_and_changed_ones_are(small):
    run = small()
    evaluate_run(run, n_resamples=20)
    before = (run / "statistics.json").stat().st_mtime_ns, (run / "statistics.json").read_bytes()
    evaluate_run(run, n_resamples=20)
    assert (run / "statistics.json").stat().st_mtime_ns == before[0]
    evaluate_run(run, n_resamples=30)
    assert (run / "statistics.json").read_bytes() != before[1]
    (run / "statistics.json").unlink()
    evaluate_run(run, n_resamples=20)
    assert (run / "statistics.json").read_bytes() == before[1]


def test_statistics_of_another_operating_point_are_made_again(small):
    run = small()
    assert evaluate_run(run, n_resamples=20)
    assert not evaluate_run(run, n_resamples=20)
    (path, *_) = sorted(run.glob("cells/*/trial-1/bundle/bundle.json"))
    bundle = json.loads(path.read_text())
    bundle["operating_point"]["threshold"] += 0.1
    path.write_text(json.dumps(bundle))
    assert evaluate_run(run, n_resamples=20)


def test_one_trial_has_no_standard_error(small):
    run = small(trials=1)
    evaluate_run(run, n_resamples=20)
    row = StudyRows.read(run / "statistics.json").find(
        "resnet50--crop--constant", None, "sensitivity", "covid"
    )
    assert row.standard_error is None
    assert "one trial" in row.note


def _predictions(patients, groups):
    n = len(patients)
    return Predictions(
        image_ids=tuple(f"f{k}" for k in range(n)),
        patient_ids=tuple(patients),
        parts=("test",) * n,
        y_true=("covid",) * n,
        probabilities=np.full((n, 2), 0.5),
        classes=("covid", "normal"),
        groups=tuple(groups),
        operating_point=("",) * n,
        errors=("",) * n,
        header=Header("predictions"),
    )


@pytest.mark.parametrize(
    ("patients", "groups", "name", "counts"),
    [
        (["a", "a", "b"], ["", "", ""], "patient", {"patient": 2}),
        (["a", "a", "b"], ["g", "g", "g"], "patient", {"patient": 1}),
        (["", "", ""], ["g", "g", "h"], "duplicate group", {"duplicate group": 1, "film": 1}),
        (["", "", ""], ["g", "h", "i"], "film", {"film": 3}),
        (["", "", ""], ["", "", ""], "film", {"film": 3}),
        (
            ["a", "", ""],
            ["g", "g", "h"],
            "patient, else duplicate group, else film",
            {"patient": 1, "film": 1},
        ),
    ],
)
def test_the_unit_is_the_patient_else_the_group_else_the_film(patients, groups, name, counts):
    unit = resampling_unit(_predictions(patients, groups))
    assert unit.name == name
    assert unit.counts == counts
    assert len(set(unit.labels)) == sum(counts.values())


def test_two_runs_in_one_folder_are_refused(small):
    run = small()
    value = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**value, "manifest_digest": "0" * 64}))
    with pytest.raises(DigestError, match="mixes two runs"):
        evaluate_run(run)
