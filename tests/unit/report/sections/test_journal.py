"""What a journal asks for: curves, characteristics by part, films needed, the learning curve, every figure in reach of the headline."""

import csv
import io
import json
import runpy
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics

from hilum.artifacts.manifest import Manifest
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.split import Split
from hilum.artifacts.statistics import MACRO
from hilum.core.errors import InputError
from hilum.report.evaluated import Evaluated
from hilum.report.sections import learning_curve, ranking
from hilum.report.sections.films.characteristics import age_picture, characteristics_table
from hilum.report.sections.results import figures_table
from hilum.report.sections.sample_size import needed_table, plan
from hilum.stages.evaluate import evaluate_run
from hilum.stats.films_needed import films_for_area, films_for_rate, hanley_mcneil_variance

FAKE = runpy.run_path(str(Path(__file__).parents[3] / "fake_run.py"))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = FAKE["make_run"](
        tmp_path_factory.mktemp("j") / "run",
        pipelines=("crop",),
        trials=2,
        matrices={"all": FAKE["SMALL"]},
        patients="all",
    )
    evaluate_run(path, n_resamples=50)
    return Evaluated(RunFolder(path))


def read(table):
    return list(csv.DictReader(io.StringIO(table.to_csv())))


def test_curves_are_means_over_trials_with_the_statistics_area(run):
    section = ranking.section(run)
    assert [p.name for p in section.items] == ["roc-curves", "pr-curves"]
    assert "not of the curve as a whole" in section.items[0].caption
    (cell,) = run.folder.cells
    aucs = []
    for t in run.folder.trials:
        films = run.folder.predictions(cell, t).of_part("test")
        aucs.append(metrics.roc_auc_score(np.array(films.y_true) == "covid", films.probabilities[:, 1]))
    band = run.evaluation.curves[cell.name].roc
    assert run.estimate(cell, "roc_auc") == pytest.approx(np.mean(aucs))
    assert np.trapezoid(band.mean, band.x) == pytest.approx(np.mean(aucs), abs=5e-3)
    (panel,) = json.loads(section.items[0].hover)
    assert {"mean", "95 % from", "95 % to"} <= {line["name"] for line in panel["lines"]}


def test_an_evaluation_without_curves_is_made_again(run, tmp_path):
    path = shutil.copytree(run.folder.path, tmp_path / "run")
    before = (path / "statistics.json").read_bytes()
    where = path / "evaluation.json"
    value = json.loads(where.read_text())
    where.write_text(json.dumps({k: v for k, v in value.items() if k != "curves"}))
    assert evaluate_run(path, n_resamples=50)
    assert json.loads(where.read_text()) == value
    assert (path / "statistics.json").read_bytes() == before


def test_every_figure_stands_in_one_table(run):
    rows = {(r["of"], r["figure"]): r for r in read(figures_table(run))}
    (cell,) = run.folder.cells
    films = run.folder.predictions(cell, 1).of_part("test")
    said = np.array(films.classes)[films.probabilities.argmax(axis=1)]
    assert run.estimate(cell, "f1", MACRO, trial=1) == pytest.approx(
        metrics.f1_score(films.y_true, said, average="macro")
    )
    for of, name, metric, class_ in (
        ("covid", "PPV", "ppv", "covid"), ("covid", "NPV", "npv", "covid"), ("covid", "Accuracy", "accuracy", "covid"),
        ("all classes", "Accuracy", "accuracy", "all"), ("macro average", "F1", "f1", MACRO),
        ("macro average", "Sensitivity", "sensitivity", MACRO),
    ):  # fmt: skip
        found = run.row(cell, metric, class_)
        got = [float(rows[of, name][k]) for k in ("estimate", "low", "high")]
        assert got == pytest.approx([found.estimate, found.low, found.high], rel=1e-5)


def test_characteristics_count_the_films_of_each_part(run):
    rows = read(characteristics_table(run))
    by_id, parts = run.folder.manifest.by_id, run.folder.splits[1].parts
    first, patients = rows[:2]
    assert [int(first[f"{p}_value"]) for p in ("train", "valid", "test")] == [
        len(parts[p]) for p in ("train", "valid", "test")
    ]
    assert int(patients["test_value"]) == len({by_id[i].patient_id for i in parts["test"]})
    covid = next(r for r in rows if r["value"] == "covid")
    assert (covid["test_value"], float(covid["test_share"])) == ("20", pytest.approx(20 / 68, rel=1e-5))
    assert next(r for r in rows if r["characteristic"] == "Sex")["value"] == "not reported"
    assert next(r for r in rows if r["characteristic"] == "Width, px")["all_value"] == "96"


def aged(run, tmp_path):
    """The same run whose covid films have ages, and whose second trial has one film fewer in train."""
    path = shutil.copytree(run.folder.path, tmp_path / "aged")
    manifest = Manifest.read(path / "manifest.csv")
    ages = {f.image_id: str(20 + k) for k, f in enumerate(f for f in manifest.films if f.label == "covid")}
    films = [
        replace(f, attributes={"age": ages[f.image_id]} if f.image_id in ages else {}) for f in manifest.films
    ]
    Manifest(films, manifest.header).write(path / "manifest.csv")
    where = path / "splits" / "trial-2.json"
    split = Split.read(where)
    gone = split.parts["train"][0]
    groups = {i: g for i, g in split.group_of.items() if i != gone}
    Split(
        {**split.parts, "train": [i for i in split.parts["train"] if i != gone]}, groups, split.header
    ).write(where)
    return Evaluated(RunFolder(path)), ages


def test_ages_have_quartiles_and_trials_their_range(run, tmp_path):
    found, ages = aged(run, tmp_path)
    table = characteristics_table(found)
    assert table.rows[0][2].text == "11, 10 to 11" or table.rows[0][2].text.endswith(
        f"{len(found.folder.splits[2].parts['train'])} to {len(found.folder.splits[1].parts['train'])}"
    )
    rows = read(table)
    k = next(k for k, r in enumerate(rows) if r["characteristic"] == "Age, years")
    known = np.array([float(v) for v in ages.values()])
    got = [float(rows[k][f"all_{name}"]) for name in ("q1", "value", "q3")]
    assert got == pytest.approx(np.quantile(known, [0.25, 0.5, 0.75]))
    assert int(rows[k + 1]["all_value"]) == len(found.folder.manifest) - len(ages)
    picture = age_picture(found)
    assert f"{len(ages)} of {len(found.folder.manifest)} in all" in picture.caption
    assert age_picture(run) is None


def test_films_needed_are_those_of_published_examples():
    """drsm.in: sensitivity .80 to within .05 at a prevalence of .20 needs 246 films of the class, 1230 in all; Jones, Carley & Harrison
    (2003, Emerg. Med. J. 20:453): .95 to within .05 needs 73; Hanley & McNeil (1982): an area of .893 of 51 and 58 has the error .032."""
    assert films_for_rate(0.80, 0.05) == 246
    assert films_for_rate(0.95, 0.05) == 73
    assert films_for_rate(0.80, 0.05, design_effect=2) == 492
    assert hanley_mcneil_variance(0.893, 51, 58) ** 0.5 == pytest.approx(0.032, abs=6e-4)
    n = films_for_area(0.893, 0.05, 0.4)
    reach = [1.959964 * hanley_mcneil_variance(0.893, k * 0.4, k * 0.6) ** 0.5 for k in (n - 1, n)]
    assert reach[1] <= 0.05 < reach[0]
    with pytest.raises(InputError, match=r"a half-width between 0 and 1, got 0\.9 and 0"):
        films_for_rate(0.9, 0)


def test_the_plan_has_the_observed_design_effect(run):
    (cell,) = run.folder.cells
    row = run.row(cell, "sensitivity")
    many = row.model_copy(update={"estimate": 0.8, "n": 400, "n_positive": 100, "film_error": 0.06})
    found = plan(many, [many, many])
    # .06^2 over .8 * .2 / 100: the films say as much as 100 / 2.25
    assert (found.design_effect, found.resampled) == (pytest.approx(2.25), True)
    assert found.films[0] == pytest.approx(246 * 2.25 * 4, abs=4)
    few = many.model_copy(update={"film_error": None, "n_clusters": 100})
    assert (plan(few, [few]).design_effect, plan(few, [few]).resampled) == (4.0, False)
    assert plan(many.model_copy(update={"estimate": 1.0, "low": 0.9, "high": 1.0}), []).planned == 0.9
    assert "≤" in " ".join(needed_table(run).notes)


def test_the_learning_curve_is_over_the_training_films(run):
    assert learning_curve.section(run) is None
    folder = RunFolder(run.folder.path)
    (cell,) = folder.cells
    folder.cells = tuple(replace(cell, levels={**cell.levels, "fraction": f}) for f in (0.5, 1))
    half = Evaluated(folder)
    found = learning_curve.section(half)
    rows = read(found.closed[0])
    assert [r["share_of_training_films"] for r in rows] == ["0.5", "1"]
    assert {int(r["training_films_mean"]) for r in rows} == {len(folder.splits[1].parts["train"])}
    assert float(rows[0]["sensitivity_low"]) == pytest.approx(run.row(cell, "sensitivity").low, rel=1e-5)
    assert "no" not in found.items[0].caption.split()[:3]
