"""A study with each source left out by one flag."""

from pathlib import Path

import numpy as np
import pytest

from hilum.artifacts.comparisons import LEFT_OUT_FAMILY, read_comparisons
from hilum.artifacts.evaluation import EVALUATION, Evaluation
from hilum.artifacts.header import Header
from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.artifacts.outside import Outside
from hilum.artifacts.run_folder import RunFolder
from hilum.core.engine import Local
from hilum.core.errors import InputError
from hilum.stages.ingest import ingest
from hilum.stats.tested_films import tested_films as films_of_test
from hilum.study.file import Study, read_study
from hilum.synthetic.phantom import make_films
from hilum.workflow.asked import asked
from hilum.workflow.left_out import each_source_left_out
from hilum.workflow.outside import evaluate_on
from hilum.workflow.run import run_study

STUDY = Study.model_validate({"name": "s", "data": {"classes": ["covid", "normal"]}})


def films(*of: tuple[str, str]) -> Manifest:
    """Ten films of each (source, class)."""
    rows = [
        FilmRow(f"{s}/{c}/{k}", "", "p", f"{s}{c}{k}", f"{s}{c}{k}", c, s) for s, c in of for k in range(10)
    ]
    return Manifest(rows, Header("manifest", options={"no_patient_ids": sorted({s for s, _ in of})}))


def test_every_source_is_a_level_and_the_fall_a_family(capsys: pytest.CaptureFixture[str]) -> None:
    both = [(s, c) for s in ("a", "b") for c in ("covid", "normal")]
    study = each_source_left_out(STUDY, films(*both, ("c", "normal"), ("d", "other")))
    assert study.grid.levels("source_left_out") == ["none", "a", "b", "c"]
    (family,) = study.compare
    assert (family.name, family.factor, family.reference) == (LEFT_OUT_FAMILY, "source_left_out", "none")
    assert family.metrics == ["sensitivity", "specificity", "roc_auc"]
    assert capsys.readouterr().err == ""
    assert study.digest != STUDY.digest
    assert each_source_left_out(study, films(*both)).compare == [family]


def test_a_source_that_alone_has_a_class_stays_and_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    study = each_source_left_out(STUDY, films(("a", "covid"), ("a", "normal"), ("b", "normal")))
    assert study.grid.levels("source_left_out") == ["none", "b"]
    assert (
        capsys.readouterr().err
        == "note: source 'a' is not left out: every film of class 'covid' comes from it\n"
    )
    with pytest.raises(
        InputError,
        match="no source of a, b can be left out: source 'a' is not left out: every film of class 'covid'",
    ):
        each_source_left_out(STUDY, films(("a", "covid"), ("b", "normal")))


@pytest.mark.slow
def test_the_page_sets_models_with_and_without_a_source_beside_each_other(tmp_path: Path) -> None:
    sources = [f"{s}={make_films(tmp_path / s, 90, k, 64)}" for k, s in enumerate(("north", "south"))]
    ingest(sources, tmp_path / "manifest.csv", engine=Local(1))
    (tmp_path / "s.toml").write_text(
        'name = "s"\n[grid]\nbackbones = ["squeezenet1_0"]\ntrials = 2\n[weights]\nsqueezenet1_0 = "none"\n'
        "[augment]\nsize_px = 48\n[training]\nepochs = 1\n[statistics]\nresamples = 100\n"
    )
    _, (planned,) = asked(str(tmp_path / "s.toml"), tmp_path / "manifest.csv", tmp_path, [], True)
    page, _ = run_study(planned.study, planned.manifest, tmp_path / "ws", Local(0), "")
    rows = read_comparisons(page.parent / "comparisons.json")
    assert {(r.cell.rpartition("without-")[2], r.metric) for r in rows} == {
        (s, m) for s in ("north", "south") for m in ("sensitivity", "specificity", "roc_auc")
    }
    folder = RunFolder(page.parent)
    text = page.read_text()
    assert "Sources left out" in text
    assert "Comparisons: leave-one-source-out" not in text
    for line in (page.parent / "tables" / "left-out-films.csv").read_text().splitlines()[1:]:
        source, tested, *_ = line.split(",")
        assert int(tested) == folder.manifest.count_by("source")[source]
    assert read_study(tmp_path / "s.toml").grid.levels("source_left_out") == ["none"]
    tested = [films_of_test(folder, c, 2) for c in folder.cells]
    counted = Evaluation.read(page.parent / EVALUATION).unit_counts
    assert counted == tested[0].unit.counts != tested[-1].unit.counts
    shares = [f"{np.mean([y == folder.positive for y in t.predictions.y_true]):.3f}" for t in tested]
    assert f"a guess, {' to '.join(dict.fromkeys((min(shares), max(shares))))}." in text

    ingest([f"away={make_films(tmp_path / 'away', 40, 7, 64)}"], tmp_path / "away.csv", engine=Local(1))
    elsewhere = evaluate_on(page.parent, tmp_path / "away.csv", {}, None, Local(0), "")
    found = Outside.of_run(elsewhere.parent)
    assert found is not None
    assert {r.cell for r in found.differences} == {c.name for c in folder.cells}
    assert "Each source in turn" not in elsewhere.read_text()
