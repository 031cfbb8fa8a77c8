"""The study deep-covid that ships: what it says, and its small twin from films to report, maps and films of elsewhere."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from hilum.artifacts.explanations import explained_cells
from hilum.artifacts.manifest import Manifest
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.sweep import Sweep
from hilum.core.engine import Local
from hilum.core.errors import InputError
from hilum.stages.ingest import ingest
from hilum.studies import study_path
from hilum.study.file import read_study
from hilum.study.policies.simulate import simulate
from hilum.synthetic.phantom import make_films
from hilum.workflow.asked import checked_study
from hilum.workflow.checks import concerns
from hilum.workflow.outside import evaluate_on
from hilum.workflow.run import run_study
from hilum.workflow.state import Run
from hilum.workflow.workspace import Workspace

RESIZE = '{op="resize", width_px=48, height_px=48, resample_filter="bilinear"}'
SMALL = [
    "weights.resnet18=none", "augment.size_px=48", "features.precision=fp32", "grid.trials=1", "training.epochs=8",
    'grid.pipelines=["resized-crop"]', 'probes.kinds=["source-rule"]', "statistics.resamples=100", "explain.films=1",
    f'augment.pipeline=[{{name="resized-crop", steps=[{RESIZE}, {{op="random_resized_crop"}}]}}]',
    'explain.methods=["occlusion:window_px=16,stride_px=16"]',
]  # fmt: skip
CELL = "resnet18--resized-crop--a-tenth-every-7"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("deep-covid")
    ingest([f"home={make_films(root / 'films', 60, 5, 48)}"], root / "manifest.csv", engine=Local(1))
    study = checked_study(study_path("deep-covid"), SMALL)
    page, _ = run_study(study, root / "manifest.csv", root / "ws", Local(1), "hilum run deep-covid")
    return page.parent


def test_the_study_is_what_the_page_says() -> None:
    study = read_study(study_path("deep-covid"))
    policy = study.policy_of("a-tenth-every-7")
    assert (policy.optimizer, study.training.batch, study.training.epochs) == ("sgd", 20, 100)
    rates = simulate(policy, 100, 1)
    assert rates[[0, 6, 7, 13, 14]].tolist() == pytest.approx([1e-4, 1e-4, 1e-5, 1e-5, 1e-6])
    assert rates[21:].sum() / rates.sum() < 0.0012  # what the last 79 of its 100 epochs can still move
    assert (study.statistics.thresholds, study.statistics.own_threshold) == ([0.1, 0.2, 0.3, 0.4, 0.5], 0.2)


def test_without_weights_it_says_how_to_get_them(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HILUM_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    study = read_study(study_path("deep-covid"))
    asked = Run(study, Manifest.read(run.parents[2] / "manifest.csv"), Workspace(tmp_path / "ws"), Local(1))
    said = [c.text for c in concerns(asked)]
    assert any("resnet18" in text and "hilum weights fetch resnet18" in text for text in said)


def test_every_film_but_covid_is_other_and_its_label_is_kept(run: Path) -> None:
    given, films = Manifest.read(run.parents[2] / "manifest.csv"), RunFolder(run).manifest
    n_covid = given.count_by("label")["covid"]
    assert films.count_by("label") == {"covid": n_covid, "other": 60 - n_covid}
    assert films.count_by("label_in_manifest") == given.count_by("label")
    rows = json.loads((run / "statistics.json").read_text())
    (contrast,) = (
        r
        for r in rows
        if (r["cell"], r["trial"], r["class"]) == (CELL, 1, "covid vs adult normal")
        and r["metric"] == "specificity"
    )
    test = [films.by_id[i] for i in RunFolder(run).splits[1].parts["test"]]
    normal = [f for f in test if f.value("label_in_manifest") == "normal" and f.age_group == "adult"]
    assert contrast["n"] - contrast["n_positive"] == len(normal) > 0


def test_its_rates_fall_and_only_training_films_are_cropped(run: Path) -> None:
    lines = (run / "cells" / CELL / "trial-1" / "history.jsonl").read_text().splitlines()
    assert [json.loads(line)["learning_rate"] for line in lines] == pytest.approx([1e-4] * 7 + [1e-5])
    drawn = json.loads((run / "prepared" / "resized-crop--trial-1.json").read_text())
    ops = {part: {d["op"] for row in drawn[part] for d in row[3]} for part in ("train", "valid", "test")}
    assert ops == {"train": {"random_resized_crop"}, "valid": set(), "test": set()}


def test_its_report_has_the_sweep_the_maps_and_what_was_merged(run: Path) -> None:
    folder, found = RunFolder(run), Sweep.of_run(run)
    assert found is not None
    assert set(found.scores) == {CELL}  # no probe has one
    rows = list(csv.DictReader((run / "tables" / "threshold-sweep.csv").read_text().splitlines()))
    assert [r["threshold"] for r in rows] == ["0.1", "0.2", "0.3", "0.4", "0.5", ""]
    sensitivities = [float(r["sensitivity_estimate"]) for r in rows[:5]]
    assert sensitivities == sorted(sensitivities, reverse=True)
    half = found.row(CELL, 0.5, "sensitivity")
    argmax = folder.predictions(folder.cells[0], 1).of_part("test")
    called = argmax.probabilities[:, 0] >= 0.5
    assert half is not None
    assert half.estimate == pytest.approx(called[argmax.y_index() == 0].mean())
    page = (run / "report.html").read_text()
    assert "Merged: the class other is every other label of the manifest" in page
    ((_, maps),) = explained_cells(folder).items()
    assert len(maps.films) == 1


@pytest.mark.slow
def test_films_of_elsewhere_are_merged_in_the_same_way(run: Path, tmp_path: Path) -> None:
    made = ingest([f"away={make_films(tmp_path / 'f', 24, 6, 48)}"], tmp_path / "a.csv", engine=Local(1))
    strange = [replace(f, label={"viral": "tb"}.get(f.label, f.label)) for f in made.manifest.films]
    Manifest(strange, made.manifest.header).write(tmp_path / "b.csv")
    page = evaluate_on(run, tmp_path / "b.csv", {"tb": "covid"}, None, Local(1), "hilum evaluate")
    films = RunFolder(page.parent).manifest
    before = Manifest(strange, made.manifest.header).count_by("label")
    assert films.count_by("label")["covid"] == before["covid"] + before["tb"]
    assert films.count_by("label")["other"] == before["normal"] + before["bacterial"]
    assert Sweep.of_run(page.parent) is not None
    with pytest.raises(InputError, match="no film of the manifest has the label 'tbc'"):
        evaluate_on(run, tmp_path / "b.csv", {"tbc": "covid"}, None, Local(1), "")
