"""A study of several findings a film, from films to figures: planted signs are found one by one, and each finding is a run by itself."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.finding_labels import UNKNOWN
from hilum.artifacts.manifest import Manifest
from hilum.artifacts.predictions import Predictions
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.statistics import StudyRows
from hilum.core.engine import Local
from hilum.core.errors import InputError
from hilum.core.seeding import generator
from hilum.inference.predictor import Predictor
from hilum.inference.reader import Reader
from hilum.stages.compare import compare_runs
from hilum.stages.evaluate import evaluate_run
from hilum.stages.export import export_bundle
from hilum.stages.ingest import ingest
from hilum.stages.predict import predict_films
from hilum.study.file import Study
from hilum.synthetic.several_signs import SIGNS, make_several
from hilum.workflow.checks import concerns
from hilum.workflow.run import run_study
from hilum.workflow.state import Run
from hilum.workflow.steps import STEPS, walk
from hilum.workflow.workspace import Workspace
from serving import made, running

FINDINGS = ("left", "right", "top")
"""Which side of a film of noise is brighter: nothing keeps two from being so at once."""
STUDY = {
    "name": "sides",
    "data": {"task": "multilabel", "near_duplicates": False},
    "split": {"method": "fractions", "fractions": {"train": 0.5, "valid": 0.25, "test": 0.25}},
    "grid": {"backbones": ["squeezenet1_0"], "pipelines": ["baseline"], "trials": 1, "schedules": ["constant", "fast"]},
    "policy": {"fast": {"kind": "constant", "learning_rate": 0.02}},
    "weights": {"squeezenet1_0": "none"},
    "augment": {"size_px": 64},
    "training": {"epochs": 12, "learning_rate": 0.01},
    "statistics": {"resamples": 100},
    "compare": [{"name": "rates", "factor": "schedule", "reference": "constant", "metrics": ["roc_auc", "sensitivity"]}],
}  # fmt: skip
CELL = "squeezenet1_0--baseline--constant"


def make_sides(root: Path, n: int = 80) -> Path:
    """Films of noise with bright sides, a table of which knows some sides of some films, and their manifest."""
    rows = ["path,label,patient_id,finding_left,finding_right,finding_top,finding_rare"]
    for k in range(n):
        rng = generator(11, "sides", k)
        film, there = rng.integers(60, 120, (64, 64)), rng.random(3) < 0.45
        for on, place in zip(there, (np.s_[:, :24], np.s_[:, 40:], np.s_[:20, :]), strict=True):
            film[place] += 110 * bool(on)
        Image.fromarray(film.clip(0, 255).astype(np.uint8)).save(root / f"{k}.png")
        told = ["" if rng.random() < 0.08 else "-1" if rng.random() < 0.05 else str(int(v)) for v in there]
        rows.append(f"{k}.png,film,p{k // 2},{','.join(told)},{int(k == 0)}")
    (root / "films.csv").write_text("\n".join(rows) + "\n")
    ingest([f"clinic={root / 'films.csv'}"], root / "manifest.csv", engine=Local(1))
    return root / "manifest.csv"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that went all the way but for the report."""
    root = tmp_path_factory.mktemp("sides")
    manifest = make_sides(root)
    run = Run(
        Study.model_validate(STUDY),
        Manifest.read(manifest),
        Workspace(root / "workspace"),
        Local(1),
        manifest,
    )
    assert [c.text for c in concerns(run) if c.code] == []
    walk([s for s in STEPS if s.name not in ("audit", "report")], run)
    return run


def test_each_sign_is_found_by_itself(run: Run) -> None:
    rows, folder = StudyRows.read(run.folder / "statistics.json"), RunFolder(run.folder)
    assert folder.classes == FINDINGS  # the rare one has too few films
    for finding in FINDINGS:
        assert rows.value(CELL, None, "roc_auc", finding) > 0.8
    assert rows.value(CELL, None, "roc_auc", "macro") > 0.9
    assert rows.value(CELL, None, "sensitivity@operating_point", "macro") > 0.75
    films = folder.predictions(folder.cells[0], 1).of_part("test")
    known = films.known()
    for k, finding in enumerate(FINDINGS):
        mask = known[:, k] != UNKNOWN
        expected = roc_auc_score(known[mask, k], films.probabilities[mask, k])
        row = rows.find(CELL, 1, "roc_auc", finding)
        assert row.estimate == pytest.approx(expected, abs=1e-9)
        assert (row.n, row.n_positive) == (mask.sum(), (known[:, k] == 1).sum())
    assert films.probabilities.sum(axis=1).max() > 1.2  # findings are not shares of one whole


def test_no_patient_is_in_two_parts_and_unknown_films_are_in_the_study(run: Run) -> None:
    split = run.draws.split(run.draws.plain, 1)
    patients = {p: {run.films.by_id[i].patient_id for i in ids} for p, ids in split.parts.items()}
    assert not patients["train"] & patients["test"] and not patients["train"] & patients["valid"]  # noqa: PT018
    assert any("?" in run.films.by_id[i].label for i in split.parts["train"])


def test_a_finding_is_a_run_of_two_classes_with_the_same_probabilities(run: Run) -> None:
    whole = RunFolder(run.folder)
    for k, finding in enumerate(FINDINGS):
        alone = RunFolder(run.folder / "findings" / finding)
        assert alone.classes == (f"without {finding}", finding)
        cell = alone.cells[0]
        ours = alone.predictions(cell, 1)
        theirs = whole.predictions(cell, 1)
        by_id = dict(zip(theirs.image_ids, theirs.probabilities[:, k], strict=True))
        assert np.allclose(ours.probabilities[:, 1], [by_id[i] for i in ours.image_ids], atol=1e-8)
        known = dict(zip(theirs.image_ids, theirs.known()[:, k], strict=True))
        assert {i for i, v in known.items() if v != UNKNOWN} == set(ours.image_ids)
        threshold = whole.operating_point(cell, 1)["thresholds"][finding]
        assert alone.operating_point(cell, 1)["threshold"] == threshold
        said = {
            i
            for i, t in zip(theirs.image_ids, theirs.operating_point, strict=True)
            if finding in t.split("|")
        }
        assert {
            i for i, t in zip(ours.image_ids, ours.operating_point, strict=True) if t == "1"
        } == said & set(ours.image_ids)
        assert not evaluate_run(alone.path)  # it is evaluated


def test_comparisons_are_one_family_over_findings(run: Run) -> None:
    rows = json.loads((run.folder / "comparisons.json").read_text())
    assert {(r["class"], r["metric"]) for r in rows} == {
        (f, m) for f in (*FINDINGS, "macro") for m in ("roc_auc", "sensitivity")
    }
    assert {r["n_family"] for r in rows} == {4}
    areas = {r["class"]: r["estimate"] for r in rows if r["metric"] == "roc_auc"}
    assert areas["macro"] == pytest.approx(np.mean([areas[f] for f in FINDINGS]), abs=1e-9)


def test_predict_says_findings_and_so_does_the_service(run: Run, tmp_path: Path) -> None:
    folder = run.folder / "cells" / CELL / "trial-1" / "bundle"
    films = [Path(run.manifest.films[k].path) for k in range(5)]
    Manifest(run.manifest.films[:5], run.manifest.header).write(tmp_path / "five.csv")
    done = predict_films(folder, [tmp_path / "five.csv"], tmp_path / "p.csv", "cpu")
    again = Predictions.read(tmp_path / "p.csv")
    assert (again.task, again.classes) == ("multilabel", FINDINGS)
    assert again.y_true == tuple(run.labelled.by_id[i].label for i in done.image_ids)
    with (tmp_path / "p.csv").open() as f:
        columns = csv.DictReader(f).fieldnames
    assert [c for c in columns if c.startswith("p_")] == ["p_left", "p_right", "p_top"]
    (reading,) = Reader(folder, "torch").read([("a", films[0].read_bytes())])
    k = done.image_ids.index(run.manifest.films[0].image_id)
    for j, finding in enumerate(FINDINGS):
        said = reading.answer.findings[finding]
        assert said.probability == pytest.approx(done.probabilities[k, j], abs=1e-6)
        assert (
            said.present
            == (said.probability >= said.threshold)
            == (finding in done.operating_point[k].split("|"))
        )
    assert reading.answer.positive == reading.answer.most_likely == ""
    calibrated = predict_films(folder, films, tmp_path / "c.csv", "cpu", calibrated=True)
    scale = Bundle.described(folder)[0].calibration["temperatures"]
    z = np.log(done.probabilities[k] / (1 - done.probabilities[k])) / [scale[f] for f in FINDINGS]
    at = list(calibrated.image_ids).index(next(i for i in calibrated.image_ids if films[0].stem in i))
    assert np.allclose(calibrated.probabilities[at], 1 / (1 + np.exp(-z)), atol=1e-4)


@pytest.mark.slow
def test_over_the_wire_too_with_a_report_in_fhir(run: Run, tmp_path: Path) -> None:
    import httpx

    folder = run.folder / "cells" / CELL / "trial-1" / "bundle"
    film = Path(run.films.films[0].path).read_bytes()
    with running(made(folder, tmp_path / "state")) as service:
        url = f"{service}/v1/predict"
        answer = httpx.post(url, content=film, headers={"content-type": "image/png"}).json()["answers"][0]
        fhir = httpx.post(
            url, content=film, headers={"content-type": "image/png", "accept": "application/fhir+json"}
        ).json()
        explained = httpx.post(f"{service}/v1/explain", content=film, headers={"content-type": "image/png"})
    assert set(answer["findings"]) == set(FINDINGS)
    assert answer["findings"]["left"]["probability"] == answer["probabilities"]["left"]
    codes = [
        e["resource"]["code"]["coding"][0]["code"]
        for e in fhir["entry"]
        if e["resource"]["resourceType"] == "Observation"
    ]
    assert [c for c in codes if c.startswith("operating-point")] == [f"operating-point-{k}" for k in range(3)]
    assert explained.status_code == 422 and "take the bundle of one finding" in explained.json()["detail"]  # noqa: PT018


def test_what_takes_one_class_says_so_and_takes_a_findings_bundle(run: Run, tmp_path: Path) -> None:
    whole = run.folder / "cells" / CELL / "trial-1" / "bundle"
    with pytest.raises(
        InputError,
        match=r"an export: expected one class a film, got several findings; take the bundle of one finding",
    ):
        export_bundle(whole, tmp_path / "model", "torch", [])
    with pytest.raises(
        InputError, match="findings/<finding> in the run's folder, which is a run of two classes"
    ):
        compare_runs([run.folder, _copy(run, tmp_path)], tmp_path / "c", ["roc_auc"], 1, 10)
    with pytest.raises(InputError, match="expected one class a film"):
        evaluate_run(run.folder)
    alone = run.folder / "findings" / "left" / "cells" / CELL / "trial-1" / "bundle"
    film = Path(run.films.films[0].path).read_bytes()
    (one,), (all_,) = (list(Predictor(b).score([("a", film)])) for b in (alone, whole))
    assert one.probabilities[1] == pytest.approx(all_.probabilities[0], abs=1e-6)
    assert one.positive == all_.present[0]


def _copy(run: Run, to: Path) -> Path:
    shutil.copytree(run.folder, to / "again")
    return to / "again"


def test_a_second_run_finds_all_and_a_bundle_reads_as_it_was_written(run: Run) -> None:
    again = replace(run, lines=[])
    walk(
        [s for s in STEPS if s.name in ("split", "prepare", "featurize", "train", "predict", "evaluate")],
        again,
    )
    assert {line.stage: line.done for line in again.lines if line.stage in ("train", "predict", "evaluate")} == {
        "train": 0, "predict": 0, "evaluate": 0,
    }  # fmt: skip
    bundle, _, _ = Bundle.read(run.folder / "cells" / CELL / "trial-1" / "bundle")
    assert (bundle.task, bundle.head, bundle.positive) == ("multilabel", "conv-linear", "")
    assert bundle.thresholds == tuple(bundle.operating_point["thresholds"][f] for f in FINDINGS)


@pytest.mark.slow
def test_phantoms_with_several_signs_end_in_a_page_and_a_page_a_finding(tmp_path: Path) -> None:
    table = make_several(tmp_path / "films", 160, 3, 96)
    ingest([f"signs={table}"], tmp_path / "manifest.csv", engine=Local(1))
    tables = {
        **STUDY, "name": "signs", "compare": [], "policy": {}, "weights": {},
        "grid": {"backbones": ["tf_efficientnet_lite0"], "pipelines": ["baseline"], "trials": 2},
        "training": {"epochs": 15}, "augment": {"size_px": 96},
    }  # fmt: skip
    page, _ = run_study(
        Study.model_validate(tables), tmp_path / "manifest.csv", tmp_path / "ws", Local(1), "hilum run"
    )
    text = page.read_text()
    assert "Results by finding" in text and "Research software" in text and "macro average" in text  # noqa: PT018
    assert "confusion matrices" in text  # said to be on the findings' pages
    for finding in SIGNS:
        alone = page.parent / "findings" / finding / "report.html"
        assert f"without {finding}" in alone.read_text()
    rows = StudyRows.read(page.parent / "statistics.json")
    cell = RunFolder(page.parent).cells[0].name
    assert rows.value(cell, None, "roc_auc", "macro") > 0.6


@pytest.mark.slow
def test_a_whole_network_learns_findings_too(tmp_path: Path) -> None:
    manifest = make_sides(tmp_path, 64)
    tables = {**STUDY, "compare": [], "grid": {**STUDY["grid"], "schedules": ["constant"], "trials": 1},
              "training": {"epochs": 2}, "finetune": {"train": "all"}}  # fmt: skip
    run = Run(
        Study.model_validate(tables), Manifest.read(manifest), Workspace(tmp_path / "ws"), Local(1), manifest
    )
    walk([s for s in STEPS if s.name not in ("audit", "report")], run)
    whole = RunFolder(run.folder)
    alone = RunFolder(run.folder / "findings" / "top")
    ours, theirs = (f.predictions(f.cells[0], 1) for f in (alone, whole))
    by_id = dict(zip(theirs.image_ids, theirs.probabilities[:, 2], strict=True))
    assert np.allclose(ours.probabilities[:, 1], [by_id[i] for i in ours.image_ids], atol=1e-8)
    film = Path(run.films.films[0].path).read_bytes()
    bundles = [f.folder(f.cells[0], 1) / "bundle" for f in (alone, whole)]
    (one,), (all_,) = (list(Predictor(b).score([("a", film)])) for b in bundles)
    assert one.probabilities[1] == pytest.approx(all_.probabilities[2], abs=1e-5)
