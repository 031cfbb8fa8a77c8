"""Ensembles in a whole study on synthetic films: cells like any other, from films to report, and a bundle that says what the run says."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import httpx
import numpy as np
import pytest
from scipy.special import softmax
from typer.testing import CliRunner

from hilum.artifacts.bundle import Bundle, bundle_version
from hilum.artifacts.header import read_object, write_json
from hilum.artifacts.kept_logits import KeptLogits
from hilum.artifacts.manifest import Manifest
from hilum.artifacts.predictions import Predictions
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.trial_files import EnsembleFacts, Seconds
from hilum.cli.main import app
from hilum.core.engine import Local
from hilum.core.errors import DigestError, InputError, UnsafeError
from hilum.ensembles import combined, said
from hilum.explain.network import explained
from hilum.inference.predictor import Predictor
from hilum.inference.reader import Reader
from hilum.report.study_page import sentence
from hilum.stages.ensemble import Answers, EnsembleTask, MemberTrial, combine
from hilum.stages.export import export_bundle
from hilum.stages.ingest import ingest
from hilum.stages.predict import predict_films
from hilum.study.ensembles import recorded_ensemble
from hilum.study.file import Study
from hilum.synthetic.phantom import make_films
from hilum.workflow.outside import evaluate_on
from hilum.workflow.run import run_study
from serving import made, running

FLANNEL = {"kind": "flannel", "epochs": 2}
MEMBERS = ("squeezenet1_0--baseline--constant", "squeezenet1_0--smaller--constant")
STUDY = {
    "name": "together",
    "data": {"include": [{"label": ["covid", "normal"]}]},
    "grid": {"backbones": ["squeezenet1_0"], "pipelines": ["baseline", "smaller"], "trials": 1},
    "weights": {"squeezenet1_0": "none"},
    "split": {"method": "fractions", "fractions": {"train": 0.4, "valid": 0.3, "test": 0.3}},
    "augment": {
        "size_px": 64,
        "pipeline": [{"name": "smaller", "steps": [{"op": "resize", "width_px": 32, "height_px": 32},
                                                   {"op": "resize", "width_px": 64, "height_px": 64}]}],
    },
    "training": {"epochs": 3, "learning_rate": 5e-3},
    "features": {"precision": "fp32"},
    "statistics": {"resamples": 100},
    "ensemble": [
        {"name": "mean", "kind": "mean"},
        {"name": "stacked", "kind": "stacked", "folds": 3, "of": ["squeezenet1_0"]},
        {"name": "flannel", "folds": 2, "of": list(MEMBERS), **FLANNEL},
        {"name": "as-run", "fit_on": "train", "gamma": 10.0, "class_weight": "1000/count", "summed": True, "second_softmax": True,
         "activation": "tanh", "keep": "best", **FLANNEL},
    ],
    "compare": [{"name": "against the mean", "factor": "backbone", "reference": "ensemble/mean"}],
}  # fmt: skip
MEAN = "ensemble-mean--several--constant"
NAMES = ("mean", "stacked", "flannel", "as-run")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("ensembles")
    ingest([f"home={make_films(root / 'films', 100, 5, 64)}"], root / "manifest.csv", engine=Local(1))
    page, _ = run_study(
        Study.model_validate(STUDY), root / "manifest.csv", root / "ws", Local(1), "hilum run together"
    )
    return page.parent


def trial(run: Path, name: str, n: int = 1) -> Path:
    return run / "cells" / f"ensemble-{name}--several--constant" / f"trial-{n}"


def test_an_ensemble_is_a_cell_like_any_other(run: Path) -> None:
    folder = RunFolder(run)
    names = [c.name for c in folder.cells]
    assert names[2:] == [f"ensemble-{n}--several--constant" for n in NAMES]
    mean = folder.cell_named[MEAN]
    assert mean.members == MEMBERS
    assert mean.factors["backbone"] == "ensemble/mean"
    rows = json.loads((run / "statistics.json").read_text())
    assert {r["cell"] for r in rows} == set(names)
    page = (run / "report.html").read_text()
    assert "ensemble/flannel" in page
    assert "logistic regression on the members" in page
    assert sentence(folder).startswith(
        "One frozen backbone (squeezenet1_0 (random weights)) and four ensembles of them (ensemble/mean, ensemble/stacked, "
        "ensemble/flannel, ensemble/as-run) under two augmentation pipelines (baseline, smaller), "
    )


def test_it_is_compared_with_single_nets_of_the_same_levels(run: Path) -> None:
    rows = json.loads((run / "comparisons.json").read_text())
    pairs = {(r["cell"], r["reference"]) for r in rows}
    assert pairs == {(f"ensemble-{n}--several--constant", MEAN) for n in NAMES if n != "mean"}


def test_the_mean_is_the_mean_of_its_members_predictions(run: Path) -> None:
    members = [Predictions.read(run / "cells" / c / "trial-1" / "predictions.csv") for c in MEMBERS]
    own = Predictions.read(trial(run, "mean") / "predictions.csv")
    assert all(m.image_ids == own.image_ids for m in members)
    np.testing.assert_allclose(
        own.probabilities, np.mean([m.probabilities for m in members], axis=0), atol=2e-9
    )


def test_test_films_are_answered_by_the_kept_weights_and_validation_out_of_fold(run: Path) -> None:
    for name, folds, part in (
        ("stacked", 3, "valid"),
        ("flannel", 2, "valid"),
        ("as-run", 0, "train"),
        ("mean", 0, ""),
    ):
        at = trial(run, name)
        bundle, _, arrays = Bundle.read(at / "bundle")
        facts = EnsembleFacts.of(at)
        assert facts is not None
        assert (facts.folds, facts.fitted_on) == (folds, part)
        table = recorded_ensemble(bundle.training["ensemble"])
        folders = [run / "cells" / m.cell / "trial-1" for m in bundle.members]
        kept = [KeptLogits.read(f, bundle_version(f / "bundle")) for f in folders]
        stored = Predictions.read(at / "predictions.csv")
        for p, same in (("test", True), ("valid", folds == 0)):
            z = combined(table, arrays, np.stack([said(k.parts[p]) for k in kept], axis=1))
            close = np.allclose(stored.of_part(p).probabilities, softmax(z, axis=1), atol=2e-9)
            assert close == same, (name, p)
        valid = stored.of_part("valid")
        assert bundle.operating_point["n_films"] == len(valid)
        threshold = bundle.operating_point["threshold"]
        called = [o == "1" for o in valid.operating_point]
        of_positive = valid.probabilities[:, bundle.classes.index(bundle.positive)]
        assert np.array_equal(called, of_positive >= threshold - 1e-9)


def task_of(run: Path, name: str, out: Path) -> EnsembleTask:
    bundle, header, _ = Bundle.described(trial(run, name) / "bundle")
    pipelines = {"baseline": "baseline", "smaller": "smaller"}
    members = tuple(
        MemberTrial(
            m.cell, run / "cells" / m.cell / "trial-1", run / "prepared" / f"{pipelines[m.cell.split('--')[1]]}--trial-1.json"
        )
        for m in bundle.members
    )  # fmt: skip
    assert header.seed is not None
    return EnsembleTask(
        out, bundle.backbone, recorded_ensemble(bundle.training["ensemble"]), members, run.parents[1] / "prepared", "youden",
        header.seed, {},
    )  # fmt: skip


@pytest.mark.parametrize("name", ["stacked", "flannel"])
def test_nothing_of_a_test_film_goes_into_the_weights(run: Path, tmp_path: Path, name: str) -> None:
    """The same trial with other labels and other answers of test films has the same weights, threshold and temperature, bit for bit."""
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    for path in (copy / "prepared").glob("*--trial-1.json"):
        value = read_object(path)
        test = {row[0] for row in value["test"]}
        classes = sorted({f[0] for f in value["films"].values()})
        for i in test:
            label, *others = value["films"][i]
            value["films"][i] = [classes[(classes.index(label) + 1) % len(classes)], *others]
        write_json(path, value)
    for path in (copy / "cells").glob("*/trial-1/logits.safetensors"):
        kept = KeptLogits.read(path.parent, bundle_version(path.parent / "bundle"))
        KeptLogits(kept.bundle, {**kept.parts, "test": -kept.parts["test"]}).write(path.parent)
    found = []
    for root, out in ((run, tmp_path / "a"), (copy, tmp_path / "b")):
        task = task_of(root, name, out)
        if root is copy:
            task = EnsembleTask(**{**vars(task), "prepared": run.parents[1] / "prepared"})
        combine(task)
        found.append((Bundle.read(out / "bundle"), Predictions.read(out / "predictions.csv")))
    ((a, _, w), before), ((b, _, v), after) = found
    assert all(np.array_equal(w[k], v[k]) for k in w)
    assert (a.operating_point, a.calibration, a.conformal) == (b.operating_point, b.calibration, b.conformal)
    assert np.array_equal(before.of_part("valid").probabilities, after.of_part("valid").probabilities)
    assert not np.array_equal(before.of_part("test").probabilities, after.of_part("test").probabilities)
    with pytest.raises(ValueError, match="labels of test films"):
        Answers(task_of(run, name, tmp_path).members).labels("test")


@pytest.mark.parametrize("name", NAMES)
def test_predict_says_what_the_run_says(run: Path, tmp_path: Path, name: str) -> None:
    stored = Predictions.read(trial(run, name) / "predictions.csv").of_part("test")
    fresh = predict_films(trial(run, name) / "bundle", [run / "manifest.csv"], tmp_path / "p.csv", "cpu")
    row = {i: k for k, i in enumerate(fresh.image_ids)}
    again = fresh.take([row[i] for i in stored.image_ids])
    np.testing.assert_allclose(again.probabilities, stored.probabilities, atol=1e-6)
    assert again.operating_point == stored.operating_point
    assert again.judged["stranger"] == stored.judged["stranger"]


def test_a_reader_opens_a_film_once_and_answers_it_as_predict_does(run: Path, tmp_path: Path) -> None:
    folder = trial(run, "mean") / "bundle"
    predictor = Predictor(folder)
    assert [p.pipeline.name for p in predictor.further] == ["smaller"]  # two members, two preparations
    reader = Reader(folder)
    assert reader.engine.name == "torch"
    assert "no one network" in reader.engine.why
    film = Manifest.read(run / "manifest.csv").films[0]
    (reading,) = reader.read([(film.image_id, Path(film.path).read_bytes())])
    fresh = predict_films(folder, [Path(film.path)], tmp_path / "p.csv", "cpu")
    assert reading.scored.probabilities == pytest.approx(fresh.probabilities[0], abs=1e-6)
    assert reading.scored.prepared is not None
    assert reading.scored.prepared.shape == (64, 64)


def test_a_changed_or_absent_member_is_refused(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    folder = trial(copy, "stacked") / "bundle"
    member = copy / "cells" / MEMBERS[0] / "trial-1" / "bundle"
    value = read_object(member / "bundle.json")
    write_json(member / "bundle.json", {**value, "precision": "bf16"})
    with pytest.raises(DigestError, match="member squeezenet1_0--baseline--constant"):
        Predictor(folder)
    own = read_object(folder / "bundle.json")

    def with_member(**changed: object) -> None:
        write_json(member / "bundle.json", {**value, **changed})
        members = [
            {**m, "version": bundle_version(member)} if m["cell"] == MEMBERS[0] else m for m in own["members"]
        ]
        write_json(folder / "bundle.json", {**own, "members": members})

    with_member(unsafe=["second_softmax"])
    with pytest.raises(UnsafeError, match="second_softmax"):
        Predictor(folder)
    with_member(classes=["covid", "other"])
    with pytest.raises(InputError, match="make the ensemble again"):
        Predictor(folder)
    shutil.rmtree(member)
    with pytest.raises(InputError, match="its member squeezenet1_0--baseline--constant is not at"):
        Predictor(folder)


def test_what_an_ensemble_cannot_do_is_said(run: Path, tmp_path: Path) -> None:
    folder = trial(run, "mean") / "bundle"
    with pytest.raises(InputError, match="no heat maps and cannot be exported; name a member"):
        explained(folder)
    with pytest.raises(InputError, match="no heat maps and cannot be exported; name a member"):
        export_bundle(folder, tmp_path / "model-torch", "torch", [])


@pytest.mark.slow
def test_a_service_answers_as_predict_does_and_has_no_heat_map(run: Path, tmp_path: Path) -> None:
    folder, film = trial(run, "mean") / "bundle", Manifest.read(run / "manifest.csv").films[0]
    data, png = Path(film.path).read_bytes(), {"content-type": "image/png"}
    fresh = predict_films(folder, [Path(film.path)], tmp_path / "p.csv", "cpu")
    with running(made(folder, tmp_path / "state")) as url:
        (answer,) = httpx.post(f"{url}/v1/predict", content=data, headers=png).json()["answers"]
        (shown,) = httpx.get(f"{url}/v1/bundles").json()["bundles"]
        refused = httpx.post(f"{url}/v1/explain", content=data, headers=png)
    said_of = [answer["probabilities"][c] for c in fresh.classes]
    assert said_of == pytest.approx(fresh.probabilities[0].tolist(), abs=1e-6)
    assert shown["title"] == "mean of 2 models"
    assert refused.status_code == 422
    assert "no one network" in refused.json()["detail"]


def test_show_finds_its_members(run: Path) -> None:
    done = CliRunner().invoke(app, ["show", str(trial(run, "stacked") / "bundle")])
    assert done.exit_code == 0, done.output
    assert "member squeezenet1_0--smaller--constant" in done.output
    assert "verified" in done.output
    assert "changed" not in done.output


def test_what_it_costs_is_its_members_and_its_own(run: Path) -> None:
    record = RunFolder(run).record
    costs = record.costs
    of_both = 2 * costs["squeezenet1_0"]["parameters"]
    assert costs["ensemble/mean"]["parameters"] == of_both
    k, m = len(record.classes), 2
    assert costs["ensemble/flannel"]["parameters"] == of_both + (m * k) ** 2 * m + m
    assert costs["ensemble/stacked"]["trained"] - costs["ensemble/mean"]["trained"] == k * (m * k + 1)
    members = [
        Seconds.known(run / "cells" / c / "trial-1").alone for c in RunFolder(run).cell_named[MEAN].members
    ]
    alone = Seconds.known(trial(run, "mean")).alone
    assert alone["featurize"] == pytest.approx(sum(s["featurize"] for s in members), abs=0.01)
    assert alone["prepare"] == pytest.approx(members[0]["prepare"] + members[1]["prepare"], abs=0.01)


def test_a_second_run_finds_it_and_a_changed_member_makes_it_anew(run: Path) -> None:
    task = task_of(run, "stacked", trial(run, "stacked"))
    facts = EnsembleFacts.of(task.out)
    assert facts is not None
    assert task.finished
    assert facts.key == task.key()
    member = task.members[0].folder / "bundle" / "bundle.json"
    before = read_object(member)
    try:
        write_json(member, {**before, "operating_point": {**before["operating_point"], "threshold": 0.123}})
        assert task.key() != facts.key
        assert not task.finished
    finally:
        write_json(member, before)
    assert task.finished


@pytest.mark.slow
def test_on_other_films_its_members_are_asked_first(run: Path, tmp_path: Path) -> None:
    away = ingest([f"away={make_films(tmp_path / 'f', 24, 6, 64)}"], tmp_path / "a.csv", engine=Local(1))
    assert away.manifest
    page = evaluate_on(run, tmp_path / "a.csv", {}, None, Local(1), "hilum evaluate")
    for name in NAMES:
        there = Predictions.read(trial(page.parent, name) / "predictions.csv")
        fresh = predict_films(trial(run, name) / "bundle", [tmp_path / "a.csv"], tmp_path / "p.csv", "cpu")
        row = {i: k for k, i in enumerate(fresh.image_ids)}
        again = fresh.probabilities[[row[i] for i in there.image_ids]]
        np.testing.assert_allclose(again, there.probabilities, atol=1e-6)
    with pytest.raises(InputError, match="name its run"):
        evaluate_on(trial(run, "mean") / "bundle", tmp_path / "a.csv", {}, tmp_path / "o", Local(1), "")
