"""A finished run on other films: which of them it is asked of, that it says of them what `predict` says, and what stands beside."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hilum.artifacts.manifest import Manifest
from hilum.artifacts.outside import AT_POINT, FAMILY, Outside
from hilum.artifacts.predictions import JUDGED, Predictions
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.statistics import StudyRows
from hilum.cli.ending import ended
from hilum.cli.main import app
from hilum.core.engine import Local
from hilum.core.errors import InputError, UnsafeError
from hilum.stages.ingest import ingest
from hilum.stages.predict import predict_films
from hilum.stages.show import show
from hilum.study.file import read_study
from hilum.synthetic.phantom import make_films
from hilum.workflow.outside import evaluate_on
from hilum.workflow.outside.films import SAME_PATIENT, TESTED_ON, TRAINED_ON, matched
from hilum.workflow.run import run_study

STUDY = """
name = "tiny"
[grid]
backbones = ["squeezenet1_0"]
pipelines = ["crop"]
trials = 2
[weights]
squeezenet1_0 = "none"
[augment]
size_px = 48
[training]
epochs = 1
[statistics]
resamples = 100
"""
CELL = "squeezenet1_0--crop--constant"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run."""
    root = tmp_path_factory.mktemp("outside")
    ingest([f"home={make_films(root / 'films', 90, 5, 64)}"], root / "manifest.csv", engine=Local(1))
    (root / "tiny.toml").write_text(STUDY)
    report, _ = run_study(
        read_study(root / "tiny.toml"), root / "manifest.csv", root / "ws", Local(1), "test"
    )
    return report.parent


@pytest.fixture(scope="module")
def others(run: Path) -> Path:
    """A manifest of other films: of three classes of the model and of one that it lacks, among them a film that it was trained on, one that
    it was tested on, and another film of a patient of its own."""
    root = run.parents[2]
    made = ingest(
        [f"away={make_films(root / 'away', 60, 6, 64)}"], root / "away.csv", engine=Local(1)
    ).manifest
    folder = RunFolder(run)
    parts, own = folder.splits[1].parts, folder.manifest.by_id
    tested = own[parts["test"][0]]
    trained = own[next(i for i in parts["train"] if i not in folder.splits[2].parts["test"])]
    films = [
        replace(f, label={"viral": "strange", "covid": "COVID-19"}.get(f.label, f.label.upper()))
        for f in made.films
    ]
    films += [
        replace(f, image_id=f"away/{n}", patient_id=f"away:{n}", label="normal")
        for n, f in (("t", trained), ("u", tested))
    ]
    kept = next(k for k, f in enumerate(films) if f.label == "BACTERIAL")
    films[kept] = replace(films[kept], patient_id=trained.patient_id)
    Manifest(films, made.header).write(root / "others.csv")
    return root / "others.csv"


@pytest.fixture(scope="module")
def page(run: Path, others: Path) -> Path:
    return evaluate_on(run, others, {"COVID-19": "covid"}, None, Local(0), "hilum evaluate")


def test_films_that_the_models_know_are_left_out_and_counted(run: Path, others: Path, page: Path) -> None:
    found, given = Outside.of_run(page.parent), Manifest.read(others)
    assert found is not None
    n = given.count_by("label")
    assert found.dropped == {
        "of 'strange', which is no class of the models": n["strange"], TRAINED_ON: 1, TESTED_ON: 1, SAME_PATIENT: 1,
    }  # fmt: skip
    kept = RunFolder(page.parent).manifest
    assert len(kept) == len(given) - n["strange"] - 3
    assert kept.count_by("label") == {
        "bacterial": n["BACTERIAL"] - 1,
        "covid": n["COVID-19"],
        "normal": n["NORMAL"],
    }
    assert found.labels == {"COVID-19": "covid", "BACTERIAL": "bacterial", "NORMAL": "normal"}
    assert found.lacking == ("viral",)
    assert page.parent.parent == run.parent


@pytest.mark.parametrize("trial", [1, 2])
def test_it_says_what_predict_says_but_for_the_order_of_sums(
    run: Path, others: Path, page: Path, tmp_path: Path, trial: int
) -> None:
    ours = Predictions.read(page.parent / "cells" / CELL / f"trial-{trial}" / "predictions.csv")
    bundle = run / "cells" / CELL / f"trial-{trial}" / "bundle"
    theirs = predict_films(bundle, [others], tmp_path / "p.csv", "cpu")
    row = {i: k for k, i in enumerate(theirs.image_ids)}
    again = [row[i] for i in ours.image_ids]
    # of stored features a head takes its sums as it was trained, of films as a network does
    np.testing.assert_allclose(ours.probabilities, theirs.probabilities[again], rtol=0, atol=1e-6)
    assert ours.operating_point == tuple(theirs.operating_point[k] for k in again)
    assert list(ours.judged) == list(JUDGED[: len(ours.judged)])
    for name, texts in ours.judged.items():
        assert texts == tuple(theirs.judged[name][k] for k in again)


def test_a_class_that_is_not_there_is_undefined_and_says_so(page: Path) -> None:
    rows = StudyRows.read(page.parent / "statistics.json")
    lacking = rows.find(CELL, None, "sensitivity", "viral")
    assert lacking is not None
    assert lacking.estimate is None
    assert "no film of the class" in lacking.note
    assert rows.value(CELL, None, "specificity", "viral") is not None
    text = page.read_text()
    assert "No film outside is of class viral" in text
    assert "research" in text


def test_differences_are_of_both_sides_own_figures(run: Path, page: Path) -> None:
    found = Outside.of_run(page.parent)
    assert found is not None
    here, there = (StudyRows.read(p / "statistics.json") for p in (page.parent, run))
    for r in found.differences:
        suffix = "@operating_point" if r.family == AT_POINT else ""
        values = [rows.value(CELL, None, r.metric + suffix, "covid") for rows in (here, there)]
        assert [r.value, r.reference_value] == pytest.approx(values, abs=1e-12)
        assert r.low_one <= r.estimate <= r.high_one
        assert r.estimate == pytest.approx(values[0] - values[1], abs=1e-12)
    assert {r.family for r in found.differences} == {FAMILY, AT_POINT}
    assert {r.metric for r in found.differences} >= {"roc_auc", "sensitivity", "specificity"}


def test_a_second_time_nothing_is_done(run: Path, others: Path, page: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in page.parent.rglob("*") if p.is_file()}
    assert evaluate_on(run, others, {"COVID-19": "covid"}, None, Local(0), "hilum evaluate") == page
    assert {p: p.stat().st_mtime_ns for p in page.parent.rglob("*") if p.is_file()} == before


@pytest.mark.slow
def test_a_bundle_is_one_cell_with_one_trial(run: Path, others: Path, page: Path, tmp_path: Path) -> None:
    bundle = run / "cells" / CELL / "trial-2" / "bundle"
    one = evaluate_on(
        bundle, others, {"COVID-19": "covid"}, tmp_path / "ws", Local(0), "hilum evaluate"
    ).parent
    first = Predictions.read(one / "cells" / CELL / "trial-1" / "predictions.csv")
    second = Predictions.read(page.parent / "cells" / CELL / "trial-2" / "predictions.csv")
    assert first.probabilities.tolist() == second.probabilities.tolist()
    assert [r.verdict for r in Outside.of_run(one).differences] != []  # type: ignore[union-attr]

    shutil.copytree(bundle, tmp_path / "elsewhere")
    alone = evaluate_on(
        tmp_path / "elsewhere", others, {"COVID-19": "covid"}, tmp_path / "ws", Local(0), ""
    ).parent
    found = Outside.of_run(alone)
    assert found is not None
    assert not found.known
    assert found.differences == []
    assert list(found.dropped) == ["of 'strange', which is no class of the models"]
    assert json.loads((alone / "run.json").read_text())["trials"] == 1
    assert "are not known here" in (alone / "report.html").read_text()


def test_labels_are_matched_and_a_wrong_one_is_refused() -> None:
    classes = ("covid", "normal")
    with pytest.raises(InputError, match="no film of the manifest has the label 'tb'; did you mean 'TB'"):
        matched({"TB": 2}, {"tb": "covid"}, classes)
    with pytest.raises(InputError, match="'covit' is no class of the models; did you mean 'covid'"):
        matched({"TB": 2}, {"TB": "covit"}, classes)


@pytest.mark.slow
def test_a_whole_network_says_what_predict_says(run: Path, others: Path, tmp_path: Path) -> None:
    text = STUDY.replace("trials = 2", "trials = 1") + '[finetune]\ntrain = "all"\n'
    (tmp_path / "whole.toml").write_text(text)
    study = read_study(tmp_path / "whole.toml")
    whole = run_study(study, run.parents[2] / "manifest.csv", tmp_path / "ws", Local(0), "test")[0].parent
    page = evaluate_on(whole, others, {"COVID-19": "covid"}, None, Local(0), "")
    ours = Predictions.read(page.parent / "cells" / CELL / "trial-1" / "predictions.csv")
    theirs = predict_films(whole / "cells" / CELL / "trial-1" / "bundle", [others], tmp_path / "p.csv", "cpu")
    row = {i: k for k, i in enumerate(theirs.image_ids)}
    np.testing.assert_allclose(
        ours.probabilities, theirs.probabilities[[row[i] for i in ours.image_ids]], rtol=0, atol=1e-6
    )


def test_an_unsafe_bundle_is_refused_alone(run: Path, others: Path, tmp_path: Path) -> None:
    shutil.copytree(run / "cells" / CELL / "trial-1" / "bundle", tmp_path / "unsafe")
    path = tmp_path / "unsafe" / "bundle.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "unsafe": ["test_as_validation"]}))
    with pytest.raises(UnsafeError, match="trained with test_as_validation, which breaks the validity"):
        evaluate_on(tmp_path / "unsafe", others, {}, tmp_path / "ws", Local(0), "")


def test_a_gate_of_an_earlier_hilum_is_refused_before_a_film_is_opened(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run / "cells" / CELL / "trial-1" / "bundle", tmp_path / "old")
    path = tmp_path / "old" / "bundle.json"
    value = json.loads(path.read_text())
    path.write_text(json.dumps({**value, "gate": {**value["gate"], "of": "features of length 1"}}))
    with pytest.raises(InputError, match="which an earlier hilum made; run its study again"):
        evaluate_on(tmp_path / "old", tmp_path / "no manifest.csv", {}, tmp_path / "ws", Local(0), "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["scores.csv", "--on", "others.csv"],
            "scores.csv: --on takes a run's folder or a bundle, got a file",
        ),
        ([".", "--on", "others.csv", "--part", "test"], "the other options are for a table of scores"),
        (
            [".", "--out", "s.json"],
            "a run or a bundle is evaluated on the films of a manifest, which --on names",
        ),
        (["scores.csv"], "--out is missing: the file to write"),
        ([".", "--on", "others.csv", "--map-label", "tb"], "--map-label takes LABEL=CLASS, got 'tb'"),
    ],
)
def test_a_table_and_other_films_are_not_mixed(
    words: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("scores.csv", "others.csv"):
        (tmp_path / name).write_text("image_id\n")
    assert ended(lambda: app(["evaluate", *words]), debug=False) == 2
    assert said in capsys.readouterr().err


def test_its_files_are_verified_by_show(page: Path) -> None:
    for name in ("outside.json", "decisions.json", "statistics.json", "run.json"):
        (found,) = show(str(page.parent / name))
        assert "CHANGED" not in [link.state for link in found.inputs]
        assert "verified" in [link.state for link in found.inputs]
